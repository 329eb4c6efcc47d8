"""Searches of linear models against other libraries' solutions, and how they are computed."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import need
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, Ridge, enet_path
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifierCV, MLPRegressor, MLPRegressorCV, path

CANCER = load_breast_cancer(return_X_y=True)


@pytest.mark.filterwarnings("ignore:Objective did not converge")  # LassoCV at 1e-12, where rounding begins
def test_lasso_cv_is_the_linear_case():
    X, y = load_diabetes(return_X_y=True)
    X, cv = StandardScaler().fit_transform(X), KFold(5, shuffle=True, random_state=0)
    lasso = LassoCV(cv=cv, alphas=12, tol=1e-12, max_iter=100_000).fit(X, y)
    ours = MLPRegressorCV(
        (), penalty="weight_l1", lambdas=lasso.alphas_, cv=cv, standardize=False, scoring="neg_mean_squared_error",
        select="min", tol=1e-10, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert ours.lambda_min_ == lasso.alpha_
    sizes = [len(test) for _, test in cv.split(X)]
    expected = np.average(lasso.mse_path_, axis=1, weights=sizes)
    np.testing.assert_allclose(-ours.score_mean_[::-1], expected, rtol=1e-6)
    for strength, one in zip(ours.lambdas_, ours.path_.estimators, strict=True):
        _, expected, _ = enet_path(X - X.mean(axis=0), y - y.mean(), l1_ratio=1.0, alphas=[strength], tol=1e-12)
        np.testing.assert_allclose(one.coefs_[0][:, 0], expected[:, 0], atol=1e-6 * np.abs(lasso.coef_).max())
        assert np.array_equal(np.abs(one.coefs_[0][:, 0]) > 1e-9, np.abs(expected[:, 0]) > 1e-9)
    assert ours.score(X, y) == pytest.approx(lasso.score(X, y), rel=1e-9)


@pytest.mark.filterwarnings("ignore:Objective did not converge")
def test_elastic_net_and_ridge_are_the_linear_case():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    linear = MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-9, max_iter=20_000)
    lambdas = (0.01, 0.1, 0.5)
    mixed = path(linear, X, y, penalty="weight_l1", l1_ratio=0.4, lambdas=lambdas, standardize=False)
    ridge = path(linear, X, y, penalty="weight_l2", lambdas=lambdas, standardize=False)
    for number, strength in enumerate(lambdas):
        _, expected, _ = enet_path(X, y, l1_ratio=0.4, alphas=[strength], tol=1e-12)
        np.testing.assert_allclose(mixed.estimators[number].coefs_[0], expected, atol=1e-7)
        expected = Ridge(alpha=2 * strength * len(y)).fit(X, y).coef_
        np.testing.assert_allclose(ridge.estimators[number].coefs_[0][:, 0], expected, atol=1e-7)


@pytest.mark.slow  # skglm compiles its solver
@pytest.mark.filterwarnings("ignore:'@' is faster on contiguous arrays")  # skglm's own
def test_logistic_regression_is_the_linear_case():
    SparseLogisticRegression = need("skglm").SparseLogisticRegression
    X, y = StandardScaler().fit_transform(CANCER[0]), CANCER[1]
    cv, grid = StratifiedKFold(5, shuffle=True, random_state=0), np.geomspace(0.01, 0.2, 5)
    ours = MLPClassifierCV(
        (), penalty="weight_l1", lambdas=grid, cv=cv, standardize=False, select="min", tol=1e-11, random_state=0
    ).fit(X, y)
    means = []
    for strength, one in zip(grid, ours.path_.estimators, strict=True):
        exact = SparseLogisticRegression(alpha=strength, tol=1e-11).fit(X, y)
        np.testing.assert_allclose(one.coefs_[0][:, 0], exact.coef_[0], atol=1e-6 * np.abs(exact.coef_).max())
        margins = cross_val_predict(
            SparseLogisticRegression(alpha=strength, tol=1e-9), X, y, cv=cv, method="decision_function"
        )
        losses = np.logaddexp(0.0, -(2 * y - 1) * margins)
        means.append(-losses.mean())
    np.testing.assert_allclose(ours.score_mean_, means, rtol=1e-5)
    assert ours.lambda_min_ == grid[int(np.argmax(means))]


def test_a_solver_that_ends_early_says_so():
    X, y = load_diabetes(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="increase max_iter"):
        MLPRegressorCV((), penalty="weight_l1", solver="fista", n_lambdas=3, cv=2, max_iter=2).fit(X, y)


def scaled(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y


@pytest.mark.parametrize(("search", "settings"), [
    (MLPRegressorCV, {"penalty": "weight_l1"}),
    (MLPRegressorCV, {"penalty": "input_l1", "loss": "poisson"}),
    (MLPRegressorCV, {"penalty": "weight_l1", "loss": "gamma"}),
    (MLPRegressorCV, {"penalty": "input_l1", "loss": "tweedie"}),
    (MLPClassifierCV, {"penalty": "input_l1"}),
    (MLPClassifierCV, {"penalty": "weight_l1", "l1_ratio": 0.3}),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:The weakest strength of the range")
def test_the_largest_strength_leaves_nothing_and_a_little_less_leaves_something(search, settings):
    x, y = load_iris(return_X_y=True)
    y = y + 1 if settings.get("loss") in ("gamma", "tweedie") else y
    found = search((), n_lambdas=3, cv=3, select="min", random_state=0, **settings).fit(x, y)
    assert not found.path_.selected[-1].any()
    lambdas = [0.999 * found.lambdas_[-1]]
    below = search((), lambdas=lambdas, cv=3, select="min", random_state=0, **settings).fit(x, y)
    assert below.path_.selected[0].any()


def search(**settings):
    x, y = scaled(load_diabetes)
    given = {"n_lambdas": 6, "cv": 3, "penalty": "weight_l1", "random_state": 0, **settings}
    return MLPRegressorCV((), **given).fit(np.column_stack([x, x[:, :3] + 1e-3]), y)


def test_searches_of_linear_models_take_it():
    one = search()
    assert one.best_estimator_.solver == "newton"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = search(solver="fista", tol=1e-9, lambdas=one.lambdas_)
    np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, atol=1e-6)
    assert MLPRegressorCV((), loss="huber", n_lambdas=2, cv=2, max_iter=2).fit(*FEW).best_estimator_.solver == "adam"


def test_many_weights_of_which_none_is_0_are_left_to_fista(rng):
    """A matrix of as many rows would be factorised at every strength."""
    x, y = rng.standard_normal((12, 1001)), rng.standard_normal(12)
    given = {"lambdas": [0.1], "cv": 2, "random_state": 0}
    assert MLPRegressorCV((), penalty="weight_l2", **given).fit(x, y).best_estimator_.solver == "fista"
    assert MLPRegressorCV((), penalty="weight_l1", **given).fit(x, y).best_estimator_.solver == "newton"


FEW = (np.arange(40.0).reshape(20, 2) % 7, np.arange(20.0) % 3)


@pytest.mark.parametrize("settings", [{"memory_limit": 1}, {"executor": ThreadPoolExecutor(2)}, {"restarts": 2}])
def test_how_lanes_are_cut_changes_no_bit(settings):
    one, other = search(), search(**settings)
    assert np.array_equal(one.cv_scores_[..., 0], other.cv_scores_[..., -1])
    assert np.array_equal(one.best_estimator_.coefs_[0], other.best_estimator_.coefs_[0])


def test_a_sweep_that_goes_on_has_the_bits_of_one_that_was_not_stopped(tmp_path):
    whole = search(sweep_dir=tmp_path / "whole")
    files = sorted((tmp_path / "whole" / "path").glob("strength*.npz"))
    for file in files[: len(files) // 2]:  # the weaker strengths, which come last
        file.unlink()
    again = search(sweep_dir=tmp_path / "whole")
    assert np.array_equal(whole.cv_scores_, again.cv_scores_)
    assert np.array_equal(whole.path_.input_norms, again.path_.input_norms)


def test_weak_and_cold_strengths_are_those_of_a_path():
    warm = search(tol=1e-10)
    cold = search(tol=1e-10, warm_start=False, lambdas=warm.lambdas_)
    np.testing.assert_allclose(warm.cv_scores_, cold.cv_scores_, atol=1e-9)


def test_float32_tables_and_other_libraries(rng):
    x, y = scaled(load_diabetes)
    double = MLPRegressorCV((), n_lambdas=5, cv=3, random_state=0).fit(x, y)
    single = MLPRegressorCV((), n_lambdas=5, cv=3, random_state=0).fit(x.astype(np.float32), y)
    assert single.best_estimator_.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(single.cv_scores_, double.cv_scores_, atol=1e-5)
    torch = need("torch")
    found = MLPRegressorCV((), n_lambdas=5, cv=3, random_state=0).fit(torch.asarray(x), torch.asarray(y))
    assert np.array_equal(found.cv_scores_, double.cv_scores_)
    assert isinstance(found.predict(torch.asarray(x)), torch.Tensor)


def test_relaxed_and_adaptive_selections_of_inputs():
    x, y = scaled(load_breast_cancer)
    found = MLPClassifierCV((), n_lambdas=8, cv=3, adaptive=True, relax=True, random_state=0).fit(x, y)
    assert 0 < found.selected_features_.sum() < 30
    assert found.score(x, y) > 0.95
    kept = [one.coefs_[0].any(axis=1) for one in found.path_.estimators]
    assert kept[-2].sum() < kept[0].sum()
    assert not kept[-1].any()
