"""PyTorch's fused operations against the functions on the Array API that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import reference

from regnet import Adam, AdamW, Network
from regnet.backend.registry import get_backend
from regnet.networks import kernels
from regnet.networks.network import Rows
from regnet.networks.strengths import Strengths

pytest.importorskip("torch", reason="torch is not installed")
BACKEND = get_backend("torch")


def tensor(array, dtype="float64"):
    return BACKEND.asarray(array, dtype=dtype)


def close(got, expected):
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "squared_error"])
def test_gradient(loss, activation, networks, rng):
    network = Network.mlp([5, 8, 6, 4], loss=loss, activation=activation)
    leading = () if networks is None else (networks,)
    x, weight = rng.standard_normal((40, 5)), np.full((40, 1), 1 / 40)
    rows = Rows(tensor(x), tensor(reference.targets(rng, loss, 40, 4)), tensor(weight))
    point = tensor(rng.standard_normal((*leading, 1, network.layout.size)))
    own = kernels.kernels_of(BACKEND).gradient
    assert own is not kernels.gradient
    close(own(BACKEND, network, rows, point, None), kernels.gradient(BACKEND, network, rows, point, None))


@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("optimizer", [Adam(0.01), Adam(0.01, epsilon_hat=True), AdamW(0.01, weight_decay=0.1)])
@pytest.mark.parametrize("kind", ["none", "l2", "both"])
def test_update(kind, optimizer, networks, rng):
    network = Network.mlp([5, 8, 4], loss="squared_error")
    leading = () if networks is None else (networks,)
    shape = (*leading, 1, network.layout.size)
    point, grad = tensor(rng.standard_normal(shape)), tensor(rng.standard_normal(shape))
    slots = (tensor(0.1 * rng.standard_normal(shape)), tensor(rng.uniform(0, 1, shape)))
    l2, batch_l2 = tensor(rng.uniform(0, 1e-2, shape)), tensor(rng.uniform(0, 1e-2, shape))
    strengths = {"none": Strengths(), "l2": Strengths(l2=l2), "both": Strengths(l2=l2, batch_l2=batch_l2)}[kind]
    rate, share = tensor(rng.uniform(0.01, 0.02, (*leading, 1, 1))), tensor(np.full((*leading, 1, 1), 0.3))
    given = (optimizer, network.layout, point, grad, slots, strengths, tensor(3, "int32"), rate, share)
    own = kernels.kernels_of(BACKEND).update(*given)
    expected = kernels.update(*given)
    close((own[0], *own[1]), (expected.point, *expected.slots))
