"""Without hidden layers the problem is convex: the same coefficients as solvers that share no code with regnet."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from conftest import need
from scipy.optimize import linprog
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge

from regnet import DivergenceWarning, MLPClassifier, MLPRegressor, MLPRegressorCV, path
from regnet.mathematics.losses import Huber


def standardised(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / x.std(0), y


def fits_of(estimator, x, y, strengths):
    """Coefficients and intercepts at the strengths, one dict a fit, each fit starting from the one before."""
    estimator = estimator(hidden_layer_sizes=(), solver="fista", tol=1e-11, max_iter=10**5, warm_start=True)
    found = []
    for one in strengths:
        estimator.set_params(random_state=0, **one).fit(x, y)
        assert estimator.kkt_residual_ <= 1e-10
        found.append((estimator.coefs_[0][:, 0].copy(), estimator.intercepts_[0][0]))
    return found


def path_of(estimator, x, y, strengths):
    """Coefficients alone."""
    return [coef for coef, _ in fits_of(estimator, x, y, strengths)]


def agree(found, expected):
    """Within 1e-6 of the largest coefficient, and zero at the same places."""
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max()
        assert ((ours == 0) == (theirs == 0)).all()


def grid(x, y):
    """15 strengths from just above the one that leaves nothing to a thousandth of it."""
    largest = np.abs(x.T @ (y - y.mean())).max() / len(y)
    return np.geomspace(1.05 * largest, 1e-3 * largest, 15)


def test_lasso_path():
    x, y = standardised(load_diabetes)
    lambdas = grid(x, y)
    found = path_of(MLPRegressor, x, y, [{"weight_l1": s} for s in lambdas])
    agree(found, [Lasso(alpha=s, tol=1e-14, max_iter=10**6).fit(x, y).coef_ for s in lambdas])
    assert not found[0].any()
    assert found[-1].all()


def test_elastic_net_path():
    x, y = standardised(load_diabetes)
    lambdas = grid(x, y)
    found = path_of(MLPRegressor, x, y, [{"weight_l1": 0.5 * s, "weight_l2": 0.25 * s} for s in lambdas])
    agree(found, [ElasticNet(alpha=s, l1_ratio=0.5, tol=1e-14, max_iter=10**6).fit(x, y).coef_ for s in lambdas])


def test_ridge_path():
    x, y = standardised(load_diabetes)
    lambdas = grid(x, y)
    found = path_of(MLPRegressor, x, y, [{"weight_l2": s} for s in lambdas])
    agree(found, [Ridge(alpha=2 * len(y) * s).fit(x, y).coef_ for s in lambdas])


def test_logistic_l2_path():
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)
    found = path_of(MLPClassifier, x, y, [{"weight_l2": s} for s in lambdas])
    expected = [
        LogisticRegression(C=1 / (2 * len(y) * s), solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(x, y).coef_
        for s in lambdas
    ]
    agree(found, [coef[0] for coef in expected])


def test_logistic_l1_against_saga():
    """Four strengths: stochastic averaged gradients need long for the last digits."""
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)[1:8:2]
    found = path_of(MLPClassifier, x, y, [{"weight_l1": s} for s in lambdas])
    saga = {"l1_ratio": 1.0, "solver": "saga", "tol": 1e-11, "max_iter": 10**5, "random_state": 0}
    agree(found, [LogisticRegression(C=1 / (len(y) * s), **saga).fit(x, y).coef_[0] for s in lambdas])


def test_logistic_l1_path():
    """Fermat's rule, which is sufficient here: y in {0, 1}, p = expit(X w + b), g = X^T (p - y) / n.

    g_j = -strength sign(w_j) where w_j != 0, |g_j| <= strength elsewhere, mean(p - y) = 0.
    """
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)
    found = fits_of(MLPClassifier, x, y, [{"weight_l1": s} for s in lambdas])
    for strength, (coef, intercept) in zip(lambdas, found, strict=True):
        error = expit(x @ coef + intercept) - y
        grad = x.T @ error / len(y)
        assert abs(error.mean()) <= 1e-9
        assert np.abs(np.where(coef == 0, 0.0, grad + strength * np.sign(coef))).max() <= 1e-9
        assert np.abs(grad).max() <= strength + 1e-9
    assert (found[0][0] == 0).all()
    assert 5 < (found[-1][0] != 0).sum() < 30


@pytest.mark.slow  # skglm compiles its solver
@pytest.mark.filterwarnings("ignore")  # skglm's own, of numba and of its tolerance
def test_logistic_l1_path_of_skglm():
    skglm = need("skglm")
    x, y = standardised(load_breast_cancer)
    lambdas = grid(x, y)
    found = path_of(MLPClassifier, x, y, [{"weight_l1": s} for s in lambdas])
    expected = [
        skglm.SparseLogisticRegression(alpha=s, tol=1e-13, max_iter=1000, max_epochs=50_000).fit(x, y).coef_[0]
        for s in lambdas
    ]
    agree(found, expected)


LINEAR = {"hidden_layer_sizes": (), "solver": "fista", "random_state": 0, "max_iter": 5000, "tol": 1e-9}


@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1.0, 1e9, 1e30])
@pytest.mark.parametrize("penalty", ["weight_l1", "weight_l2", "input_l1"])
def test_the_unit_of_the_inputs_does_not_matter(scale, penalty):
    x, y = standardised(load_diabetes)
    strength = {"weight_l1": 3.0, "weight_l2": 0.05, "input_l1": 3.0}[penalty]
    expected = Ridge(alpha=2 * len(y) * strength) if penalty == "weight_l2" else Lasso(alpha=strength, tol=1e-12)
    scaled = strength * scale ** (2 if penalty == "weight_l2" else 1)
    found = MLPRegressor(**LINEAR, **{penalty: scaled}).fit(x * scale, y)
    np.testing.assert_allclose(found.predict(x * scale), expected.fit(x, y).predict(x), rtol=1e-7)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_input_may_have_a_unit_of_its_own(dtype):
    x, y = standardised(load_diabetes)
    y = (y - y.mean()) / y.std()
    units = np.geomspace(1e-9, 1e9, x.shape[1])
    settings = {**LINEAR, "tol": 1e-9 if dtype == "float64" else 1e-4}
    found = MLPRegressor(**settings, weight_l2=0.0).fit((x * units).astype(dtype), y.astype(dtype))
    expected = LinearRegression().fit(x, y).predict(x)
    np.testing.assert_allclose(found.predict(x * units), expected, atol=1e-6 if dtype == "float64" else 1e-2)


@pytest.mark.parametrize("scale", [1.0, 20.0, 30.0])
def test_counts_with_large_inputs(scale, rng):
    """From weights at which the loss is up to 1e15: as where inputs are standardised."""
    x = rng.standard_normal((200, 5))
    y = rng.poisson(np.exp(0.3 * x[:, 0]))
    found = MLPRegressor(loss="poisson", **LINEAR, weight_l2=0.0).fit(scale * x, y)
    expected = PoissonRegressor(alpha=0.0, tol=1e-10, max_iter=1000).fit(x, y).predict(x)
    np.testing.assert_allclose(found.predict(scale * x), expected, rtol=1e-6)


@pytest.mark.parametrize("solver", ["fista", "lbfgs", "adam", "sgd"])
@pytest.mark.parametrize("hidden", [(), (8,)])
def test_inputs_that_are_too_large_are_an_error(solver, hidden, rng):
    x = 1e200 * rng.standard_normal((50, 3))
    with pytest.raises(ValueError, match=r"non-finite parameter weights\. The input data may contain large values"):
        MLPRegressor("squared_error", hidden, solver=solver, weight_l2=1e-3, random_state=0).fit(x, x[:, 0] > 0)


def test_a_solver_that_cannot_move_says_so(rng):
    """Inputs of 1e200 leave no step that a classifier's loss could be told to fall by."""
    x = 1e200 * rng.standard_normal((50, 3))
    with pytest.warns(ConvergenceWarning, match="standardise the inputs"):
        MLPClassifier((), solver="fista", weight_l2=1e-3, random_state=0).fit(x, x[:, 0] > 0)


