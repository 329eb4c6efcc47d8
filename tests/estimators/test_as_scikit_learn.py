"""The estimators' numbers, printed lines and types are scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from twins import BINARY, CANCER, DIABETES, IRIS, LABELS, THEIRS, VALUES, X, both, same

from regnet import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("seed", range(12))
def test_early_stopping_keeps_the_first_of_equal_scores(seed):
    """The share of hits must not depend on the order in which they are added up."""
    rng = np.random.RandomState(seed)
    x = rng.randn(130, 4)
    y = np.digitize(x[:, 0] + 1.5 * rng.randn(130), [-0.5, 0.5])
    a, b = both(
        MLPClassifier, early_stopping=True, validation_fraction=0.3, max_iter=60, learning_rate_init=0.01,
        n_iter_no_change=15,
    )  # fmt: skip
    a.fit(x, y), b.fit(x, y)
    assert b.validation_scores_ == a.validation_scores_
    same(a, b)


@pytest.mark.parametrize(
    "settings", [{}, {"solver": "sgd", "learning_rate": "invscaling"}, {"shuffle": False}], ids=str
)
def test_partial_fit_on_chunks_of_different_sizes(settings):
    x = np.random.RandomState(0).randn(1500, 4)
    y = (x[:, 0] > 0) * 1
    a, b = both(MLPClassifier, learning_rate_init=0.01, **settings)
    for start, stop in [(0, 500), (500, 900), (900, 1500), (0, 130)]:
        for one in (a, b):
            one.partial_fit(x[start:stop], y[start:stop], classes=[0, 1])
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-9)
    same(a, b)


def test_invscaling_falls_without_a_stopping_rule():
    a, b = both(
        MLPRegressor, solver="sgd", learning_rate="invscaling", learning_rate_init=0.1, n_iter_no_change=np.inf,
        max_iter=50,
    )  # fmt: skip
    same(a.fit(X, VALUES), b.fit(X, VALUES))
    assert b.best_loss_ == pytest.approx(a.best_loss_, rel=1e-9)
    steep = MLPRegressor(
        hidden_layer_sizes=(5,), solver="sgd", learning_rate="invscaling", power_t=20.0, random_state=0, max_iter=30
    )
    assert np.isfinite(steep.fit(X.astype(np.float32), VALUES).loss_)


@pytest.mark.parametrize("kind", ["constant", "one class"])
def test_early_stopping_on_targets_that_do_not_vary(kind):
    ours, y = (MLPRegressor, np.full(60, 3.1)) if kind == "constant" else (MLPClassifier, np.ones(60))
    a, b = both(ours, early_stopping=True, max_iter=40, validation_fraction=0.3, n_iter_no_change=5)
    a.fit(X, y), b.fit(X, y)
    assert b.validation_scores_ == a.validation_scores_
    same(a, b)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_keeps_its_optimizer(solver):
    a, b = both(MLPClassifier, solver=solver)
    for one in (a, b):
        one.partial_fit(X, BINARY, classes=[0, 1])
        one.set_params(learning_rate_init=0.5, beta_1=0.1, momentum=0.1, learning_rate="invscaling")
        one.partial_fit(X, BINARY)
        one.set_params(solver="sgd" if solver == "adam" else "adam").partial_fit(X, BINARY)
    same(a, b)


def test_types_of_floating_point():
    single = X.astype(np.float32)
    a, b = both(MLPClassifier, max_iter=5)
    a.fit(single, BINARY), b.fit(single, BINARY)
    for table in (X, single, X.tolist(), np.rint(X).astype(int), X * 1e39):
        got, expected = b.predict_proba(table), a.predict_proba(table)
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, atol=1e-5)
    a, b = both(MLPRegressor, solver="lbfgs", max_iter=30)
    a.fit(single, VALUES), b.fit(single, VALUES)
    same(a, b, rtol=1e-3)
    assert b.coefs_[0].dtype == np.float64
    for first, second in ((X, single), (single, X)):
        a, b = both(MLPClassifier)
        for one in (a, b):
            one.partial_fit(first, BINARY, classes=[0, 1]).partial_fit(second, BINARY)
        assert b.coefs_[0].dtype == a.coefs_[0].dtype == first.dtype
    a, b = both(MLPRegressor, early_stopping=True, max_iter=20)
    a.fit(single, VALUES + 1e8), b.fit(single, VALUES + 1e8)
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_, rtol=1e-5)


def test_sparse_labels_come_back_sparse():
    a, b = both(MLPClassifier, max_iter=20)
    y = sparse.csr_matrix(LABELS)
    got, expected = b.fit(X, y).predict(X), a.fit(X, y).predict(X)
    assert type(got) is type(expected)
    assert (got != expected).nnz == 0


@pytest.mark.parametrize("ours", THEIRS)
def test_parameters_that_are_valid_but_unused(ours):
    for settings in ({"momentum": 1.0}, {"max_iter": 2, "power_t": 0.0}, {"validation_fraction": 0.0}):
        a, b = both(ours, **{"max_iter": 2, **settings})
        same(a.fit(X, BINARY), b.fit(X, BINARY))


def test_what_else_is_public():
    assert MLPClassifier().loss == neural_network.MLPClassifier().loss == "log_loss"
    assert not hasattr(MLPClassifier(solver="newton"), "partial_fit")
    fitted = MLPClassifier((5,), max_iter=3).fit(X, BINARY)
    assert type(fitted.loss_) is type(fitted.best_loss_) is type(fitted.loss_curve_[0]) is np.float64
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="sklearn")  # as one silences scikit-learn's own
        for solver in ("adam", "lbfgs"):
            MLPClassifier((5,), solver=solver, max_iter=2).fit(X, BINARY)
    import sklearn

    with sklearn.config_context(skip_parameter_validation=True):
        assert MLPClassifier((5,), tol=np.float64(1e-4), max_iter=np.int64(2), epsilon=-1.0).fit(X, BINARY)


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
