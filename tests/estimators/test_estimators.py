"""The estimators as scikit-learn's users know them: its checks, its numbers, its messages, its tools."""

from __future__ import annotations

import pickle
import re
import warnings

import numpy as np
import pytest
from conftest import need, placement
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError, UndefinedMetricWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from regnet import SGD, Adam, EarlyStopping, Exponential, Huber, MLPClassifier, MLPRegressor, Normal
from regnet.estimators import parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
THEIRS = {MLPClassifier: neural_network.MLPClassifier, MLPRegressor: neural_network.MLPRegressor}


def scaled(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / np.maximum(x.std(0), 1e-9), y


CANCER, IRIS, DIABETES = scaled(load_breast_cancer), scaled(load_iris), scaled(load_diabetes)
DIABETES = (DIABETES[0], (DIABETES[1] - DIABETES[1].mean()) / DIABETES[1].std())


def checks():
    for estimator in (MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)):
        for number, (instance, check) in enumerate(estimator_checks_generator(estimator)):
            name = getattr(check, "func", check).__name__
            yield pytest.param(instance, check, id=f"{type(estimator).__name__}-{number}-{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_checks(estimator, check):
    import array_api_strict

    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=True, data_dependent_shapes=True):
        check(estimator)


def test_parameters_and_defaults_are_scikit_learns():
    for ours, theirs in THEIRS.items():
        mine = ours().get_params()
        assert {name: mine[name] for name in theirs().get_params()} == theirs().get_params()