def test_cells_that_are_not_finite_at_their_start_have_diverged(rng):
    x = rng.standard_normal((60, 3))
    y = rng.poisson(np.exp(0.3 * x[:, 0]))
    options = {"penalty": "weight_l1", "lambdas": [1e-3, 1e-2], "standardize": False}
    model = MLPRegressor("poisson", (4,), solver="fista", random_state=0)
    with pytest.warns(DivergenceWarning, match="strength 0.001, fold 0, restart 0, at step 0"):
        path(model, 1e4 * x, y, **options)
    with pytest.warns(DivergenceWarning), pytest.raises(ValueError, match="No strength has a score"):
        MLPRegressorCV((4,), loss="poisson", solver="fista", random_state=0, **options).fit(1e4 * x, y)


def test_a_search_says_that_models_could_make_no_progress(rng):
    x = 1e200 * rng.standard_normal((50, 3))
    model = MLPClassifier((), solver="fista", random_state=0)
    with pytest.warns(ConvergenceWarning, match="2 of 2 models .* or could make no progress"):
        path(model, x, x[:, 0] > 0, penalty="weight_l1", lambdas=[1e-3, 1e-2], standardize=False)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("batch_size", "sizes"), [(103, [103]), (20, [20] * 5 + [3]), (50, [50, 50, 3])])
