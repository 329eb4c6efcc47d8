"""NumPy with arrays that are kept, against the functions on the Array API that it stands for: bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import reference

from regnet import Adam, Network, kernels
from regnet.network import Rows
from regnet.registry import get_backend
from regnet.regularizer import Strengths
from regnet.tree import leaves
from regnet_numpy.buffered import buffered_kernel


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("networks", [None, 5])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "squared_error", "huber"])
def test_kept_arrays_change_no_bit(activation, networks, loss, rng):
    """NumPy's own gradient and update against the reference."""
    outputs = 1 if loss == "huber" else 4
    network, backend = Network.mlp([3, 9, 7, outputs], loss=loss, activation=activation), get_backend("numpy")
    leading = () if networks is None else (networks,)
    x = rng.standard_normal((600, 3)).astype("float32")
    y = reference.targets(rng, loss, 600, outputs).astype("float32")
    rows = Rows(x, y, np.full((600, 1), 1 / 600, "float32"))
    point = rng.standard_normal((*leading, 1, network.layout.size)).astype("float32")
    gradient, update = (buffered_kernel(name, getattr(kernels, name)) for name in ("gradient", "prox_update"))
    with backend.session():
        for _ in range(2):
            got = gradient(backend, network, rows, point, None)
            expected = kernels.gradient(backend, network, rows, point, None)
            assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    share, t, rate = (
        np.full((*leading, 1, 1), 0.3, "float32"),
        np.asarray(3, "int32"),
        np.full((*leading, 1, 1), 0.01, "float32"),
    )
    slots = (0.1 * got[1], got[1] ** 2)
    for strengths in _strengths(network.layout, point, rng):
        results = [
            one(Adam(0.01), network.layout, point, got[1], slots, strengths, t, rate, share)
            for one in (update, kernels.prox_update)
        ]
        assert all(np.array_equal(a, b) for a, b in zip(leaves(results[0]), leaves(results[1]), strict=True))
        assert (strengths.l1 is None and not strengths.group) or (results[0][0] == 0).any()


def _strengths(layout, point, rng):
    """Smooth terms; with L1; with groups in the first weight, some of strength 0; with all of them."""
    smooth = {"l2": np.full_like(point, 1e-3), "batch_l2": np.full_like(point, 1e-4)}
    l1 = np.full((*point.shape[:-1], 1), 2e3, "float32")
    rows, leading = layout.shapes[0][0], point.shape[:-2]
    group = 1e5 * rng.integers(0, 2, (*leading, rows, 1)).astype("float32") + np.zeros((*leading, rows, 1), "float32")
    group[..., 0, 0] = 1e5
    groups = (group, *(None,) * (len(layout.shapes) - 1))
    return [
        Strengths(**smooth),
        Strengths(l1=l1),
        Strengths(group=groups, l2=smooth["l2"]),
        Strengths(l1=l1, group=groups, **smooth),
    ]
