"""The GPU's kernels on the processor, against the step on the Array API that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from cuda_emulator import COMPILER, emulated_run
from steps import (
    SIZES,
    check_divergence,
    check_groups_of_any_size,
    check_subnormal_weights,
    check_sure_rows,
    close,
    problem,
    repeat,
    same,
    state_of,
    strengths_of,
)

from regnet import SGD, Adagrad, Adam, AdamW, Dense, Network, RMSprop
from regnet.arrays.tree import leaves
from regnet.mathematics.losses import LOSSES
from regnet.mathematics.schedules import Cosine
from regnet.networks.strengths import Strengths
from regnet.training.batches import batches_of
from regnet.training.step import Hyper
from regnet_cupy import run as cuda_run
from regnet_cupy.plan import LOSSES as KERNELS
from regnet_cupy.plan import plan_of

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler, nor ziglang, to run the CUDA source")

OPTIMIZERS = {
    "sgd": SGD(0.01),
    "momentum": SGD(0.01, momentum=0.9),
    "nesterov": SGD(0.01, momentum=0.9, nesterov=True),
    "adagrad": Adagrad(0.01),
    "rmsprop": RMSprop(0.01),
    "adam": Adam(0.01),
    "adamw": AdamW(0.01, weight_decay=0.1, epsilon_hat=True),
}


def compare(network, optimizer, point, data, hyper, dtype, steps=6, running=True, **options):
    start = state_of(optimizer, point, running)
    got = emulated_run(network, optimizer, **options)(start, data, hyper, steps)
    expected = repeat(network, optimizer, start, data, hyper, steps)
    assert int(got.t) == int(start.t) + steps
    close(got, expected, dtype)
    return got


@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("loss", sorted(name for name, loss in LOSSES.items() if type(loss) in KERNELS))
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid", "identity"])
@pytest.mark.parametrize("widths", [[3, 9, 2], [20, 9, 2], [3, 5, 20], [20, 7, 40, 20], [3, 2], [20, 20]], ids=str)
def test_a_step_is_the_references(widths, activation, loss, networks, rng):
    network = Network.mlp(widths, loss=loss, activation=activation)
    point, data, rate = problem(network, networks, "float64", rng)
    point = 0.2 * point
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None)
    compare(network, Adam(0.01), point, data, hyper, "float64", steps=3)


@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("kind", ["none", "smooth", "l1", "group", "all"])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_optimizers_and_penalties(name, kind, networks, rng):
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), OPTIMIZERS[name]
    point, data, rate = problem(network, networks, "float64", rng)
    hyper = Hyper(rate, strengths_of(kind, network.layout, point, rng), None)
    got = compare(network, optimizer, point, data, hyper, "float64")
    if name == "adam" and kind in ("l1", "all"):
        assert (got.point == 0).any()
    if name == "adam" and kind in ("group", "all"):
        assert (got.point[..., :8] == 0).all()


@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 20]], ids=str)
@pytest.mark.parametrize("kind", ["smooth", "all"])
def test_single_precision(kind, widths, rng):
    """One step: Adam's first steps go by the sign of a gradient, and rounding turns that of a small one."""
    network = Network.mlp(widths, loss="categorical_crossentropy")
    point, data, rate = problem(network, 3, "float32", rng)
    hyper = Hyper(rate, strengths_of(kind, network.layout, point, rng), None)
    start = state_of(Adam(0.01), point)
    got = emulated_run(network, Adam(0.01))(start, data, hyper, 1)
    expected = repeat(network, Adam(0.01), start, data, hyper, 1)
    for ours, others in zip(leaves(got), leaves(expected), strict=True):
        assert ours.dtype == others.dtype
        np.testing.assert_allclose(ours, others, atol=1e-5 * max(1.0, np.abs(others).max()))


