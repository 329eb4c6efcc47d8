"""NumPy with arrays that are kept, against the functions on the Array API that it stands for."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from steps import (
    BACKEND,
    SIZES,
    check_divergence,
    check_groups_of_any_size,
    check_subnormal_weights,
    close,
    problem,
    repeat,
    same,
    state_of,
    strengths_of,
)
from threadpoolctl import threadpool_limits

from regnet import Adam, AdamW, Network
from regnet.arrays.tree import tree_map
from regnet.mathematics.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh
from regnet.networks import kernels
from regnet.networks.network import Rows
from regnet.networks.strengths import Strengths
from regnet.training.batches import batches_of
from regnet.training.step import Hyper
from regnet_numpy.gradients import cuts_of
from regnet_numpy.in_place import in_place
from regnet_numpy.kernels import array_kernels
from regnet_numpy.run import ARRAYS, make_run_of
from regnet_numpy.tiles import SMALLEST_TILE, tile_rows

pytestmark = pytest.mark.usefixtures("two_threads")


def run_of(network, optimizer, **changed):
    """The run under test, its implementation changed if need be, and the step that it stands for, repeated."""

    def refuse(*args):
        raise AssertionError("went to the reference")

    make_run = array_kernels(kernels.REFERENCE._replace(run=lambda *args: refuse)).run
    if changed:
        make_run = make_run_of(ARRAYS._replace(**changed), lambda *args: refuse)
    consuming = make_run(BACKEND, network, optimizer, refuse)

    def run(state, data, hyper, n):
        return consuming(tree_map(np.copy, state), data, hyper, n)

    return run, partial(repeat, network, optimizer)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "leaky_relu"])
@pytest.mark.parametrize("networks", [None, 5])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "squared_error", "huber"])
@pytest.mark.parametrize("inputs", [3, 70])
def test_gradient(inputs, activation, networks, loss, dtype, rng):
    outputs = 1 if loss == "huber" else 4
    network = Network.mlp([inputs, 9, 7, outputs], loss=loss, activation=activation)
    point, data, _ = problem(network, networks, dtype, rng, rows=600)
    gradient = array_kernels(kernels.REFERENCE).gradient
    with BACKEND.session():
        for _ in range(2):
            rows = Rows(data.x, data.y, data.weight)
            close(
                gradient(BACKEND, network, rows, point, None),
                kernels.gradient(BACKEND, network, rows, point, None),
                dtype,
            )


@pytest.mark.parametrize("networks", [None, 3])
def test_predictions_in_tiles(networks, rng, monkeypatch):
    network = Network.mlp([3, 9, 4], loss="squared_error")
    point, data, _ = problem(network, networks, "float64", rng, rows=1000)
    params = network.unpack(point)
    monkeypatch.setattr("regnet_numpy.tiles.SMALLEST_TILE", 70)
    monkeypatch.setattr("regnet_numpy.passes.tile_rows", partial(tile_rows, elements=1))
    predict = array_kernels(kernels.REFERENCE._replace(predict=None)).predict
    with BACKEND.session():
        np.testing.assert_allclose(predict(network, params, data.x), network.apply(params, data.x), rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("networks", [None, 4])
@pytest.mark.parametrize("kind", ["none", "smooth", "l1", "group", "all"])
@pytest.mark.parametrize("optimizer", [Adam(0.01), Adam(0.01, epsilon_hat=True), AdamW(0.01, weight_decay=0.1)])
def test_run_on_all_rows(optimizer, kind, networks, running, dtype, rng):
    network = Network.mlp([6, 8, 3], loss="categorical_crossentropy")
    point, data, rate = problem(network, networks, dtype, rng)
    hyper = Hyper(rate, strengths_of(kind, network.layout, point, rng), None)
    run, repeat = run_of(network, optimizer)
    with BACKEND.session():
        got = run(state_of(optimizer, point, running), data, hyper, 20)
        expected = repeat(state_of(optimizer, point, running), data, hyper, 20)
    close(got, expected, dtype)
    assert kind in ("none", "smooth") or (got.point == 0).any()
    assert ((got.point == 0) == (expected.point == 0)).all()


@pytest.mark.parametrize("networks", [None, 4])
@pytest.mark.parametrize("own_rows", [False, True])
@pytest.mark.parametrize("own_batches", [False, True])
def test_run_on_batches(own_batches, own_rows, networks, rng):
    """Tables and batches of the whole stack or of each network; the last batch is padded; the L2 is alpha's too."""
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, networks, "float64", rng, own_rows=own_rows)
    leading = (networks,) if own_batches and networks else ()
    orders = np.stack([rng.permutation(50) for _ in range(networks or 1)]).astype("int32")
    table = np.pad(orders, ((0, 0), (0, 4)), constant_values=-1).reshape(-1, 6, 9)
    data = data._replace(batches=batches_of(data.weight, table if leading else table[0]))
    hyper = Hyper(rate, strengths_of("all", network.layout, point, rng), None)
    run, repeat = run_of(network, optimizer)
    with BACKEND.session():
        got = run(state_of(optimizer, point, True), data, hyper, 15)
        close(got, repeat(state_of(optimizer, point, True), data, hyper, 15), "float64")
        twice = run(run(state_of(optimizer, point, True), data, hyper, 7), data, hyper, 8)
    same(twice, got)


