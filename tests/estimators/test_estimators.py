"""The estimators as scikit-learn's users know them: weights, targets, attributes, tools."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from twins import BINARY, CANCER, DIABETES, IRIS, VALUES, X

from regnet import SGD, Adam, EarlyStopping, Exponential, Huber, MLPClassifier, MLPRegressor, Normal
from regnet.estimators import parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_early_stopping_records_of_equal_metric_are_no_improvement():
    x, y = np.random.RandomState(3).randn(130, 4), np.arange(130) % 3
    rule = EarlyStopping(patience=5, monitor="metric")
    model = MLPClassifier((5,), early_stopping=rule, random_state=0, max_iter=100, learning_rate_init=1e-9)
    assert model.fit(x, y, validation_data=(x[:41], y[:41])).n_iter_ == 5


def test_predictions_belong_to_the_fitted_loss():
    model = MLPRegressor(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(X, np.abs(VALUES))
    before = model.predict(X)
    np.testing.assert_array_equal(model.set_params(loss="poisson").predict(X), before)


def test_fitted_attributes_are_of_the_last_call():
    held_out = MLPClassifier((5,), max_iter=3, random_state=0).fit(X, BINARY, validation_data=(X, BINARY))
    assert len(held_out.history_.column("validation_loss")) == 4
    model = MLPClassifier((5,), max_iter=3, random_state=0, warm_start=True).fit(X, BINARY, log_every=1)
    assert len(model.history_) == 4
    model.fit(X, BINARY)
    assert not hasattr(model, "history_")
    first = model.kkt_residual_
    small = model.compact()
    small.partial_fit(X, BINARY)
    assert len(model.loss_curve_) == 6
    model.partial_fit(X, BINARY)
    assert not hasattr(model, "kkt_residual_")
    assert first > 0


def test_compact_takes_tables_of_every_kind():
    y = X[:, 0] + X[:, 2]
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="fista", input_l1=0.05, max_iter=500, random_state=0).fit(X, y)
    small = model.compact()
    assert 0 < small.n_features_in_ < 4
    for table in (X, X.tolist(), sparse.coo_matrix(X), sparse.csr_array(X), X[:, small.kept_inputs_].tolist()):
        np.testing.assert_allclose(small.predict(table), model.predict(X), atol=1e-12)
    small.set_params(solver="adam").partial_fit(X, y)
    assert small.predict(X).shape == (60,)
    small.set_params(warm_start=True, max_iter=2).fit(X, y)
    assert small.coefs_[0].shape[0] == small.n_features_in_
    small.set_params(warm_start=False).fit(X, y)
    assert small.n_features_in_ == 4


def test_a_batch_without_weight_changes_nothing_but_momentum():
    """The others have all of the weight, half as much again of it for a row as if they were alone."""
    weight = np.r_[np.zeros(20), np.ones(40)]
    common = {"hidden_layer_sizes": (5,), "shuffle": False, "batch_size": 20, "random_state": 0, "max_iter": 1}
    plain = {**common, "solver": "sgd", "momentum": 0.0, "alpha": 0.0}
    skipped = MLPClassifier(**plain, learning_rate_init=0.001).fit(X, BINARY, weight)
    without = MLPClassifier(**plain, learning_rate_init=0.0015).fit(X[20:], BINARY[20:])
    np.testing.assert_allclose(skipped.coefs_[0], without.coefs_[0], rtol=1e-12)
    assert np.isfinite(MLPClassifier(class_weight={0: 0, 1: 1}, batch_size=5, max_iter=5).fit(X, BINARY).loss_)


def test_an_early_stopping_object_replaces_the_rule_of_tol():
    rule = EarlyStopping(patience=100)
    model = MLPClassifier((5,), early_stopping=rule, tol=1.0, max_iter=40, random_state=0)
    assert model.fit(X, BINARY, validation_data=(X, BINARY)).n_iter_ == 40


def test_alpha_is_0_beside_our_own_strengths_unless_it_was_given():
    cases = [({}, 1e-4), ({"weight_l1": 0.0}, 0.0), ({"alpha": 0.3, "weight_l1": 1.0}, 0.3)]
    cases.append(({"alpha": float("1e-4"), "input_l1": 0.1}, 1e-4))
    for settings, expected in cases:
        estimator = MLPClassifier(**settings)
        for copy in (estimator, clone(estimator), pickle.loads(pickle.dumps(estimator))):
            assert parameters.alpha_of(copy) == expected


def test_a_weight_of_2_is_a_repeated_row():
    x, y = CANCER
    twice = np.r_[np.arange(len(y)), np.arange(0, len(y), 3)]
    weight = np.bincount(twice).astype(float)
    for settings in (
        {"hidden_layer_sizes": (8,), "max_iter": 40, "weight_l1": 1e-3, "n_iter_no_change": 99},
        {"hidden_layer_sizes": (8,), "max_iter": 40, "alpha": 0.5},
        {"hidden_layer_sizes": (), "solver": "fista", "max_iter": 5000, "tol": 1e-12, "weight_l1": 1e-2},
        {"hidden_layer_sizes": (8,), "solver": "lbfgs", "max_iter": 10},
    ):
        common = {"random_state": 0, "shuffle": False, **settings}
        weighted = MLPClassifier(batch_size=len(y), **common).fit(x, y, sample_weight=weight)
        repeated = MLPClassifier(batch_size=len(twice), **common).fit(x[twice], y[twice])
        for a, b in zip(weighted.coefs_, repeated.coefs_, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)


def test_class_weight_is_a_sample_weight():
    x, y = IRIS
    by_class = MLPClassifier(class_weight={0: 1.0, 1: 3.0, 2: 0.5}, max_iter=5, random_state=0).fit(x, y)
    by_row = MLPClassifier(max_iter=5, random_state=0).fit(x, y, sample_weight=np.array([1.0, 3.0, 0.5])[y])
    np.testing.assert_allclose(by_class.coefs_[0], by_row.coefs_[0], rtol=1e-12)
    balanced = MLPClassifier(class_weight="balanced", max_iter=5, random_state=0).fit(x[:120], y[:120])
    share = np.array([120 / 150, 120 / 150, 120 / 60])[y[:120]]
    other = MLPClassifier(max_iter=5, random_state=0).fit(x[:120], y[:120], sample_weight=share)
    np.testing.assert_allclose(balanced.coefs_[0], other.coefs_[0], rtol=1e-12)


def test_targets_of_every_kind():
    x, y = IRIS
    names = np.array(["iris", "lily", "rose"])
    assert set(MLPClassifier(max_iter=50, random_state=0).fit(x, names[y]).predict(x)) <= set(names)
    assert MLPClassifier(max_iter=5).fit(x, y > 0).predict(x).dtype == bool
    one_hot = MLPClassifier(max_iter=300, random_state=0).fit(x, np.eye(3, dtype=int)[y])
    theirs = neural_network.MLPClassifier(max_iter=300, random_state=0).fit(x, np.eye(3, dtype=int)[y])
    assert (one_hot.predict(x) == theirs.predict(x)).all()
    labels_x, labels = make_multilabel_classification(random_state=0)
    many = MLPClassifier(max_iter=50, random_state=0).fit(labels_x, sparse.csr_array(labels))
    assert many.predict(labels_x).shape == labels.shape
    assert many.out_activation_ == "logistic"
    assert (MLPClassifier(max_iter=3).fit(x, np.full(len(x), "only")).predict(x) == "only").all()


def test_sparse_input_equals_dense():
    x, y = load_digits(return_X_y=True)
    dense = MLPClassifier((10,), max_iter=3, random_state=0).fit(x, y)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        thin = MLPClassifier((10,), max_iter=3, random_state=0).fit(kind(x), y)
        np.testing.assert_allclose(thin.predict_proba(kind(x)), dense.predict_proba(x), rtol=1e-10)


def test_grid_search_pipeline_and_pickle():
    settings = {
        "hidden_layer_sizes": (6,), "solver": Adam(0.02), "weight_l1": [1e-3, 0.0], "bias_l2": 1e-3, "dropout": 0.1,
        "initializer": Normal(0.1), "penalty_factor": [1.0, 1.0, 0.0, 2.0], "input_l1": 1e-3, "max_iter": 20,
        "class_weight": "balanced", "random_state": 0, "early_stopping": EarlyStopping(patience=5),
    }  # fmt: skip
    estimator = MLPClassifier(**settings)
    assert {name: clone(estimator).get_params()[name] for name in settings} == settings
    search = GridSearchCV(make_pipeline(StandardScaler(), estimator), {"mlpclassifier__input_l1": [0.0, 1e-2]}, cv=2)
    search.fit(*IRIS)
    assert search.best_estimator_[-1].get_params()["solver"] == Adam(0.02)
    copy = pickle.loads(pickle.dumps(search))
    assert (copy.predict(IRIS[0]) == search.predict(IRIS[0])).all()


def test_losses_of_the_regressor():
    """Constant predictors: the median under the absolute error, the mean under the squared one, between them Huber."""
    y = np.array([0.0, 0.0, 0.0, 1.0, 9.0])
    fitted = {}
    for loss in ("absolute_error", "absolute", "squared_error", "huber", Huber(2.0)):
        solver = SGD(Exponential(0.2, rate=0.5, steps=300))
        model = MLPRegressor(loss, (), solver=solver, max_iter=3000, tol=0, n_iter_no_change=np.inf, random_state=0)
        fitted[str(loss)] = model.fit(np.zeros((5, 1)), y).predict(np.zeros((1, 1)))[0]
    assert fitted["absolute_error"] == pytest.approx(0.0, abs=1e-3)
    assert fitted["absolute"] == fitted["absolute_error"]
    assert fitted["squared_error"] == pytest.approx(2.0, abs=1e-6)
    assert fitted["huber"] == pytest.approx(0.5, abs=1e-6)  # 3 m + (m - 1) - 1 = 0
    assert fitted["Huber(delta=2.0)"] == pytest.approx(0.75, abs=1e-6)


def test_interruption_keeps_what_was_learnt():
    def stop(record, model):
        if record.epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        fitted = MLPClassifier(random_state=0).fit(*IRIS, callbacks=[stop])
    assert (fitted.n_iter_, len(fitted.loss_curve_)) == (3, 3)


def test_dropout_with_batches_smaller_than_the_data():
    x, y = DIABETES
    settings = {"hidden_layer_sizes": (30,), "max_iter": 30, "random_state": 0, "n_iter_no_change": 99}
    plain, dropped = (MLPRegressor(dropout=rate, **settings).fit(x, y) for rate in (0.0, 0.5))
    assert dropped.loss_ > plain.loss_
    assert dropped.score(x, y) > 0.4
    again = MLPRegressor(dropout=0.5, **settings).fit(x, y)
    np.testing.assert_array_equal(again.coefs_[0], dropped.coefs_[0])


def test_scores_are_of_what_was_asked(rng):
    """R2 with weights is scikit-learn's; rows or outputs that do not fit are refused, and one row has no R2."""
    X, y = DIABETES
    fitted, weight = (
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0).fit(X, y),
        rng.uniform(size=len(y)),
    )
    expected = r2_score(y, fitted.predict(X), sample_weight=weight)
    assert fitted.score(X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-12)
    assert fitted.score(X, y[:, None].tolist()) == fitted.score(X, y)
    wrong = {"inconsistent": y[1:], "y has 2 outputs": np.c_[y, y], "NaN": y * np.nan}
    for message, targets in wrong.items():
        with pytest.raises(ValueError, match=message):
            fitted.score(X, targets)
    with pytest.raises(ValueError, match="non-zero"):
        fitted.score(X, y, 0 * weight)
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(fitted.score(X[:1], y[:1]))


