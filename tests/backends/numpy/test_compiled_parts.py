"""Every activation, loss and optimizer of ours has a loop, and it is the reference's; what is not ours has none."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import reference
from conftest import need
from steps import BACKEND, close, problem, repeat, same, state_of, strengths_of

from regnet import SGD, Adagrad, Adam, AdamW, Network, RMSprop
from regnet.arrays.tree import tree_map
from regnet.mathematics.activations import ACTIVATIONS, Relu
from regnet.mathematics.losses import LOSSES, Huber, Quantile, Quantiles, SquaredError, Tweedie
from regnet.mathematics.optimizers import OPTIMIZERS
from regnet.networks import kernels
from regnet.networks.layers import Dense, Dropout
from regnet.networks.network import Rows
from regnet.training.batches import batches_of
from regnet.training.step import Hyper

pytestmark = pytest.mark.usefixtures("two_threads")

ALL_LOSSES = [*LOSSES.values(), Huber(0.3), Quantile(0.8), Quantiles((0.1, 0.3, 0.9)), Tweedie(1.2)]
PAIRS = [("tanh", loss) for loss in ALL_LOSSES] + [(name, SquaredError()) for name in ACTIVATIONS]
OTHER_PAIRS = [pair for pair in itertools.product(ACTIVATIONS, ALL_LOSSES) if pair not in PAIRS]
ALL_OPTIMIZERS = [
    Adam(0.01, epsilon=0.1), AdamW(0.01, epsilon=0.1), SGD(0.01), SGD(0.01, momentum=0.9),
    SGD(0.01, momentum=0.9, nesterov=True), RMSprop(0.01, epsilon=0.1), Adagrad(0.01, epsilon=0.1),
]  # fmt: skip
"""With an epsilon beside which the rounding of a gradient near 0 is small: it decides where such a weight goes."""


@pytest.fixture(autouse=True)
def _numba():
    need("numba")


def refuse(*args):
    raise AssertionError("went to the reference")


def gradient(*args):
    from regnet_numpy.compiled.gradient import compile_gradient

    return compile_gradient(refuse)(BACKEND, *args)


def run_of(network, optimizer):
    from regnet_numpy.compiled.run import compile_run

    consuming = compile_run(lambda *args: refuse)(BACKEND, network, optimizer, None)
    return lambda state, *args: consuming(tree_map(np.copy, state), *args)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "loss"),
    [*PAIRS, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in OTHER_PAIRS)],
    ids=str,
)
def test_gradients(activation, loss, dtype, rng):
    """Narrow layers and wide ones, whole blocks and odd ends, one tile and several, with dropout and without."""
    name = next((name for name, one in LOSSES.items() if type(one) is type(loss)), "squared_error")
    for widths, n, dropout in (([3, 7, 5, 3], 9, 0.0), ([2, 40, 3], 700, 0.0), ([20, 40, 18, 3], 300, 0.4)):
        network = Network.mlp(widths, loss=loss, activation=activation, dropout=dropout)
        x = rng.standard_normal((n, widths[0])).astype(dtype)
        y = reference.targets(rng, name, n, 3).astype(dtype)
        number = np.arange(n, dtype="int32")[:, None]
        rows = Rows(x, y, rng.uniform(size=(n, 1)).astype(dtype) / n, number)
        point = (0.4 * rng.standard_normal((1, network.layout.size))).astype(dtype)
        key = np.full((1, 1), 77, "int32") if dropout else None
        with BACKEND.session():
            got = gradient(network, rows, point, key)
        close(got, kernels.gradient(BACKEND, network, rows, point, key), dtype)


@pytest.mark.parametrize(
    "take", [np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2]], ids=["by columns", "apart"]
)
def test_gradients_of_rows_in_any_order(take, rng):
    """BLAS is told where a table's numbers lie."""
    network = Network.mlp([20, 40, 3], loss="squared_error")
    x, y = rng.standard_normal((60, 20)), rng.standard_normal((60, 3))
    point = 0.4 * rng.standard_normal((1, network.layout.size))
    rows = [Rows(table, y, np.full((60, 1), 1 / 60), None) for table in (x, take(x))]
    assert not rows[1].x.flags.c_contiguous
    with BACKEND.session():
        expected, got = (gradient(network, one, point, None) for one in rows)
    same(got, expected)
    close(got, kernels.gradient(BACKEND, network, rows[0], point, None), "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batches", [False, True])