SAME = [
    (MLPClassifier, CANCER, {}),
    (MLPClassifier, CANCER, {"alpha": 1.0, "activation": "logistic", "batch_size": 50}),
    (MLPClassifier, CANCER, {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1}),
    (MLPClassifier, CANCER, {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "tol": 1e-2,
                             "n_iter_no_change": 2, "max_iter": 60}),
    (MLPClassifier, CANCER, {"solver": "sgd", "nesterovs_momentum": False, "early_stopping": True}),
    (MLPClassifier, IRIS, {"hidden_layer_sizes": (9, 5), "activation": "tanh", "early_stopping": True}),
    (MLPClassifier, IRIS, {"solver": "lbfgs", "activation": "identity"}),
    (MLPRegressor, DIABETES, {"shuffle": False, "beta_1": 0.5, "epsilon": 1e-3}),
    (MLPRegressor, (DIABETES[0], np.abs(DIABETES[1])), {"loss": "poisson", "early_stopping": True}),
    (MLPRegressor, DIABETES, {"solver": "lbfgs", "alpha": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", range(len(SAME)))
def test_the_numbers_are_scikit_learns(case, weighted):
    """Same random_state, same coefficients, losses, scores and iterations, to rounding."""
    ours, (x, y), settings = SAME[case]
    weight = np.random.default_rng(case).uniform(0.1, 3, len(y)) if weighted else None
    settings = {"max_iter": 12, "random_state": 3, "hidden_layer_sizes": (20,), **settings}
    if weighted:  # a batch of all rows: what weights mean in smaller ones is regnet's own (tests/test_weights.py)
        settings["batch_size"] = len(y) - (-(-len(y) // 10) if settings.get("early_stopping") else 0)
    a = THEIRS[ours](**settings).fit(x, y, sample_weight=weight)
    b = ours(**settings).fit(x, y, sample_weight=weight)
    for left, right in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-7, atol=1e-8)
    for name in ("loss_", "n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        expected = getattr(a, name)
        assert getattr(b, name) == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-8))
    for name in ("best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_"):
        if hasattr(a, name) and getattr(a, name) is not None:
            np.testing.assert_allclose(getattr(b, name), getattr(a, name), rtol=1e-8)
        else:
            assert getattr(b, name, None) is None
    np.testing.assert_allclose(b.predict(x), a.predict(x), rtol=1e-6)
    if ours is MLPClassifier:
        with np.errstate(divide="ignore"):  # a class whose probability is rounded to 0
            expected = a.predict_log_proba(x)
        told = np.isfinite(expected)
        np.testing.assert_allclose(b.predict_log_proba(x)[told], expected[told], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_and_warm_start_go_on_as_scikit_learns(solver):
    x, y = IRIS
    settings = {"solver": solver, "learning_rate": "invscaling", "random_state": 0, "max_iter": 5}
    a, b = neural_network.MLPClassifier(**settings), MLPClassifier(**settings)
    for _ in range(3):
        a.partial_fit(x[:100], y[:100], classes=[0, 1, 2])
        b.partial_fit(x[:100], y[:100], classes=[0, 1, 2])
    np.testing.assert_allclose(b.coefs_[0], a.coefs_[0], rtol=1e-10, atol=1e-12)
    assert (a.n_iter_, a.t_, len(a.loss_curve_)) == (b.n_iter_, b.t_, len(b.loss_curve_))
    a, b = (clone(one).set_params(warm_start=True).fit(x, y).fit(x, y) for one in (a, b))
    np.testing.assert_allclose(b.coefs_[1], a.coefs_[1], rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        b.fit(x[:100], y[:100])


def test_the_deviation_in_multi_output_squared_error():
    """The reported loss is summed over outputs, so that its gradient is the gradient that both libraries follow."""
    x, y = DIABETES
    both = np.stack([y, -2 * y], axis=1)
    a = neural_network.MLPRegressor(alpha=0, max_iter=3, random_state=0).fit(x, both)
    b = MLPRegressor(alpha=0, max_iter=3, random_state=0).fit(x, both)
    np.testing.assert_allclose(b.coefs_[0], a.coefs_[0], rtol=1e-10)
    np.testing.assert_allclose(b.loss_curve_, 2 * np.asarray(a.loss_curve_), rtol=1e-10)


def test_verbose_prints_scikit_learns_lines(capsys):
    x, y = CANCER
    settings = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.9, "tol": 0.1, "verbose": True,
                "n_iter_no_change": 1, "max_iter": 40, "random_state": 0, "early_stopping": True}  # fmt: skip
    neural_network.MLPClassifier(**settings).fit(x, y)
    theirs = capsys.readouterr().out
    MLPClassifier(**settings).fit(x, y)
    assert capsys.readouterr().out == theirs
    assert "Setting learning rate to" in theirs


def both_messages(ours, settings, x, y, **fit):
    """What each library says: the exception and its text, or the warnings."""
    said = []
    for cls in (THEIRS[ours], ours):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                cls(**settings).fit(x, y, **fit)
            except Exception as error:
                said.append((type(error).__name__, re.sub(r"\s+", " ", str(error))))
            else:
                said.append([re.sub(r"\s+", " ", str(one.message)) for one in caught])
    return said


BAD = {
    "alpha": ({"alpha": -1}, *CANCER),
    "tol": ({"tol": "small"}, *CANCER),
    "batch_size": ({"batch_size": 0}, *CANCER),
    "hidden_layer_sizes": ({"hidden_layer_sizes": (5, 0)}, *CANCER),
    "max_iter": ({"max_iter": -3}, *CANCER),
    "clipped batch": ({"batch_size": 10_000, "max_iter": 1}, *CANCER),
    "no convergence": ({"max_iter": 2}, *CANCER),
    "no lbfgs convergence": ({"max_iter": 2, "solver": "lbfgs"}, *CANCER),
    "NaN": ({}, np.full((9, 2), np.nan), np.arange(9) % 2),
    "length": ({}, np.ones((9, 2)), np.arange(8) % 2),
    "one axis": ({}, np.ones(9), np.arange(9) % 2),
    "continuous": ({}, np.ones((9, 2)), np.linspace(0, 1, 9)),
    "column": ({"max_iter": 400}, IRIS[0], IRIS[1][:, None]),
    "small validation": ({"early_stopping": True, "validation_fraction": 0.01}, IRIS[0], IRIS[1] % 2),
    "overflow": ({"solver": "sgd", "learning_rate_init": 1e300}, *CANCER),
    "text": ({}, [["a", "b"]] * 4, [0, 1, 0, 1]),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore")
def test_bad_input_is_worded_as_in_scikit_learn(name):
    settings, x, y = BAD[name]
    theirs, ours = both_messages(MLPClassifier, {"random_state": 0, **settings}, x, y)
    if name == "overflow":
        theirs = ("ValueError", theirs[1]) if isinstance(theirs, tuple) else theirs
    if name in ("no convergence", "no lbfgs convergence", "column", "clipped batch"):
        theirs = [text for text in theirs if "divide" not in text]
    if "alpha" not in name and isinstance(theirs, tuple) and theirs[0] == "InvalidParameterError":
        assert ours[1].split(" must be ")[0] == theirs[1].split(" must be ")[0]  # more is allowed here
    else:
        assert ours == theirs


REFUSED = {
    "too many": ({"weight_l1": [1e-3, 0, 0]}, "weight_l1 has 3 values, but the network has 2 layers"),
    "negative": ({"weight_l2": -0.1}, "The 'weight_l2' parameter of MLPClassifier must be"),
    "negative in a list": ({"weight_l2": [0, -0.1]}, "weight_l2=.* a strength must be a finite number of 0 or more"),
    "no such layer": ({"neuron_l1": 0.1, "hidden_layer_sizes": ()}, r"hidden_layer_sizes=\(\) has no hidden layer"),
    "too many hidden": ({"neuron_l1": [0.1, 0.1]}, "neuron_l1 has 2 values, but the network has 1 hidden layer "),
    "lbfgs with a group": ({"solver": "lbfgs", "input_l1": 0.1}, "cannot minimise input_l1=0.1.*solver='fista'"),
    "lbfgs with L1": ({"solver": "lbfgs", "weight_l1": [0, 1]}, "cannot minimise weight_l1.*solver='fista'"),
    "factors": ({"penalty_factor": [1, 2]}, "X has 4 features, penalty_factor has shape"),
    "dropout without batches": ({"dropout": 0.5, "solver": "fista"}, "needs batches"),
    "solver": ({"solver": "simplex"}, "The 'solver' parameter of MLPClassifier must be"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_our_own_parameters_are_refused_by_name(name):
    settings, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(*IRIS)


def test_partial_fit_needs_batches():
    assert not hasattr(MLPClassifier(solver="fista"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = MLPRegressor(solver="lbfgs").partial_fit


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


def test_frames_follow_the_environment_and_keep_their_names():
    polars = need("polars")
    x, y = IRIS
    frame = polars.DataFrame(x, schema=["a", "b", "c", "d"])
    fitted = MLPClassifier((5,), solver="fista", input_l1=0.05, max_iter=500, random_state=0).fit(frame, y)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.rename({"a": "z"}))
    small = fitted.compact()
    kept = [name for name, used in zip("abcd", fitted.selected_features_, strict=True) if used]
    assert small.feature_names_in_.tolist() == kept
    assert (small.predict(frame.select(kept)) == fitted.predict(frame)).all()


def test_arrays_stay_where_they_are(namespace):
    """Fit and predict in the array's own library: what comes back lives there, with NumPy's values."""
    import array_api_strict

    here, (x, y) = placement(namespace), IRIS
    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=True, data_dependent_shapes=True):
        for cls, target in ((MLPClassifier, y), (MLPRegressor, x[:, 0] * 2 + y)):
            for settings in ({"solver": "lbfgs"}, {"input_l1": 0.01, "solver": Adam(0.01), "batch_size": 50}):
                ours = cls(hidden_layer_sizes=(6,), max_iter=8, random_state=0, **settings)
                expected = clone(ours).fit(x, target)
                table, labels = here.put(x), here.put(target, "int64" if cls is MLPClassifier else None)
                ours.fit(table, labels)
                for name in ("predict", "predict_proba") if cls is MLPClassifier else ("predict",):
                    got = getattr(ours, name)(table)
                    assert type(got) is type(table)
                    np.testing.assert_allclose(here.backend.to_numpy(got), getattr(expected, name)(x), atol=1e-8)
                assert type(ours.coefs_[0]) is type(table)
                assert ours.score(table, labels) == pytest.approx(expected.score(x, target), abs=1e-8)
                small = ours.compact()
                np.testing.assert_allclose(here.backend.to_numpy(small.predict(table)), expected.predict(x), atol=1e-8)


def test_unfitted():
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(np.ones((2, 2)))
    with pytest.raises(NotFittedError):
        MLPClassifier().compact()


def test_interruption_keeps_what_was_learnt():
    def stop(record, model):
        if record.epoch == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        fitted = MLPClassifier(random_state=0).fit(*IRIS, callbacks=[stop])
    assert (fitted.n_iter_, len(fitted.loss_curve_)) == (3, 3)


def test_convergence_warning_of_fista():
    with pytest.warns(ConvergenceWarning, match="fista failed to converge after 2 iteration"):
        MLPClassifier(solver="fista", max_iter=2).fit(*IRIS)


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