def test_given_validation_rows_stop_the_training_by_their_score():
    model = MLPClassifier((5,), early_stopping=True, n_iter_no_change=2, max_iter=60, tol=0.5, random_state=0)
    model.fit(X, BINARY, validation_data=(X[:20], BINARY[:20]))
    assert model.n_iter_ == len(model.validation_scores_) == 4  # the first is the best by 0.5, as from -inf
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.history_[-1].validation_metric == pytest.approx(model.validation_scores_[-1])
    assert model.score(X[:20], BINARY[:20]) == model.best_validation_score_


def test_training_goes_on_under_another_kind_of_early_stopping():
    """Each keeps accounts of its own; the losses are one curve."""
    model = MLPClassifier((5,), early_stopping=True, warm_start=True, max_iter=3, random_state=0).fit(X, BINARY)
    assert (len(model.validation_scores_), model.best_loss_) == (3, None)
    model.set_params(early_stopping=False).fit(X, BINARY)
    assert (model.validation_scores_, model.best_loss_) == (None, min(model.loss_curve_[3:]))
    assert len(model.set_params(early_stopping=True).fit(X, BINARY).loss_curve_) == 9
    assert len(model.validation_scores_) == 3


def test_training_that_ends_in_an_error_leaves_what_scikit_learn_leaves():
    """First weights, and the losses of the epochs that were; a network that is trained further keeps its weights."""

    def fail(record, model):
        if record.epoch == 2:
            raise RuntimeError("the callback's own")

    model = MLPClassifier((5,), max_iter=4, random_state=0, warm_start=True)
    with pytest.raises(RuntimeError, match="own"):
        model.fit(X, BINARY, callbacks=[fail])
    assert (model.n_iter_, model.t_, len(model.loss_curve_), len(model.history_)) == (2, 120, 2, 3)
    np.testing.assert_array_equal(
        model.coefs_[0],
        MLPClassifier((5,), max_iter=1, random_state=0, learning_rate_init=1e-300).fit(X, BINARY).coefs_[0],
    )
    trained = model.fit(X, BINARY).coefs_[0]
    with pytest.raises(RuntimeError, match="own"):
        model.fit(X, BINARY, callbacks=[fail])
    assert model.coefs_[0] is trained
    assert (model.n_iter_, len(model.loss_curve_)) == (2, 8)


def test_rows_without_weight_cannot_stop_a_training():
    """A score of 0 stood for theirs, and ended it."""
    x = np.random.default_rng(0).standard_normal((60, 2))
    network = MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, max_iter=3, random_state=0)
    with pytest.raises(ValueError, match="All rows that early stopping holds out have weight 0"):
        network.fit(x, x[:, 0], np.r_[np.ones(2), np.zeros(58)])