def test_the_residual_is_of_the_objective_that_batches_minimise(batch_size, sizes, weighted, rng):
    """0 at the ridge whose alpha is what the steps of an epoch have on average, where SGD stays."""
    x, n, alpha = rng.standard_normal((103, 4)), 103, 20.0
    y = x @ np.array([1.0, 2.0, -1.0, 0.5]) + 0.3 * rng.standard_normal(n) + 1.0
    weight = rng.uniform(0.5, 2.0, n) if weighted else np.ones(n)
    per_row = alpha * np.mean([1 / size for size in sizes]) * n / weight.sum()
    fitted = Ridge(alpha=per_row * weight.sum()).fit(x, y, weight)
    model = MLPRegressor("squared_error", (), solver="sgd", momentum=0.0, alpha=alpha, batch_size=batch_size)
    model.set_params(learning_rate_init=1e-13, warm_start=True, max_iter=1, random_state=0)

    def continued(**changes):
        model.set_params(**changes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(x, y, weight if weighted else None, log_every=1)

    continued()
    model.coefs_, model.intercepts_ = [fitted.coef_[:, None].copy()], [np.atleast_1d(fitted.intercept_)]
    continued()
    assert model.kkt_residual_ < 1e-9
    penalty = per_row / 2 * (fitted.coef_**2).sum()
    assert model.history_[-1].penalty["0.weight.alpha"] == pytest.approx(penalty, rel=1e-9)
    continued(learning_rate_init=1e-4, max_iter=40)
    assert model.kkt_residual_ < 0.1
    np.testing.assert_allclose(model.coefs_[0][:, 0], fitted.coef_, atol=0.02)


def residuals(rng):
    x = rng.standard_normal((150, 4))
    return x, x @ np.array([3.0, -2.0, 1.0, 0.0]) + rng.standard_t(2, 150)


@pytest.mark.parametrize("solver", ["fista", "lbfgs"])
def test_a_loss_whose_gradient_jumps_is_refused(solver, rng):
    with pytest.raises(ValueError, match="use solver='adam', or a loss that is smooth there, such as Huber"):
        MLPRegressor("absolute_error", (), solver=solver).fit(*residuals(rng))


def test_a_loss_whose_gradient_jumps_is_refused_in_searches(rng):
    with pytest.raises(ValueError, match=r"solver='fista' cannot minimise loss=AbsoluteError\(\)"):
        path(MLPRegressor("absolute", (), solver="fista"), *residuals(rng), penalty="weight_l1", lambdas=[0.1])
    with pytest.raises(ValueError, match=r"solver='fista' cannot minimise loss=AbsoluteError\(\)"):
        MLPRegressorCV((), loss="absolute_error", solver="fista").fit(*residuals(rng))


def test_huber_is_minimised_to_the_tolerance_and_comes_near_the_medians(rng):
    """Its gradient has kinks, which do not matter. With a small delta: the optimum of the linear programme."""
    x, y = residuals(rng)
    for delta in (1.0, 0.1, 0.01):
        found = MLPRegressor(Huber(delta), **LINEAR, weight_l2=0.0).fit(x, y)
        assert found.kkt_residual_ <= 1e-8
    n, d = x.shape
    cost = np.concatenate([np.zeros(d + 1), np.full(2 * n, 1 / n)])
    equal = np.hstack([x, np.ones((n, 1)), np.eye(n), -np.eye(n)])
    best = linprog(cost, A_eq=equal, b_eq=y, bounds=[(None, None)] * (d + 1) + [(0, None)] * (2 * n)).fun
    assert best <= np.abs(y - found.predict(x)).mean() <= best * 1.001