@pytest.mark.parametrize("elements", [2**20, 1])
def test_tiles_and_threads_change_no_bit(elements, rng, monkeypatch):
    """Rows in many tiles, added as they come or at the end; updates in parts; one thread or all."""
    monkeypatch.setattr("regnet_numpy.gradients.SUM_ELEMENTS", elements)
    monkeypatch.setattr("regnet_numpy.gradients.THREADED_PARAMETERS", 1)
    monkeypatch.setattr("regnet_numpy.gradients.CHUNK", 50)
    network, optimizer = Network.mlp([3, 90, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, None, "float64", rng, rows=1000)
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None)
    run, repeat = run_of(network, optimizer, tile_elements=64 * 90, threaded_work=1)
    with BACKEND.session():
        got = run(state_of(optimizer, point, True), data, hyper, 25)
        close(got, repeat(state_of(optimizer, point, True), data, hyper, 25), "float64")
    with threadpool_limits(1), BACKEND.session():
        same(run(state_of(optimizer, point, True), data, hyper, 25), got)


def test_parts_of_an_update_are_the_same_for_any_number_of_threads():
    """Penalties are summed by parts, and NumPy's own sum of a row hides a part or two."""
    row = np.empty((1, 300_000), "float32")
    with BACKEND.session():
        cuts = cuts_of(row)
    with threadpool_limits(1), BACKEND.session():
        assert cuts_of(row) == cuts
    assert len(cuts) == 4
    assert [cut.start for cut in cuts] == [0, *(cut.stop for cut in cuts[:-1])]
    assert cuts[-1].stop == 300_000


def test_a_stack_in_groups_has_the_bits_of_its_networks(rng, monkeypatch):
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, 7, "float32", rng)
    strengths = strengths_of("all", network.layout, point, rng)
    run, _ = run_of(network, optimizer)
    with BACKEND.session():
        whole = run(state_of(optimizer, point, True), data, Hyper(rate, strengths, None), 20)
        monkeypatch.setattr("regnet_numpy.tiles.GROUP_ELEMENTS", 2 * network.layout.size)
        same(run(state_of(optimizer, point, True), data, Hyper(rate, strengths, None), 20), whole)
        for k in range(7):
            own = Strengths(*(term[k] for term in strengths[:1]), None, *(term[k] for term in strengths[2:4]),
                            tuple(None if group is None else group[k] for group in strengths.group))  # fmt: skip
            alone = run(state_of(optimizer, point[k], True), data, Hyper(rate[k], own, None), 20)
            same(alone.point, whole.point[k])
            same(alone.running_loss, whole.running_loss[k])


@pytest.mark.parametrize("networks", [None, 3])
def test_a_network_that_diverges_stays_where_it_stopped(networks, rng):
    with BACKEND.session():
        check_divergence(lambda *made: run_of(*made)[0], networks, rng)


def test_weights_below_the_smallest_normal_number_become_0(rng):
    with BACKEND.session():
        check_subnormal_weights(lambda *made: run_of(*made)[0], rng)


@pytest.mark.parametrize(("scale", "dtype"), SIZES)
def test_groups_of_any_size(scale, dtype, rng):
    with BACKEND.session():
        check_groups_of_any_size(lambda *made: run_of(*made)[0], rng, scale, dtype)


SAME_BITS = """
import hashlib
import numpy as np
from regnet import MLPClassifier, config_context
rng = np.random.default_rng(0)
X = rng.standard_normal((3000, 2)).astype("float32")
y = (X.sum(1) > 0) + 2 * (X[:, 0] > 1)
digest = hashlib.sha256()
for fast in (False, True):
    with config_context(backend="numpy", fast=fast):
        for batch in (3000, 64):
            fitted = MLPClassifier((300,), alpha=1e-3, batch_size=batch, max_iter=3, random_state=0).fit(X, y)
            for array in fitted.coefs_:
                digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_processes_compute_the_same_bits_on_one_thread_and_on_two():
    command = [sys.executable, "-W", "ignore", "-c", SAME_BITS]
    said = [
        subprocess.run(
            command, env=os.environ | {"OMP_NUM_THREADS": threads}, capture_output=True, text=True, check=True
        )
        for threads in ("1", "2")
    ]
    assert len(said[0].stdout.strip()) == 64
    assert said[0].stdout == said[1].stdout


@pytest.mark.parametrize("parameters", [0, 784 * 512])
@pytest.mark.parametrize("rows", [1, 63, 257, 600, 1000, 1300, 3000, 4096])
def test_two_threads_have_equally_many_tiles(rows, parameters):
    size = tile_rows(512, rows, parameters=parameters)
    tiles = -(-rows // size)
    assert (tiles - 1) * size < rows <= tiles * size
    assert tiles == 1 or -(-tiles // 2) * size <= rows / 2 + 8 * tiles


@pytest.mark.parametrize(
    ("widths", "rows", "tiles"),
    [
        ([20, *(64,) * 6, 3], 2000, 2),  # enough work for two threads
        ([20, 64, 3], 100, 1),  # too little
        ([784, 512, 10], 2 * SMALLEST_TILE - 1, 1),  # too few rows
        ([1000, 64, 3], 2000, 2),  # inputs make no tiles small
        ([2, 512, 3], 3000, 12),  # outputs do
    ],
)
def test_tiles_of_a_network(widths, rows, tiles):
    network = Network.mlp(widths, loss="categorical_crossentropy")
    assert -(-rows // ARRAYS.tile_rows(network, rows)) == tiles


@pytest.mark.parametrize("activation", [Relu(), LeakyRelu(), Tanh(), Sigmoid(), Identity()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_in_place_have_the_bits_of_their_formulas(activation, dtype, rng):
    z, dy = (3 * rng.standard_normal((2, 500, 7))).astype(dtype)
    z[:3], z[3] = [[0.0], [-0.0], [100.0]], -1e4
    y = activation.forward(z.copy())
    dz = activation.backward(dy.copy(), y.copy())
    forward, backward = in_place(activation, z)
    got = forward(z.copy())
    assert got.tobytes() == y.tobytes()
    assert backward(dy.copy(), got).tobytes() == dz.tobytes()
