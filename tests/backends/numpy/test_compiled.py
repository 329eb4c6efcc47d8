"""numba's loops against the functions on the Array API that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from conftest import need
from steps import SIZES, check_groups_of_any_size, check_sure_rows, near, problem, same, state_of, strengths_of

from regnet import SGD, Adam, AdamW, Network, Penalty, config_context, datasets, fit
from regnet.arrays.tree import leaves, tree_map
from regnet.backend.registry import get_backend
from regnet.mathematics.activations import LeakyRelu
from regnet.mathematics.losses import LOSSES
from regnet.networks import kernels
from regnet.networks.network import Rows
from regnet.training import step
from regnet.training.batches import batches_of

pytestmark = pytest.mark.usefixtures("two_threads")


@pytest.fixture(autouse=True)
def _numba():
    need("numba")


def compiled(name):
    """The backend's version, which must not be the reference."""
    found = getattr(kernels.kernels_of(get_backend("numpy")), name)
    assert found is not getattr(kernels.REFERENCE, name)
    with config_context(fast=False):
        plain = getattr(kernels.kernels_of(get_backend("numpy")), name)
    assert not plain.__module__.startswith("regnet_numpy.compiled")
    return found


NETWORKS = {
    "relu": Network.mlp([3, 7, 5, 4], loss="categorical_crossentropy"),
    "leaky": Network.mlp([3, 6, 4], loss="binary_crossentropy", activation=LeakyRelu(0.1)),
    "identity": Network.mlp([3, 6, 4], loss="squared_error", activation="identity"),
    "one output": Network.mlp([3, 6, 5, 1], loss="binary_crossentropy"),
    "thin 1, 2": Network.mlp([1, 9, 2], loss="categorical_crossentropy"),
    "thin 2, 3": Network.mlp([2, 9, 3], loss="squared_error", activation=LeakyRelu(0.2)),
    "thin 4, 4, deep": Network.mlp([4, 9, 5, 4], loss="categorical_crossentropy"),
    "not thin": Network.mlp([5, 9, 6], loss="categorical_crossentropy"),
    "linear": Network.mlp([3, 4], loss="categorical_crossentropy"),
    "tanh": Network.mlp([3, 6, 4], loss="categorical_crossentropy", activation="tanh"),
    "huber": Network.mlp([3, 6, 4], loss="huber"),
    "dropout": Network.mlp([3, 6, 4], loss="squared_error", dropout=0.3),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients(name, networks, dtype, rng):
    """One tile and several, one network and a stack."""
    network, backend = NETWORKS[name], get_backend("numpy")
    leading = () if networks is None else (networks,)
    for n in (9, 3000):
        x = rng.standard_normal((n, network.in_features)).astype(dtype)
        y = reference.targets(rng, network.loss, n, network.out_features).astype(dtype)
        rows = Rows(x, y, rng.uniform(size=(n, 1)).astype(dtype) / n, np.arange(n, dtype="int32")[:, None])
        point = (0.5 * rng.standard_normal((*leading, 1, network.layout.size))).astype(dtype)
        key = np.full((*leading, 1, 1), 77, "int32") if network.has_dropout else None
        with backend.session():
            got = compiled("gradient")(backend, network, rows, point, key)
            near(got, kernels.gradient(backend, network, rows, point, key), dtype, 10)


def test_losses_far_from_zero():
    x, weight, point = np.ones((2, 1)), np.full((2, 1), 0.5), np.array([[800.0, -800.0, 0.0, 0.0]])
    backend = get_backend("numpy")
    for name in ("categorical_crossentropy", "binary_crossentropy"):
        network = Network.mlp([1, 2], loss=name)
        rows = Rows(x, np.array([[1.0, 0.0], [0.0, 1.0]]), weight)
        near(
            compiled("gradient")(backend, network, rows, point, None),
            kernels.gradient(backend, network, rows, point, None),
            "float64",
        )
        loss, _ = compiled("gradient")(backend, network, rows, np.full((1, 4), np.inf), None)
        assert not np.isfinite(loss[0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy"])
def test_the_loss_of_a_sure_row(loss, dtype):
    def loss_of(network, point, data):
        return compiled("gradient")(get_backend("numpy"), network, Rows(*data[:3]), point, None)[0][0, 0]

    check_sure_rows(loss_of, loss, 1, dtype)


@pytest.mark.parametrize(("scale", "dtype"), SIZES)
@pytest.mark.parametrize("optimizer", [Adam(0.01), SGD(0.01)], ids=["adam", "sgd"])
def test_groups_of_any_size(optimizer, scale, dtype, rng):
    """Without a running loss too, in single precision (another loop to compile)."""
    backend = get_backend("numpy")

    def make_run(*made):
        run = step.make_run(backend, *made)

        def run_both(state, *given):
            got = run(tree_map(np.copy, state), *given)
            if dtype == "float32":
                without = run(tree_map(np.copy, state._replace(running_loss=None)), *given)
                assert (without.point == got.point).all()
            return got

        return run_both

    with backend.session():
        check_groups_of_any_size(make_run, rng, scale, dtype, optimizer)


def test_training_with_and_without_and_in_a_stack():
    """Short runs agree; a stack has the bits of lone runs; fast=False is plain NumPy."""
    x, y = datasets.spiral(samples=60)
    network = Network.mlp([2, 16, 3], loss="categorical_crossentropy")
    strengths = [0.0, 1e-3, 1e-2]

    def run(k=None):
        l1 = strengths if k is None else strengths[k]
        penalties = [Penalty(group_l1=l1, weight_l2=1e-3), Penalty(weight_l2=l1)]
        options = {"penalties": penalties, "seed": [1, 2, 3] if k is None else k + 1, "batch_size": 50}
        return leaves(fit(network, x.astype(float), y, epochs=5, progress=False, **options).model.params)

    stack = run()
    with config_context(fast=False):
        plain = run()
    assert not all((a == b).all() for a, b in zip(stack, plain, strict=True))
    for a, b in zip(stack, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    for k in range(3):
        assert all((a[k] == b).all() for a, b in zip(stack, run(k), strict=True))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_a_stack_has_the_bits_of_its_networks_whatever_they_are(seed, fast):
    """Losses and activations in turn, with loops or without, the rest by chance; with a running loss or without."""
    rng = np.random.default_rng(seed)
    loss = sorted(LOSSES)[seed % len(LOSSES)]
    activation = ["tanh", "sigmoid", "relu", "leaky_relu"][seed % 4 if seed < 6 else (seed + 1) % 4]
    widths = [int(rng.integers(1, 40)), *rng.integers(1, 60, int(rng.integers(0, 3))).tolist(), 3]
    network = Network.mlp(widths, loss=loss, activation=activation)
    optimizer = [Adam(0.01), AdamW(0.01)][int(rng.integers(2))]
    rows, networks, dtype = int(rng.integers(5, 300)), int(rng.integers(2, 5)), ["float32", "float64"][seed % 2]
    point, data, rate = problem(network, networks, dtype, rng, rows=rows, own_rows=bool(rng.integers(2)))
    if rng.integers(2):
        table = np.resize(rng.permutation(rows), (-(-rows // 4), 4)).astype("int32")
        data = data._replace(batches=batches_of(data.weight, table))
    kind = ["none", "smooth", "l1", "group", "all"][int(rng.integers(5))]
    hyper = step.Hyper(rate, strengths_of(kind, network.layout, point, rng), None)

    def part(tree, k):
        return tree_map(lambda leaf: leaf[k] if leaf.ndim > 2 else leaf, tree)

    with config_context(fast=fast):
        run = step.make_run(get_backend("numpy"), network, optimizer)
    with get_backend("numpy").session():
        for running in (False, True):
            state = state_of(optimizer, point, running)
            stack = run(tree_map(np.copy, state), data, hyper, 5)
            assert not (stack.point == point).all()
            for k in range(networks):
                alone = run(tree_map(np.copy, part(state, k)), part(data, k), part(hyper, k), 5)
                same(alone, part(stack, k))


@pytest.mark.parametrize("kind", ["smooth", "all"])
@pytest.mark.parametrize(("widths", "rows"), [([3, 128, 3], 3000), ([100, 700, 3], 60)], ids=["tiles", "parts"])
def test_a_large_network_alone_has_the_bits_that_it_has_in_a_stack(widths, rows, kind, rng):
    """Alone its tiles of rows, or parts of its update, go over the threads; in a stack all its steps are one call."""
    network, optimizer, backend = Network.mlp(widths, loss="categorical_crossentropy"), Adam(0.01), get_backend("numpy")
    point, data, rate = problem(network, 2, "float32", rng, rows=rows)
    hyper = step.Hyper(rate, strengths_of(kind, network.layout, point, rng), None)

    def part(tree, k):
        return tree_map(lambda leaf: leaf[k] if leaf.ndim > 2 else leaf, tree)

    run, state = step.make_run(backend, network, optimizer), state_of(optimizer, point, True)
    with backend.session():
        stack = run(tree_map(np.copy, state), data, hyper, 5)
        for k in range(2):
            same(run(tree_map(np.copy, part(state, k)), data, part(hyper, k), 5), part(stack, k))


RUNS = {
    "l2": ({"weight_l2": 1e-3}, Adam(0.01), 40),
    "l1": ({"weight_l1": 1e-3, "weight_l2": [1e-3, 1e-4, 0.0]}, Adam(0.01, epsilon_hat=True), None),
    "group": ({"group_l1": [1e-3, 1e-2, 0.0], "weight_l2": 1e-3}, Adam(0.01), 40),
    "AdamW": ({"weight_l1": 1e-3, "l1_step": "subgradient"}, AdamW(0.01), 40),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("n", [100, 3000])
def test_runs_are_their_steps(name, n, rng):
    """Hundreds of steps in one call against NumPy, with batches and without, rows in one tile and in several."""
    penalty, optimizer, batch_size = RUNS[name]
    x = rng.standard_normal((n, 3))
    y = rng.integers(0, 4, n)
    network = Network.mlp([3, 128, 4], loss="categorical_crossentropy")
    results = []
    for fast in (True, False):
        with config_context(fast=fast):
            results.append(
                fit(
                    network, x, y, penalties=Penalty(**penalty), optimizer=optimizer, epochs=5, batch_size=batch_size,
                    seed=[1, 2, 3], progress=False,
                ).model.params
            )  # fmt: skip
    for a, b in zip(leaves(results[0]), leaves(results[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_a_table_that_may_not_be_written_to(batch_size):
    """The same bits, from the place where it lies."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((23, 3)), rng.standard_normal((23, 1))
    network = Network.mlp([3, 4, 1], loss="squared_error")

    def trained():
        return fit(network, x, y, epochs=2, batch_size=batch_size, progress=False).model.params

    expected = [np.array(one) for one in leaves(trained())]
    for array in (x, y):
        array.flags.writeable = False
    for one, other in zip(leaves(trained()), expected, strict=True):
        np.testing.assert_array_equal(one, other)
