"""A network for standardised rows, taken back to a table's own units, against standardising by hand."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import placement

from regnet import Network
from regnet.arrays.tree import tree_map
from regnet.mathematics.scaling import Affine, scale_of, unscaled
from regnet.networks.model import Model, in_own_units

CASES = {
    "values": ([3, 5, 1], "squared_error"),
    "several outputs": ([3, 5, 4, 3], "squared_error"),
    "linear": ([3, 2], "squared_error"),
    "two classes": ([3, 5, 1], "binary_crossentropy"),
    "classes": ([3, 5, 4], "categorical_crossentropy"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
@pytest.mark.parametrize("name", CASES)
def test_predictions_are_those_of_standardised_rows(name, far, dtype, rng):
    """The second input holds one value where the scaling was learnt; `far`: a clock of 1.7e9 that ticks by seconds."""
    widths, loss = CASES[name]
    x = np.column_stack([rng.normal(3.0, 2.0, 200), np.full(200, 0.1), rng.normal(0.0, 1e-3, 200)])
    if far:
        x[:, 0] = 1.7e9 + rng.permutation(200)
    center, spread = np.array([1e3, -5.0, 0.0, 0.0]), np.array([10.0, 0.1, 1.0, 1.0])
    y = rng.normal(center[: widths[-1]], spread[: widths[-1]], (200, widths[-1]))
    ones, of_values = np.ones(200), loss == "squared_error"
    affine = Affine.of(scale_of(x, ones), scale_of(y, ones) if of_values else unscaled(1))
    network, here = Network.mlp(widths, loss=loss, activation="tanh"), placement("numpy", dtype)
    standardised = Model(network, tree_map(here.put, network.init(rng)), here)

    z = (x - x.mean(axis=0)) / np.where(np.arange(3) == 1, np.inf, x.std(axis=0))
    expected = np.asarray(standardised.predict(z), dtype=np.float64)
    expected = expected * y.std(axis=0) + y.mean(axis=0) if of_values else expected
    x[:, 1] = rng.normal(size=200)  # what later rows have there changes nothing

    own = in_own_units(standardised, affine)
    unit = y.std(axis=0) if of_values else 1.0
    found = np.asarray(own.predict(x), dtype=np.float64)
    assert own.placement.dtype == ("float64" if far else dtype)
    assert not own.params[0].weight[1].any()
    rounding = 1e-4 if dtype == "float32" else 1e-7
    np.testing.assert_allclose((found - expected) / unit, 0.0, atol=rounding)