@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS, ids=str)
def test_runs(optimizer, batches, dtype, rng):
    """A network and a stack, all rows and batches, with dropout and every term, and without; a stack's bits."""
    number = ALL_OPTIMIZERS.index(optimizer)
    kind = ["none", "smooth", "l1", "group", "all"][(number + 2 * batches) % 5]
    dropout, running = 0.3 * ((number + batches) % 2), bool((number + (dtype == "float32")) % 2)
    network = Network.mlp([6, 9, 20, 30, 3], loss="squared_error", activation="tanh", dropout=dropout)
    point, data, rate = problem(network, 3, dtype, rng, rows=60)
    data = data._replace(number=np.arange(12 if batches else 60, dtype="int32")[:, None])
    if batches:
        table = rng.permutation(60).reshape(5, 12).astype("int32")
        data = data._replace(batches=batches_of(data.weight, table))
    seed = np.asarray([3, -5, 7], "int32").reshape(3, 1, 1) if dropout else None
    hyper, run = Hyper(rate, strengths_of(kind, network.layout, point, rng), seed), run_of(network, optimizer)
    state = state_of(optimizer, point, running)
    with BACKEND.session():
        stack = run(state, data, hyper, 6)
        close(stack, repeat(network, optimizer, state, data, hyper, 6), dtype)
        for k in range(3):
            part = partial(tree_map, lambda leaf, k=k: leaf[k] if leaf.ndim > 2 else leaf)
            same(run(part(state), data, part(hyper), 6), part(stack))


def test_every_one_of_ours_is_there():
    from regnet_numpy.compiled import activations, losses, update

    assert set(activations.FORMULAS) == {type(one) for one in ACTIVATIONS.values()}
    assert set(losses.FORMULAS) == {type(one) for one in LOSSES.values()} | {Quantiles}
    assert set(update.RULES) == set(OPTIMIZERS)


def test_what_is_not_ours_has_no_loop():
    from regnet_numpy.compiled.plan import plan
    from regnet_numpy.compiled.update import rule_of

    class OwnAdam:
        learning_rate = 0.01

    @dataclass(frozen=True)
    class OwnLoss:
        metric, kind = "r2", "regression"

        def value_and_grad(self, outputs, targets):
            return outputs - targets, outputs

        def predict(self, outputs):
            return outputs

    @dataclass(frozen=True)
    class OwnRelu:
        forward, backward = Relu().forward, Relu().backward

    dtype = np.dtype("float64")
    assert rule_of(OwnAdam(), dtype) is None
    assert plan(Network.mlp([3, 4, 2], loss=OwnLoss()), dtype) is None
    assert plan(Network.mlp([3, 4, 2], loss="huber", activation=OwnRelu()), dtype) is None
    layers = Dense(3, 4), Dropout(0.1), Dropout(0.2), Dense(4, 1)
    assert plan(Network(layers, loss="huber"), dtype) is None
    assert plan(Network((Dense(3, 4), Dropout(0.1)), loss="huber"), dtype) is None


def test_activations_of_several_kinds(rng):
    """Each layer has its own, the last one too, and leaky slopes of their own."""
    from regnet.mathematics.activations import LeakyRelu

    kinds = ["tanh", LeakyRelu(0.3), "sigmoid", LeakyRelu(0.1), "tanh"]
    network = Network(tuple(Dense(5, 5, activation) for activation in kinds), loss="squared_error")
    rows = Rows(rng.standard_normal((40, 5)), rng.standard_normal((40, 5)), np.full((40, 1), 1 / 40))
    point = rng.standard_normal((1, network.layout.size))
    close(gradient(network, rows, point, None), kernels.gradient(BACKEND, network, rows, point, None), "float64")


@pytest.mark.parametrize("threads", [1, 2])
def test_bits_do_not_depend_on_threads(threads, rng, monkeypatch):
    """Rounds of few tiles, parts of an update, threads that come late: the sum of one thread."""
    from regnet_numpy.compiled import run as module

    network, optimizer = Network.mlp([3, 40, 40, 2], loss="squared_error", activation="tanh"), Adam(0.01)
    point, data, rate = problem(network, None, "float32", rng, rows=4000)
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None)
    state, run = state_of(optimizer, point, True), run_of(network, optimizer)
    monkeypatch.setattr(module, "thread_count", lambda: 1)
    monkeypatch.setattr(module, "cuts_of", lambda point: [slice(0, 1000), slice(1000, None)])
    with BACKEND.session():
        expected = run(state, data, hyper, 7)
        monkeypatch.setattr(module, "thread_count", lambda: threads)
        monkeypatch.setattr(module, "SUM_ELEMENTS", 3 * point.size)
        monkeypatch.setattr(module, "CALL", 3 * 4000 * point.size)
        same(run(state, data, hyper, 7), expected)
