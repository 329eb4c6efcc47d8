"""What a strength means: a penalty's mix against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import MLPRegressor, Network, Penalty
from regnet.mathematics.penalties import group_value, l1_value, l2_value
from regnet.sweep.path_penalty import PENALTIES, Mix
from regnet.training.evasion import exits_of


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_mix_is_its_formula(penalty, rng):
    """`Mix.penalties` and `Mix.parameters` set the same strengths, whose value is the docstring's formula."""
    mix, lam, w = Mix(penalty, 0.7, 0.4), 0.3, [rng.standard_normal(shape) for shape in ((5, 4), (4, 3), (3, 2))]

    def norm(weight):
        return np.sqrt(weight.shape[1]) * np.linalg.norm(weight, axis=1).sum()

    squares, total = [float((one**2).sum()) for one in w], sum(float((one**2).sum()) for one in w)
    expected = {
        "input_l1": 0.7 * norm(w[0]) + 0.15 * squares[0] + 0.4 * (squares[1] + squares[2]),
        "neuron_l1": 0.7 * (norm(w[1]) + norm(w[2])) + 0.15 * (squares[1] + squares[2]) + 0.4 * squares[0],
        "weight_l1": 0.7 * sum(np.abs(one).sum() for one in w) + 0.15 * total,
        "weight_l2": total,
        "alpha": 0.0,
    }[penalty]
    value = 0.0
    for one, term in zip(w, mix.penalties(3, [lam, 2 * lam]), strict=True):
        given = {
            name: (values[0] if isinstance(values, tuple) else values) for name, values in term.strengths().items()
        }
        group = np.full((len(one), 1), given["group_l1"] * np.sqrt(one.shape[1]))
        value += float(np.sum(l1_value(one, given["weight_l1"]) + l2_value(one, given["weight_l2"])))
        value += float(np.sum(group_value(one, group)))
    assert value == pytest.approx(lam * expected, rel=1e-12)
    estimator = MLPRegressor(hidden_layer_sizes=(4, 3), **mix.parameters(3, lam))
    assert estimator.alpha == (lam if penalty == "alpha" else MLPRegressor().alpha)
    assert (estimator.input_l1 or 0.0) == pytest.approx(0.7 * lam if penalty == "input_l1" else 0.0)


@pytest.mark.parametrize("l1_ratio", [0.01, 1.0])
@pytest.mark.parametrize("penalty", [one for one in PENALTIES if one != "alpha"])  # which is on all weights itself
def test_a_penalty_of_a_path_is_evaded_only_without_its_companion(penalty, l1_ratio):
    network = Network.mlp([5, 4, 3, 1], loss="squared_error")

    def exits(companion):
        found = Mix(penalty, l1_ratio, companion).penalties(3, [1.0])
        return exits_of(
            network, [Penalty(**{name: np.ravel(own)[0] for name, own in one.strengths().items()}) for one in found]
        )

    assert exits(1.0) is None
    assert exits(0.0) == {"input_l1": ((0,), (1, 2)), "neuron_l1": ((1, 2), (0,))}.get(penalty)
