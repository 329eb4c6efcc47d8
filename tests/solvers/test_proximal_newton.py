"""solver='newton' for linear models: optimal to rounding on every table, and where other libraries' solvers are."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import need
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
)

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, config_context, path
from regnet.arrays.tree import tree_map
from regnet.backend.placement import Placement
from regnet.backend.registry import get_backend
from regnet.mathematics.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Poisson, SquaredError
from regnet.mathematics.penalties import Penalty
from regnet.networks.layers import Dense
from regnet.networks.network import Network, Rows
from regnet.networks.strengths import place_strengths
from regnet.solvers.active_groups import minimise_groups
from regnet.solvers.active_set import minimise_l1
from regnet.solvers.objective import Objective
from regnet.solvers.proximal_newton import LinearProblem, Terms, terms_of

HOST = Placement(get_backend("numpy"), "cpu", "float64")


def tables(rng):
    """Tall; collinear: smooth curves, a column twice, a constant one; wide; of large values far from 0."""
    tall = rng.standard_normal((60, 8))
    steps = np.linspace(0.0, 1.0, 30)
    curves = np.exp(-0.5 * ((steps - rng.uniform(0, 1, (5, 1))) / 0.2) ** 2)
    smooth = rng.standard_normal((50, 5)) @ curves + 1e-4 * rng.standard_normal((50, 30))
    collinear = np.column_stack([smooth, smooth[:, 3], np.full(50, 2.0)])
    return {"tall": tall, "collinear": collinear, "wide": rng.standard_normal((25, 70)), "far": 30.0 + 5.0 * tall}


def targets(kind, x, rng):
    """(loss, y): y encoded; classes overlap."""
    z = (x - x.mean(0)) @ rng.standard_normal((x.shape[1], 3)) / np.sqrt((x - x.mean(0)).var(0).sum() + 1e-9)
    z = z + rng.standard_normal(z.shape)
    return {
        "squared": (SquaredError(), z[:, :1]),
        "several": (SquaredError(), z),
        "binary": (BinaryCrossEntropy(), 1.0 * (z[:, :1] > 0.2)),
        "labels": (BinaryCrossEntropy(), 1.0 * (z > 0.2)),
        "classes": (CategoricalCrossEntropy(), np.eye(3)[z.argmax(axis=1)]),
        "counts": (Poisson(), rng.poisson(np.exp(np.clip(z, -3, 2))).astype(float)),
    }[kind]


def null_gradient(x, y, weight):
    share = weight / weight.sum()
    return x.T @ (share[:, None] * (y - share @ y))


def penalty_of(kind, strength, factors):
    """One strength of a mix, as searches set it."""
    given = {"weight_l1": (1.0, 0.0, 0.0), "elastic": (0.5, 0.25, 0.0), "input_l1": (0.0, 0.0, 1.0),
             "elastic groups": (0.0, 0.25, 0.5), "weight_l2": (0.0, 1.0, 0.0)}[kind]  # fmt: skip
    l1, l2, group = (one * strength for one in given)
    return Penalty(weight_l1=l1, weight_l2=l2, group_l1=group, penalty_factor=factors)


@pytest.mark.parametrize("penalty", ["weight_l1", "elastic", "input_l1", "elastic groups", "weight_l2"])
@pytest.mark.parametrize("kind", ["squared", "several", "binary", "labels", "classes", "counts"])
def test_every_strength_of_a_path_is_optimal(kind, penalty, rng):
    """By the residual of `Objective`, which knows nothing of this solver; with row weights, and factors 0 and huge."""
    for name, x in tables(rng).items():
        loss, y = targets(kind, x, rng)
        n, p = x.shape
        weight = rng.uniform(0.5, 2.0, n)
        weight[0] = 0.0
        factors = rng.uniform(0.5, 2.0, p)
        factors[:2] = 0.0, 1e30
        network = Network((Dense(p, y.shape[1], "identity", "he_normal"),), loss)
        problem = LinearProblem(x, y, weight, loss)
        share = (weight / weight.sum())[:, None]
        point = np.zeros(network.layout.size)
        largest = float(np.abs(null_gradient(x, y, weight)).max())
        for strength in largest * np.geomspace(1.0, 1e-2, 5):
            placed = place_strengths(network, HOST, [penalty_of(penalty, strength, factors)], None, 0.0)
            with HOST.backend.session():
                found = problem.minimise(point, terms_of(placed, p + 1, y.shape[1]), tol=1e-9, max_iter=100)
            point = found.point[0]
            residual = Objective(network, HOST, Rows(x, y, share), placed).residual(found.point)[0]
            assert found.status[0] == 0, (name, strength, found)
            assert found.stationarity[0] <= 1e-9
            assert residual <= 1e-9 * max(10.0, np.abs(x).max()), (name, strength)  # tol is of inputs of mean square 1


def test_quadratics_on_singular_matrices(rng):
    """Fewer rows than columns, columns twice: brute force over long proximal gradient finds nothing lower."""
    a = rng.standard_normal((6, 10))
    a[:, 7] = a[:, 2]
    a[:, 8] = -a[:, 3]
    hessian, linear = a.T @ a, a.T @ rng.standard_normal(6)
    l1 = 0.3 * np.abs(linear).max() * rng.uniform(0.2, 1.0, 10)
    found, _ = minimise_l1(hessian, linear, l1, rng.standard_normal(10), tol=1e-11)
    size, v = 1.0 / np.linalg.eigvalsh(hessian).max(), np.zeros(10)
    for _ in range(20_000):
        v = v - size * (hessian @ v - linear)
        v = np.sign(v) * np.maximum(np.abs(v) - size * l1, 0.0)

    def value(w):
        return 0.5 * w @ hessian @ w - linear @ w + l1 @ np.abs(w)

    assert value(found) <= value(v) + 1e-12
    joint, right = np.kron(hessian, np.eye(2)), rng.standard_normal((10, 2)) * np.abs(linear).max() * 0.3
    right = (a.T @ (a @ right)) / np.linalg.eigvalsh(hessian).max()
    strength = np.full(10, 0.3 * np.sqrt((right**2).sum(1)).max())
    rows, _ = minimise_groups(joint, right, strength, np.zeros((10, 2)), tol=1e-11)
    grad = hessian @ rows - right
    norms = np.sqrt((rows**2).sum(1))
    inside = norms > 0
    assert 0 < inside.sum() < 10
    np.testing.assert_allclose(grad[inside], -strength[inside, None] * rows[inside] / norms[inside, None], atol=1e-10)
    assert (np.sqrt((grad[~inside] ** 2).sum(1)) <= strength[~inside] + 1e-10).all()


# -- the same coefficients as other libraries


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


# -- cases with an edge


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


@pytest.mark.parametrize(("search", "settings"), [
    (MLPRegressorCV, {"penalty": "weight_l1"}),
    (MLPRegressorCV, {"penalty": "input_l1", "loss": "poisson"}),
    (MLPClassifierCV, {"penalty": "input_l1"}),
    (MLPClassifierCV, {"penalty": "weight_l1", "l1_ratio": 0.3}),
])  # fmt: skip
def test_the_largest_strength_leaves_nothing_and_a_little_less_leaves_something(search, settings):
    x, y = load_iris(return_X_y=True)
    found = search((), n_lambdas=3, cv=3, select="min", random_state=0, **settings).fit(x, y)
    assert not found.path_.selected[-1].any()
    lambdas = [0.999 * found.lambdas_[-1]]
    below = search((), lambdas=lambdas, cv=3, select="min", random_state=0, **settings).fit(x, y)
    assert below.path_.selected[0].any()


# -- searches


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


def test_paths_of_an_estimator():
    x, y = scaled(load_iris)
    with config_context(dtype="float64"):
        found = path(MLPClassifier((), solver="newton", tol=1e-9), x, y, n_lambdas=5)
    for strength, one in zip(found.lambdas, found.estimators, strict=True):
        alone = MLPClassifier((), solver="newton", tol=1e-9, input_l1=strength).fit(x, y)
        np.testing.assert_allclose(one.coefs_[0], alone.coefs_[0], atol=1e-5)


@pytest.mark.parametrize(("estimator", "message"), [
    (MLPRegressor(hidden_layer_sizes=(3,), solver="newton"), "is for linear models"),
    (MLPRegressor(hidden_layer_sizes=(), solver="newton", loss="huber"), "needs second derivatives"),
    (MLPRegressor(hidden_layer_sizes=(), solver="newton", early_stopping=True), "watches epochs"),
    (MLPRegressorCV((3,), solver="newton"), "is for linear models"),
    (MLPRegressorCV((), solver="newton", loss="absolute_error"), "needs second derivatives"),
    (MLPRegressorCV((), solver="newton", dropout=0.1), "needs batches"),
])  # fmt: skip
def test_what_it_cannot_do_is_refused(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(*FEW)


@pytest.mark.parametrize("other", ["weight_l1", "bias_l1"])
def test_both_kinds_of_sparsity_on_several_outputs_are_refused(other):
    """The bias' too: minimising with groups knew of no L1, and ended at the minimum without it."""
    x, y = FEW
    with pytest.raises(ValueError, match="without weight_l1 and bias_l1"):
        MLPRegressor(hidden_layer_sizes=(), solver="newton", input_l1=0.1, **{other: 0.1}).fit(
            x, np.stack([y, -y], axis=1)
        )


