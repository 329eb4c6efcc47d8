"""A whole network's gradient against independent computations."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from conftest import need, placement, to_numpy

from regnet import Dense, Network
from regnet.arrays.tree import leaves, rebuild, tree_map
from regnet.mathematics.activations import ACTIVATIONS, LeakyRelu
from regnet.mathematics.losses import LOSSES, Huber
from regnet.networks.network import Rows

CASES = [(a, loss) for a in ACTIVATIONS for loss in LOSSES]


@pytest.mark.parametrize(("activation", "loss"), CASES)
def test_network_gradient_is_exact(activation, loss, namespace, rng):
    place = placement(namespace)
    network = Network.mlp([3, 5, 4, 2], loss=loss, activation=activation)
    x, y = rng.standard_normal((6, 3)), reference.targets(rng, loss, 6, 2)
    w = rng.uniform(size=(6, 1))
    w /= w.sum()
    params = [leaf + 0.3 * rng.standard_normal(leaf.shape) for leaf in leaves(network.init(rng))]
    tree = rebuild(network.init(rng), [place.put(leaf) for leaf in params])
    value, grads = network.loss_and_grads(Rows(place.put(x), place.put(y), place.put(w)), tree)
    args = (x, y, w[:, 0], activation, loss)
    assert to_numpy(place, value)[0, 0] == pytest.approx(reference.objective(params, *args).real, rel=1e-13)
    for k, got in enumerate(leaves(grads)):
        expected = reference.complex_step(
            lambda z, k=k: reference.objective([*params[:k], z, *params[k + 1 :]], *args), params[k]
        )
        assert reference.relative(to_numpy(place, got), expected) <= 1e-12


def test_gradient_against_differences_with_dropout(rng):
    """The mask is a function of counters, so the loss is a smooth function of the weights even with dropout."""
    network = Network.mlp([3, 8, 2], loss="squared_error", activation="tanh", dropout=0.4)
    x, y = rng.standard_normal((10, 3)), rng.standard_normal((10, 2))
    rows = Rows(x, y, np.full((10, 1), 0.1), np.arange(10, dtype=np.int32)[:, None])
    key = np.asarray([[12345]], dtype=np.int32)
    params = network.init(rng)
    _, grads = network.loss_and_grads(rows, params, key)
    weight, h = params[0].weight, 1e-6
    for place in [(0, 0), (1, 3), (2, 7)]:
        values = []
        for sign in (1, -1):
            moved = weight.copy()
            moved[place] += sign * h
            changed = (params[0]._replace(weight=moved), *params[1:])
            values.append(network.loss_and_grads(rows, changed, key)[0][0, 0])
        assert grads[0].weight[place] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_against_torch_autograd(loss, rng):
    torch = need("torch")
    network = Network.mlp([4, 6, 3], loss=loss, activation="tanh")
    x, y = (torch.from_numpy(a) for a in (rng.standard_normal((5, 4)), reference.targets(rng, loss, 5, 3)))
    weight = torch.full((5, 1), 0.2, dtype=torch.float64)
    params = tree_map(lambda a: torch.from_numpy(a).requires_grad_(True), network.init(rng))
    value, grads = network.loss_and_grads(Rows(x, y, weight), params)
    expected = torch.autograd.grad(value.sum(), leaves(params))
    for got, want in zip(leaves(grads), expected, strict=True):
        assert reference.relative(got.detach(), want) <= 1e-12


def test_first_layer_input_gradient_is_not_computed(monkeypatch, rng):
    asked = []
    original = Dense.forward

    def spy(self, params, x, noise):
        y, backward = original(self, params, x, noise)

        def watched(dy, input_grad):
            asked.append((self.in_features, input_grad))
            return backward(dy, input_grad)

        return y, watched

    monkeypatch.setattr(Dense, "forward", spy)
    network = Network.mlp([3, 5, 2], loss="squared_error")
    network.loss_and_grads(Rows(np.ones((2, 3)), np.ones((2, 2)), np.full((2, 1), 0.5)), network.init(rng))
    assert asked == [(5, True), (3, False)]


def test_constructors_refuse_nonsense():
    with pytest.raises(ValueError, match="activation='softplus' is unknown"):
        Dense(2, 3, activation="softplus")
    with pytest.raises(ValueError, match="slope"):
        LeakyRelu(2.0)
    with pytest.raises(ValueError, match="delta"):
        Huber(0.0)
    with pytest.raises(ValueError, match="loss='hinge' is unknown"):
        Network.mlp([2, 2], loss="hinge")
    with pytest.raises(ValueError, match=r"4 outputs.*takes 5 inputs"):
        Network((Dense(2, 4), Dense(5, 1)), loss="huber")
