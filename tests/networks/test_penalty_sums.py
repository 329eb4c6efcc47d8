"""The penalty that is reported is the one that is minimised: by the formula, where parts of it act in several ways."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import SGD, MLPRegressor, Network, Penalty, config_context, fit
from regnet.arrays.tree import leaves
from regnet.backend.placement import Placement
from regnet.backend.registry import get_backend
from regnet.networks.network import Rows
from regnet.networks.regularizer import penalty_residual, penalty_terms, penalty_terms_by_array
from regnet.networks.strengths import Strengths, place_strengths
from regnet.solvers.objective import Objective

MIXED = [Penalty(weight_l1=0.02, bias_l1=0.01), Penalty(weight_l1=0.03, weight_l2=0.1, l1_step="subgradient")]
"""An L1 that acts by its proximal step on the first layer, and by its subgradient on the second."""


def by_formula(params):
    first, bias, second, _ = (np.asarray(one, dtype=float) for one in leaves(params))
    return {
        "0.weight.l1": 0.02 * np.abs(first).sum(),
        "0.bias.l1": 0.01 * np.abs(bias).sum(),
        "1.weight.l1": 0.03 * np.abs(second).sum(),
        "1.weight.l2": 0.1 * (second**2).sum(),
    }


@pytest.mark.parametrize("solver", [SGD(0.01), None], ids=["sgd", "adam"])
def test_histories_have_both_ways_of_l1(solver, rng):
    x, y = rng.standard_normal((40, 3)), rng.standard_normal((40, 1))
    with config_context(dtype="float64"):
        result = fit(Network.mlp([3, 5, 1], loss="squared_error"), x, y, penalties=MIXED, optimizer=solver, epochs=5)
    last, expected = result.history[-1], by_formula(result.model.params)
    assert last.penalty == pytest.approx(expected)
    data_loss = 0.5 * np.mean((result.model.predict(x) - y) ** 2)
    assert last.loss == pytest.approx(data_loss + sum(expected.values()))


def test_the_objective_of_full_batch_solvers_has_both_ways_of_l1(rng):
    network, placement = Network.mlp([3, 5, 1], loss="squared_error"), Placement(get_backend("numpy"), "cpu", "float64")
    x, y, weight = rng.standard_normal((40, 3)), rng.standard_normal((40, 1)), np.full((40, 1), 1 / 40)
    strengths = place_strengths(network, placement, MIXED, None, 0.0)
    params = network.init(rng)
    point = network.pack(params)
    objective = Objective(network, placement, Rows(x, y, weight), strengths)
    expected = by_formula(params)
    l1 = sum(value for name, value in expected.items() if name.endswith("l1"))
    np.testing.assert_allclose(objective.penalty(point), l1)
    moved = network.unpack(objective.prox(point, np.full((1, 1), 0.1)))
    for before, after, strength in zip(leaves(params), leaves(moved), (0.02, 0.01, 0.03, 0.0), strict=True):
        shrunk = np.sign(before) * np.maximum(np.abs(before) - 0.1 * strength, 0)
        np.testing.assert_allclose(np.reshape(after, before.shape), shrunk, atol=1e-15)
    assert objective.residual(point) == pytest.approx(_largest_slope(objective, point), rel=1e-5)


def _largest_slope(objective, point):
    """Of smooth + penalty at a point without zeros, by differences."""

    def total(vectors):
        return (objective.smooth(vectors)[0] + objective.penalty(vectors))[0]

    steps = 1e-6 * np.eye(point.shape[-1])
    return max(abs(total(point + step) - total(point - step)) / 2e-6 for step in steps)


def test_terms_and_optimality_add_both_ways(rng):
    """Also on the same weights, as `Strengths` allows it."""
    layout = Network.mlp([3, 5, 1], loss="squared_error").layout
    point, grad = rng.standard_normal((2, 1, layout.size))
    first, second = rng.uniform(0, 1, (2, 1, layout.size))
    both = Strengths(l1=first, l1_subgradient=second)
    expected = np.sum((first + second) * np.abs(point))
    np.testing.assert_allclose(penalty_terms(point, both, layout)["l1"], expected)
    by_array = [terms["l1"].item() for terms in penalty_terms_by_array(point, both, layout)]
    assert sum(by_array) == pytest.approx(expected)
    slope = grad + (first + second) * np.sign(point)
    np.testing.assert_allclose(penalty_residual(point, grad, both, layout), slope)


@pytest.mark.parametrize(("alpha", "weight_l2"), [(30.0, 0.0), (0.0, 0.2), (30.0, 0.2)])
def test_factors_multiply_the_penalty_of_their_input_but_not_alpha(alpha, weight_l2, rng):
    """Ridge with a strength a column: w = (X'X / n + diag(alpha / n + 2 weight_l2 factor))^-1 X'y / n, centred."""
    x, y, factor = rng.standard_normal((60, 4)), rng.standard_normal(60), np.array([0.0, 0.5, 1.0, 5.0])
    centred, target = x - x.mean(axis=0), y - y.mean()
    ridge = np.diag(alpha / 60 + 2.0 * weight_l2 * factor)
    expected = np.linalg.solve(centred.T @ centred / 60 + ridge, centred.T @ target / 60)
    for solver in ("fista", "lbfgs"):
        model = MLPRegressor(
            hidden_layer_sizes=(),
            solver=solver,
            alpha=alpha,
            weight_l2=weight_l2,
            penalty_factor=factor,
            tol=1e-10,
            max_iter=10**4,
            random_state=0,
        )
        found = model.fit(x, y)
        np.testing.assert_allclose(found.coefs_[0][:, 0], expected, atol=1e-5)
        size = np.asarray(found.coefs_[0][:, 0])
        loss = 0.5 * np.mean((found.predict(x) - y) ** 2) + alpha / 120 * (size**2).sum()
        assert found.loss_ == pytest.approx(loss + weight_l2 * (factor * size**2).sum(), rel=1e-6)