@pytest.mark.parametrize("kind", ["l1_subgradient", "both ways", "one number"])
def test_further_ways_to_give_strengths(kind, rng):
    network = Network.mlp([6, 8, 3], loss="squared_error")
    point, data, rate = problem(network, 3, "float64", rng)
    strengths = strengths_of("l1", network.layout, point, rng)
    if kind == "l1_subgradient":
        strengths = strengths._replace(l1=None, l1_subgradient=rng.uniform(0, 0.1, point.shape))
    elif kind == "both ways":
        strengths = strengths._replace(l1_subgradient=rng.uniform(0, 0.1, point.shape))
    else:
        strengths = strengths._replace(l1=np.full((1, 1), 0.05), l2=np.full((1, network.layout.size), 0.01))
    compare(network, Adam(0.01), point, data, Hyper(rate, strengths, None), "float64")


@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 20], [3, 7, 5, 2]], ids=str)
def test_dropout(widths, activation, networks, rng, monkeypatch):
    """The same bits as on every library; batches, and tiles of rows, whose numbers go on."""
    network = Network.mlp(widths, loss="categorical_crossentropy", activation=activation, dropout=0.4)
    point, data, rate = problem(network, networks, "float64", rng)
    table = rng.permutation(50).astype("int32").reshape(2, 25)
    data = data._replace(batches=batches_of(data.weight, table), number=np.arange(25, dtype="int32")[:, None])
    seed = rng.integers(-(2**31), 2**31, rate.shape).astype("int32")
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), seed)
    whole = compare(network, Adam(0.01), point, data, hyper, "float64", steps=5)
    monkeypatch.setattr("regnet_cupy.arrays.TILE_ELEMENTS", 10 * (networks or 1) * network.width)
    close(compare(network, Adam(0.01), point, data, hyper, "float64", steps=5), whole, "float64")


@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 3], [30, 8, 20]], ids=str)
def test_dropout_without_a_seed_drops_nothing(widths, rng):
    network = Network.mlp(widths, loss="categorical_crossentropy", activation="tanh", dropout=0.4)
    point, data, rate = problem(network, None, "float64", rng)
    compare(network, Adam(0.01), point, data, Hyper(rate, Strengths(), None), "float64", steps=2)


@pytest.mark.parametrize(("own_rows", "own_table"), [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 20]], ids=str)
def test_batches(widths, own_rows, own_table, rng):
    """The last of three is filled up; weights differ, so a batch's share of them is not its share of the rows."""
    network = Network.mlp(widths, loss="categorical_crossentropy")
    point, data, rate = problem(network, 4, "float64", rng, own_rows=own_rows)
    tables = np.full((4, 3, 20), -1, "int32")
    for table in tables:
        table.reshape(-1)[:50] = rng.permutation(50)
    data = data._replace(batches=batches_of(data.weight, tables if own_table else tables[0]))
    hyper = Hyper(rate, strengths_of("all", network.layout, point, rng), None)
    compare(network, Adam(0.01), point, data, hyper, "float64", steps=7)


@pytest.mark.parametrize("batches", [False, True])
@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 20]], ids=str)
def test_rows_in_tiles(widths, batches, rng, monkeypatch):
    """Rows that would need too much memory at once; the last tile is shorter."""
    network = Network.mlp(widths, loss="categorical_crossentropy")
    point, data, rate = problem(network, 2, "float64", rng, rows=700)
    if batches:
        table = rng.permutation(700).astype("int32").reshape(1, 700)
        data = data._replace(batches=batches_of(data.weight, table))
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None)
    monkeypatch.setattr("regnet_cupy.arrays.TILE_ELEMENTS", 300 * 2 * network.width)
    compare(network, Adam(0.01), point, data, hyper, "float64", steps=2)


@pytest.mark.parametrize("networks", [None, 2])
@pytest.mark.parametrize("widths", [[3, 300, 2], [20, 600, 2], [3, 1200, 9], [20, 1300, 9]], ids=str)
def test_hidden_layers_wider_than_a_block(widths, networks, rng):
    """Several units a thread; the last two have too many weights for its registers, and go another way."""
    network = Network.mlp(widths, loss="categorical_crossentropy", dropout=0.3)
    plan = plan_of(network, Adam(0.01))
    assert plan.own_outputs == (widths[-1] == 2)
    point, data, rate = problem(network, networks, "float64", rng, rows=20)
    data = data._replace(number=np.arange(20, dtype="int32")[:, None])
    seed = rng.integers(-(2**31), 2**31, rate.shape).astype("int32")
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), seed)
    compare(network, Adam(0.01), point / 8, data, hyper, "float64", steps=2)