def test_strengths_of_one_output_are_added(rng):
    """A group of one weight is an L1."""
    network = Network.mlp([3, 1], loss="squared_error")
    placed = place_strengths(network, HOST, [Penalty(weight_l1=0.1, group_l1=0.2)], 1, 0.0)
    terms = terms_of(tree_map(lambda one: one[0], placed), 4, 1)
    np.testing.assert_allclose(terms.l1[:, 0], [0.3, 0.3, 0.3, 0.0])
    assert not terms.group.any()


def solved(x, y, loss, l1, free=0):
    """The solver's end on a table under one L1, which does not act on the first `free` inputs; and its subgradient."""
    strength = np.full((x.shape[1] + 1, y.shape[1]), l1)
    strength[-1] = strength[:free] = 0.0
    terms = Terms(strength, np.zeros_like(strength), np.zeros(len(strength)))
    found = LinearProblem(x, y, np.ones(len(x)), loss).minimise(np.zeros(strength.size), terms, tol=1e-8, max_iter=100)
    point, table = found.point.reshape(strength.shape), np.column_stack([x, np.ones(len(x))])
    grad = table.T @ (loss.predict(table @ point) - y) / len(x)
    outside = np.sign(grad) * np.maximum(np.abs(grad) - strength, 0.0)
    return found, point, np.abs(np.where(point == 0.0, outside, grad + strength * np.sign(point))).max()


def test_residual_that_rises_while_the_objective_falls_is_no_end():
    """Classes that are nearly separable: the subgradient's largest entry grows for some steps on the way."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 7))
    y = (x @ rng.normal(size=7) * 9 > rng.logistic(size=50)).astype(float)[:, None]
    found, _, rest = solved(x, y, BinaryCrossEntropy(), 1e-5)
    assert found.status[0] == 0
    assert rest < 1e-8


@pytest.mark.parametrize(
    ("shape", "l1", "free", "seed"), [((40, 60), 1e-3, 0, 1), ((40, 60), 1e-3, 0, 22), ((26, 27), 1e-3, 4, 5)]
)
def test_l1_of_classes_whose_coefficients_are_not_unique(shape, l1, free, seed):
    """Two outputs under a softmax, whose common shift costs nothing: matrices are singular, coefficients rounding."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    y = np.eye(2)[rng.integers(0, 2, shape[0])]
    found, _, rest = solved(x, y, CategoricalCrossEntropy(), l1, free)
    assert found.status[0] == 0
    assert rest < 2e-8


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
