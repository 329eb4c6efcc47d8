"""solver='newton' for linear models: optimal to rounding on every table."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import MLPRegressor, MLPRegressorCV
from regnet.arrays.tree import tree_map
from regnet.backend.placement import Placement
from regnet.backend.registry import get_backend
from regnet.mathematics.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Gamma, Poisson, SquaredError, Tweedie
from regnet.mathematics.penalties import Penalty
from regnet.networks.layers import Dense
from regnet.networks.network import Network, Rows
from regnet.networks.strengths import place_strengths
from regnet.solvers.active_groups import minimise_groups
from regnet.solvers.active_set import minimise_l1
from regnet.solvers.linear_terms import Terms, terms_of
from regnet.solvers.objective import Objective
from regnet.solvers.proximal_newton import LinearProblem

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
        "amounts": (Gamma(), rng.gamma(2.0, np.exp(np.clip(z[:, :1], -3, 2)))),
        "sums": (Tweedie(1.7), rng.poisson(np.exp(np.clip(z[:, :1], -3, 2))) * 0.7),
    }[kind]


def null_gradient(x, y, weight):
    share = weight / weight.sum()
    return x.T @ (share[:, None] * (y - share @ y))


def penalty_of(kind, strength, factors, groups):
    """One strength of a mix, as searches set it."""
    given = {"weight_l1": (1.0, 0.0, 0.0), "elastic": (0.5, 0.25, 0.0), "input_l1": (0.0, 0.0, 1.0),
             "elastic groups": (0.0, 0.25, 0.5), "several inputs": (0.0, 0.25, 0.5),
             "weight_l2": (0.0, 1.0, 0.0)}[kind]  # fmt: skip
    l1, l2, group = (one * strength for one in given)
    return Penalty(weight_l1=l1, weight_l2=l2, group_l1=group, penalty_factor=factors, groups=groups)


@pytest.mark.parametrize(
    "penalty", ["weight_l1", "elastic", "input_l1", "elastic groups", "several inputs", "weight_l2"]
)
@pytest.mark.parametrize("kind", ["squared", "several", "binary", "labels", "classes", "counts", "amounts", "sums"])
def test_every_strength_of_a_path_is_optimal(kind, penalty, rng):
    """By the residual of `Objective`, which knows nothing of this solver; with row weights, and factors 0 and huge."""
    for name, x in tables(rng).items():
        loss, y = targets(kind, x, rng)
        n, p = x.shape
        weight = rng.uniform(0.5, 2.0, n)
        weight[0] = 0.0
        factors = rng.uniform(0.5, 2.0, p)
        factors[:2] = 0.0, 1e30
        groups = None
        if penalty == "several inputs":  # in no order
            groups = rng.permutation(np.append([0, 1], 2 + rng.integers(0, p // 3, p - 2)))
            factors = factors[groups]
        network = Network((Dense(p, y.shape[1], "identity", "he_normal"),), loss)
        problem = LinearProblem(x, y, weight, loss, groups=groups)
        share = (weight / weight.sum())[:, None]
        point = np.zeros(network.layout.size)
        largest = float(np.abs(null_gradient(x, y, weight)).max())
        for strength in largest * np.geomspace(1.0, 1e-2, 5):
            placed = place_strengths(network, HOST, [penalty_of(penalty, strength, factors, groups)], None, 0.0)
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
    start = rng.standard_normal(10)
    found, _ = minimise_l1(hessian, hessian @ start - linear, l1, start, tol=1e-11)
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
    rows, _ = minimise_groups(joint, -right, strength, np.zeros((10, 2)), tol=1e-11)
    grad = hessian @ rows - right
    norms = np.sqrt((rows**2).sum(1))
    inside = norms > 0
    assert 0 < inside.sum() < 10
    np.testing.assert_allclose(grad[inside], -strength[inside, None] * rows[inside] / norms[inside, None], atol=1e-10)
    assert (np.sqrt((grad[~inside] ** 2).sum(1)) <= strength[~inside] + 1e-10).all()


FEW = (np.arange(40.0).reshape(20, 2) % 7, np.arange(20.0) % 3)


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
    assert terms.group is None


def solved(x, y, loss, l1, free=0):
    """The solver's end on a table under one L1, which does not act on the first `free` inputs; and its subgradient."""
    strength = np.full((x.shape[1] + 1, y.shape[1]), l1)
    strength[-1] = strength[:free] = 0.0
    problem = LinearProblem(x, y, np.ones(len(x)), loss)
    found = problem.minimise(np.zeros(strength.size), Terms(strength), tol=1e-8, max_iter=100)
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