@pytest.mark.parametrize("widths", [[6, 8, 3], [6, 8, 20], [20, 9, 2], [20, 7, 9, 2], [3, 2], [20, 2]], ids=str)
def test_an_activation_on_the_last_layer(widths, rng):
    kinds = ["relu"] * (len(widths) - 2) + ["tanh"]
    layers = [Dense(a, b, kind) for a, b, kind in zip(widths, widths[1:], kinds, strict=False)]
    network = Network(tuple(layers), loss="squared_error")
    point, data, rate = problem(network, None, "float64", rng)
    compare(
        network,
        Adam(0.01),
        point,
        data,
        Hyper(rate, strengths_of("smooth", network.layout, point, rng), None),
        "float64",
    )


def test_a_schedule_goes_on_from_one_table_of_factors_to_the_next(rng, monkeypatch):
    monkeypatch.setattr(cuda_run, "FACTORS", 8)
    monkeypatch.setattr("regnet_cupy.update.FACTORS", 8)
    network, optimizer = Network.mlp([3, 4, 2], loss="squared_error"), AdamW(Cosine(0.05, steps=25), weight_decay=0.1)
    point, data, rate = problem(network, None, "float64", rng)
    compare(
        network,
        optimizer,
        point,
        data,
        Hyper(rate, strengths_of("l1", network.layout, point, rng), None),
        "float64",
        21,
    )


@pytest.mark.parametrize("networks", [None, 3])
def test_a_network_that_diverges_stays_where_it_stopped(networks, rng):
    with np.errstate(over="ignore"):  # the emulator's products are NumPy's
        check_divergence(emulated_run, networks, rng)


def test_a_network_that_diverged_on_one_batch_does_not_go_on_with_the_next(rng):
    network, optimizer = Network.mlp([6, 8, 1], loss="squared_error"), Adam(0.01)
    point, data, rate = problem(network, 2, "float64", rng, own_rows=True)
    data.x[0, :10] = 1e200
    data = data._replace(batches=batches_of(data.weight, np.arange(50, dtype="int32").reshape(5, 10)))
    start = state_of(optimizer, point)._replace(t=np.asarray(0, "int32"))
    hyper = Hyper(rate, strengths_of("none", network.layout, point, rng), None)
    with np.errstate(all="ignore"):
        got = emulated_run(network, optimizer)(start, data, hyper, 5)
        expected = repeat(network, optimizer, start, data, hyper, 5)
    close((got.point[1], got.slots[0][1]), (expected.point[1], expected.slots[0][1]), "float64")
    same(got.point[0], point[0])
    assert got.diverged_at.ravel().tolist() == [0, -1]


def test_weights_below_the_smallest_normal_number_become_0(rng):
    check_subnormal_weights(emulated_run, rng)


@pytest.mark.parametrize(("scale", "dtype"), SIZES)
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_groups_of_any_size(name, scale, dtype, rng):
    check_groups_of_any_size(emulated_run, rng, scale, dtype, OPTIMIZERS[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy"])
def test_the_loss_of_a_sure_row(loss, depth, dtype):
    def loss_of(network, point, data):
        hyper = Hyper(np.full((1, 1), 0.01, dtype), Strengths(), None)
        return emulated_run(network, SGD(0.01))(state_of(SGD(0.01), point), data, hyper, 1).loss[0, 0]

    check_sure_rows(loss_of, loss, depth, dtype)


def test_dropout_of_nearly_everything(rng):
    network = Network.mlp([6, 8, 3], loss="categorical_crossentropy", dropout=1 - 2.0**-34)
    point, data, rate = problem(network, None, "float64", rng)
    data, seed = data._replace(number=np.arange(50, dtype="int32")[:, None]), np.full((1, 1), 5, "int32")
    compare(network, Adam(0.01), point, data, Hyper(rate, Strengths(), seed), "float64", steps=2)
