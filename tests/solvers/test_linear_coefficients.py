"""solver='newton' against other libraries' coefficients, and cases with an edge."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)

from regnet import MLPClassifier, MLPRegressor, Tweedie, config_context, path


def scaled(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y


def coefficients(estimator, x, y, **penalty):
    fitted = estimator(hidden_layer_sizes=(), solver="newton", tol=1e-11, **penalty).fit(x, y)
    assert fitted.kkt_residual_ <= 1e-10
    return fitted.coefs_[0]


def test_squared_errors_are_scikit_learns():
    x, y = scaled(load_diabetes)
    for strength in (20.0, 1.0, 0.03):
        lasso = Lasso(alpha=strength, tol=1e-14, max_iter=10**6).fit(x, y).coef_
        np.testing.assert_allclose(coefficients(MLPRegressor, x, y, weight_l1=strength)[:, 0], lasso, atol=1e-8)
        net = ElasticNet(alpha=strength, l1_ratio=0.5, tol=1e-14, max_iter=10**6).fit(x, y).coef_
        found = coefficients(MLPRegressor, x, y, weight_l1=strength / 2, weight_l2=strength / 4)
        np.testing.assert_allclose(found[:, 0], net, atol=1e-8)
        ridge = Ridge(alpha=2 * strength * len(y)).fit(x, y).coef_
        np.testing.assert_allclose(coefficients(MLPRegressor, x, y, weight_l2=strength)[:, 0], ridge, atol=1e-8)
        two = np.stack([y, np.roll(y, 7) + y], axis=1)
        tasks = MultiTaskLasso(alpha=strength, tol=1e-14, max_iter=10**6).fit(x, two).coef_
        np.testing.assert_allclose(
            coefficients(MLPRegressor, x, two, input_l1=strength / np.sqrt(2)), tasks.T, atol=1e-6
        )


def test_classes_and_counts_are_scikit_learns():
    x, y = scaled(load_iris)
    for strength in (0.1, 1e-3):
        own = LogisticRegression(C=1 / (2 * len(y) * strength), solver="newton-cholesky", tol=1e-13, max_iter=1000)
        np.testing.assert_allclose(
            coefficients(MLPClassifier, x, y, weight_l2=strength), own.fit(x, y).coef_.T, atol=1e-7
        )
    x, y = scaled(load_diabetes)
    y = np.round(y / 20)
    own = PoissonRegressor(alpha=0.2, solver="newton-cholesky", tol=1e-12).fit(x, y)
    found = coefficients(MLPRegressor, x, y, loss="poisson", weight_l2=0.1)
    np.testing.assert_allclose(found[:, 0], own.coef_, atol=1e-9)


@pytest.mark.parametrize(("loss", "power"), [("gamma", 2.0), ("tweedie", 1.5), (Tweedie(1.1), 1.1)])
def test_amounts_are_scikit_learns(loss, power):
    """By newton, and by lbfgs, which knows no second derivatives; its penalty is alpha / 2 of the squares."""
    x, y = scaled(load_diabetes)
    y = y / 50 if power == 2.0 else np.maximum(y / 50 - 1.5, 0.0)
    own = TweedieRegressor(power=power, link="log", alpha=0.2, solver="newton-cholesky", tol=1e-12).fit(x, y)
    found = coefficients(MLPRegressor, x, y, loss=loss, weight_l2=0.1)
    np.testing.assert_allclose(found[:, 0], own.coef_, atol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = MLPRegressor(loss, (), solver="lbfgs", weight_l2=0.1, alpha=0.0, tol=1e-10, max_iter=2000).fit(x, y)
    np.testing.assert_allclose(other.predict(x), own.predict(x), rtol=1e-4)
    assert other.out_activation_ == "exp"


@pytest.mark.parametrize("settings", [{"bias_l2": 0.3}, {"bias_l1": 0.2, "weight_l2": 0.05}, {"alpha": 2.0}])
def test_penalties_of_single_fits_are_those_of_fista(settings):
    """On the bias too, and scikit-learn's alpha; inputs far from 0 tell the two apart if the bias is mistaken."""
    x, y = scaled(load_iris)
    x = x + 2.0
    common = {"hidden_layer_sizes": (), "random_state": 0, "weight_l1": 0.01, **settings}
    newton = MLPClassifier(solver="newton", tol=1e-11, **common).fit(x, y)
    fista = MLPClassifier(solver="fista", tol=1e-10, max_iter=200_000, **common).fit(x, y)
    assert newton.kkt_residual_ <= 1e-10
    np.testing.assert_allclose(newton.coefs_[0], fista.coefs_[0], atol=1e-6)
    np.testing.assert_allclose(newton.predict_proba(x), fista.predict_proba(x), atol=1e-7)
    assert newton.loss_ == pytest.approx(fista.loss_, abs=1e-12)


def test_separable_classes_with_a_weak_penalty():
    x, y = scaled(load_iris)
    fitted = MLPClassifier((), solver="newton", tol=1e-9, weight_l1=1e-6).fit(x, y == 0)
    assert fitted.kkt_residual_ <= 1e-9
    assert fitted.score(x, y == 0) == 1.0
    with pytest.warns(ConvergenceWarning, match="newton failed to converge"):  # without one there is no minimum
        MLPClassifier((), solver="newton", tol=1e-15, alpha=0.0, max_iter=5).fit(x, y == 0)


def test_a_class_of_one_row_and_a_constant_target():
    x, _ = scaled(load_iris)
    rare = np.where(np.arange(150) == 77, 1, 0)
    fitted = MLPClassifier((), solver="newton", tol=1e-10, weight_l1=1e-3).fit(x, rare)
    assert fitted.kkt_residual_ <= 1e-9
    constant = MLPRegressor(hidden_layer_sizes=(), solver="newton", tol=1e-10, weight_l1=1e-3).fit(x, np.full(150, 3.0))
    assert not constant.coefs_[0].any()
    assert constant.intercepts_[0][0] == pytest.approx(3.0, abs=1e-12)


def test_paths_of_an_estimator():
    x, y = scaled(load_iris)
    with config_context(dtype="float64"):
        found = path(MLPClassifier((), solver="newton", tol=1e-9), x, y, n_lambdas=5)
    for strength, one in zip(found.lambdas, found.estimators, strict=True):
        alone = MLPClassifier((), solver="newton", tol=1e-9, input_l1=strength).fit(x, y)
        np.testing.assert_allclose(one.coefs_[0], alone.coefs_[0], atol=1e-5)


@pytest.mark.parametrize("value", [0.1, 0.7, 1e6 / 3.0])
def test_constant_column_without_a_penalty_has_no_coefficient(value):
    """Its mean is rounded: what is left of the column must not be taken for an input."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    y = x[:, :1] + rng.normal(size=(30, 1))
    expected = LinearRegression().fit(x[:, [0, 2]], y[:, 0])
    x[:, 1] = value
    model = MLPRegressor(hidden_layer_sizes=(), solver="newton", alpha=0.0).fit(x, y[:, 0])
    assert model.coefs_[0][1] == 0.0
    np.testing.assert_allclose(model.coefs_[0][[0, 2], 0], expected.coef_, rtol=1e-10)
    np.testing.assert_allclose(model.intercepts_[0], expected.intercept_, rtol=1e-9)
