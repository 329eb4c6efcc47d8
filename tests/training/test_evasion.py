"""A penalty that a network evades is told of, and no other one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler

from regnet import Adam, History, Network, Normal, Penalty, Record, config_context, datasets, fit
from regnet.mathematics.activations import ACTIVATIONS
from regnet.training.evasion import evasion_of, exits_of

FREE = Penalty()
L2 = Penalty(weight_l2=1e-3, bias_l2=1e-3)


def spiral_network(hidden, activation="relu"):
    return Network.mlp(
        [2, *hidden, 3], loss="categorical_crossentropy", activation=activation, initializer=Normal(0.01)
    )


def trained_on_spiral(penalties, *, epochs=2000, hidden=(64,), seed=0, rate=0.05):
    x, y = datasets.spiral(samples=150, seed=seed)
    network = spiral_network(hidden)
    result = fit(network, x, y, optimizer=Adam(rate), penalties=penalties, epochs=epochs, seed=seed, progress=False)
    return network, result.history


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_there_is_a_way_out_where_scaling_a_neuron_changes_no_prediction(name):
    network, rng = spiral_network([8], name), np.random.default_rng(0)
    first, second = network.init(rng)
    first = first._replace(bias=rng.standard_normal((1, 8)))
    x = rng.standard_normal((20, 2)) * 30.0
    factor = rng.uniform(0.1, 10.0, 8)
    moved = (first._replace(weight=first.weight * factor, bias=first.bias * factor),
             second._replace(weight=second.weight / factor[:, None]))  # fmt: skip
    unchanged = np.allclose(network.apply((first, second), x), network.apply(moved, x), rtol=1e-9, atol=1e-12)
    assert unchanged == (exits_of(network, [L2, FREE]) is not None)


def test_scale_moves_along_layers_with_homogeneous_activations():
    assert exits_of(spiral_network([16, 8]), [L2, L2, FREE]) == ((0, 1), (2,))
    assert exits_of(spiral_network([16, 8]), [FREE, L2, FREE]) == ((1,), (0, 2))
    assert exits_of(spiral_network([16, 8]), [L2, L2, L2]) is None
    assert exits_of(spiral_network([16, 8]), [FREE, FREE, FREE]) is None
    assert exits_of(spiral_network([16]), [Penalty(bias_l2=1.0), FREE]) is None  # weights have no penalty at all
    assert exits_of(spiral_network([16]), [FREE, Penalty(group_l1=1.0)]) == ((1,), (0,))


def history_of(*norms):
    records = [
        Record(epoch, 1.0, 1.0, {}, 0.5, 0.1, {str(layer): float(np.sqrt(one)) for layer, one in enumerate(own)}, {})
        for epoch, own in enumerate(norms)
    ]
    return History("accuracy", records)


def test_it_takes_a_layer_that_shrinks_one_that_grows_and_the_same_scale():
    network, penalties = spiral_network([16]), [L2, FREE]
    found = evasion_of(network, penalties, history_of((1, 1), (100, 200), (50, 500)))
    assert found is not None
    assert (found.epoch, *np.round([*found.penalised, *found.free], 9)) == (1, 100.0, 50.0, 200.0, 500.0)
    assert evasion_of(network, penalties, history_of((1, 1), (100, 200), (95, 500))) is None  # it hardly shrank
    assert evasion_of(network, penalties, history_of((1, 1), (100, 200), (50, 190))) is None  # the other shrank too
    assert evasion_of(network, penalties, history_of((1, 1), (100, 200), (50, 300))) is None  # a smaller function
    assert evasion_of(network, [L2, L2], history_of((1, 1), (100, 200), (50, 500))) is None
    assert evasion_of(network, penalties, history_of((100, 200))) is None


def test_the_study_notes_network_evades_its_penalty_and_only_then():
    # Long enough to be sure: after 2,000 epochs half of the seeds have done so, by the last digits of a sum.
    strengths, long = Penalty(weight_l2=5e-4, bias_l2=5e-4), {"epochs": 6000}
    network, history = trained_on_spiral([strengths, None], **long)
    found = evasion_of(network, [strengths, FREE], history)
    assert found is not None
    assert found.exits == ((0,), (1,))
    assert 0 < found.epoch < 6000
    last = {layer: norm**2 for layer, norm in history[-1].weight_norm.items()}
    np.testing.assert_allclose([found.penalised[1], found.free[1]], [last["0"], last["1"]])
    _, unpenalised = trained_on_spiral(None, **long)
    assert last["0"] < unpenalised[-1].weight_norm["0"] ** 2 / 2
    assert last["1"] > unpenalised[-1].weight_norm["1"] ** 2
    for penalties in ([strengths, strengths], [FREE, FREE]):
        network, history = trained_on_spiral(penalties)
        assert evasion_of(network, penalties, history) is None


def tables():
    for name, load in (("breast_cancer", load_breast_cancer), ("diabetes", load_diabetes), ("digits", load_digits)):
        x, y = load(return_X_y=True)
        x, y = StandardScaler().fit_transform(x)[:300], y[:300]
        loss = {"breast_cancer": "binary_crossentropy", "diabetes": "squared_error"}.get(
            name, "categorical_crossentropy"
        )
        yield name, x, (y - y.mean()) / y.std() if name == "diabetes" else y, loss


ORDINARY = {
    "none": [FREE, FREE],
    "L2 on all": [L2, L2],
    "L1 on all": [Penalty(weight_l1=1e-3)] * 2,
    "strong L2 on all": [Penalty(weight_l2=0.1)] * 2,
    "inputs, and L2 beside": [Penalty(group_l1=0.02), L2],
    "first layer, hardly": [Penalty(weight_l2=1e-7, weight_l1=1e-7), FREE],
    "last layer, hardly": [FREE, Penalty(weight_l2=1e-7)],
    "first layer, tanh": [L2, FREE],
}


def test_no_alarm_on_ordinary_fits():
    """By the uncompiled loops, since every kind of training has compiled ones of its own."""
    fits = 0
    for _, x, y, loss in tables():
        for setting, penalties in ORDINARY.items():
            out = 10 if loss.startswith("categorical") else 1
            activation = "tanh" if "tanh" in setting else "relu"
            network = Network.mlp([x.shape[1], 32, out], loss=loss, activation=activation)
            for batch in (None, 32):
                with config_context(fast=False):
                    result = fit(
                        network, x, y, optimizer=Adam(3e-3), penalties=penalties, epochs=30, batch_size=batch,
                        progress=False,
                    )  # fmt: skip
                assert evasion_of(network, penalties, result.history) is None, (loss, setting, batch)
                fits += 1
    assert fits >= 40


@pytest.mark.parametrize("strength", [1e-6, 1e-5])
def test_a_hardly_penalised_layer_may_grow_with_the_other(strength):
    penalties = [Penalty(weight_l2=strength), FREE]
    network, history = trained_on_spiral(penalties)
    assert evasion_of(network, penalties, history) is None
