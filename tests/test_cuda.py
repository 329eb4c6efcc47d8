"""The GPU's kernels on the processor, against the step on the Array API that they stand for; and that they compile."""

from __future__ import annotations

import logging
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from cuda_emulator import COMPILER, Emulator, RecordedProducts
from steps import close, problem, repeat, same, state_of, strengths_of

from regnet import SGD, Adagrad, Adam, AdamW, Dense, Dropout, Network, RMSprop
from regnet.backend import BackendError
from regnet.losses import LOSSES
from regnet.schedules import Cosine
from regnet.step import Hyper, batches_of
from regnet.tree import leaves, tree_map
from regnet_cupy import CupyBackend
from regnet_cupy import run as cuda_run
from regnet_cupy.device_code import code_of, defines_of, signatures_of
from regnet_cupy.plan import plan_of
from regnet_cupy.products import CupyProducts

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


def run_of(network, optimizer, *, cupy=None, **options):
    """The run under test."""
    cupy = cupy or Emulator()
    plan = plan_of(network, optimizer)
    options = {"products": RecordedProducts(cupy), **options}
    return cuda_run.Run(cupy, plan, network.layout, optimizer.learning_rate, **options)


def compare(network, optimizer, point, data, hyper, dtype, steps=6, running=True, **options):
    start = state_of(optimizer, point, running)
    got = run_of(network, optimizer, **options)(start, data, hyper, steps)
    expected = repeat(network, optimizer, start, data, hyper, steps)
    assert int(got.t) == int(start.t) + steps
    close(got, expected, dtype)
    return got


@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("loss", sorted(LOSSES))
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
    got = run_of(network, Adam(0.01))(start, data, hyper, 1)
    expected = repeat(network, Adam(0.01), start, data, hyper, 1)
    for ours, others in zip(leaves(got), leaves(expected), strict=True):
        assert ours.dtype == others.dtype
        np.testing.assert_allclose(ours, others, atol=1e-5 * max(1.0, np.abs(others).max()))


@pytest.mark.parametrize("kind", ["l1_subgradient", "one number"])
def test_further_ways_to_give_strengths(kind, rng):
    network = Network.mlp([6, 8, 3], loss="squared_error")
    point, data, rate = problem(network, 3, "float64", rng)
    strengths = strengths_of("l1", network.layout, point, rng)
    if kind == "l1_subgradient":
        strengths = strengths._replace(l1=None, l1_subgradient=rng.uniform(0, 0.1, point.shape))
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


@pytest.mark.parametrize("widths", [[6, 8, 3], [6, 8, 20], [3, 2], [20, 2]], ids=str)
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
    monkeypatch.setattr("regnet_cupy.device_step.FACTORS", 8)
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
    network, optimizer = Network.mlp([6, 8, 1], loss="squared_error"), Adam(0.01)
    point, data, rate = problem(network, networks, "float64", rng)
    hyper = Hyper(rate, strengths_of("all", network.layout, point, rng), None)
    run = run_of(network, optimizer)
    healthy = run(state_of(optimizer, point), data, hyper, 5)
    sick = point.copy()
    sick[-1] *= 1e200
    got = run(state_of(optimizer, sick), data, hyper, 5)
    assert got.diverged_at.ravel().tolist() == [-1] * ((networks or 1) - 1) + [3]
    same(got.point[-1], sick[-1])
    if networks:
        same(got.point[:-1], healthy.point[:-1])


def test_a_network_that_diverged_on_one_batch_does_not_go_on_with_the_next(rng):
    network, optimizer = Network.mlp([6, 8, 1], loss="squared_error"), Adam(0.01)
    point, data, rate = problem(network, 2, "float64", rng, own_rows=True)
    data.x[0, :10] = 1e200
    data = data._replace(batches=batches_of(data.weight, np.arange(50, dtype="int32").reshape(5, 10)))
    start = state_of(optimizer, point)._replace(t=np.asarray(0, "int32"))
    hyper = Hyper(rate, strengths_of("none", network.layout, point, rng), None)
    with np.errstate(all="ignore"):
        got = run_of(network, optimizer)(start, data, hyper, 5)
        expected = repeat(network, optimizer, start, data, hyper, 5)
    close((got.point[1], got.slots[0][1]), (expected.point[1], expected.slots[0][1]), "float64")
    same(got.point[0], point[0])
    assert got.diverged_at.ravel().tolist() == [0, -1]


def test_weights_below_the_smallest_normal_number_become_0(rng):
    network, optimizer = Network.mlp([3, 4, 2], loss="squared_error"), Adam(1e-6)
    point, data, rate = problem(network, None, "float32", rng)
    data = data._replace(x=0 * data.x)  # the first layer's weights have no gradient but the penalty's
    point[:, :12] = 1e-39
    hyper = Hyper(0 * rate, strengths_of("smooth", network.layout, point, rng), None)
    got = run_of(network, optimizer)(state_of(optimizer, point), data, hyper, 2)
    assert (got.point[:, :12] == 0).all()
    assert (got.point[:, 12:] != 0).any()


@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 20]], ids=str)
def test_captured_steps_are_launched_ones_bit_for_bit(widths, rng):
    """A value that the host had read when the step was captured would be the same in every replay."""
    network, optimizer = (
        Network.mlp(widths, loss="categorical_crossentropy", activation="tanh"),
        Adam(Cosine(0.01, steps=90)),
    )
    point, data, rate = problem(network, 2, "float32", rng)
    table = rng.permutation(50).astype("int32")[:48].reshape(3, 16)
    data = data._replace(batches=batches_of(data.weight, table))
    hyper, start = Hyper(rate, strengths_of("all", network.layout, point, rng), None), state_of(optimizer, point, True)
    cupy, results = Emulator(), []
    for capture in (True, False):
        run = cuda_run.Run(
            cupy, plan_of(network, optimizer), network.layout, optimizer.learning_rate,
            products=RecordedProducts(cupy), capture=capture,
        )  # fmt: skip
        state = run(start, data, hyper, 20)
        results.append(run(state, data._replace(batches=tree_map(np.copy, data.batches)), hyper, 10))
    same(*results)
    assert [graph.launches for graph in cupy.graphs] == [29]


def test_states_and_strengths_change_under_one_graph(rng):
    """Chains of states side by side, each with strengths of its own: nothing that was handed in or out changes."""
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, 2, "float64", rng)
    hypers = [Hyper(rate * f, strengths_of("all", network.layout, point, rng), None) for f in (1.0, 0.5)]
    starts = [state_of(optimizer, point + shift, True) for shift in (0.0, 0.1)]
    before = tree_map(np.copy, (starts, data, hypers))
    cupy = Emulator()
    run = run_of(network, optimizer, cupy=cupy)
    halves = [run(start, data, hyper, 3) for start, hyper in zip(starts, hypers, strict=True)]
    wholes = [run(half, data, hyper, 4) for half, hyper in zip(halves, hypers, strict=True)]
    reset = run(wholes[1]._replace(running_loss=np.zeros((2, 1, 1))), data, hypers[1], 1)
    same((starts, data, hypers), before)
    for start, hyper, half, whole in zip(starts, hypers, halves, wholes, strict=True):
        close(half, repeat(network, optimizer, start, data, hyper, 3), "float64")
        close(whole, repeat(network, optimizer, start, data, hyper, 7), "float64")
    one_step = repeat(network, optimizer, wholes[1]._replace(running_loss=np.zeros((2, 1, 1))), data, hypers[1], 1)
    close(reset, one_step, "float64")
    assert len(cupy.graphs) == 1
    other = data._replace(x=data.x.copy())
    run(starts[0], other, hypers[0], 2)
    assert len(cupy.graphs) == 2


def test_the_workload_of_the_origin_takes_five_launches(rng):
    network, optimizer = Network.mlp([2, 512, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, None, "float32", rng, rows=100)
    hyper, cupy = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None), Emulator()
    products = RecordedProducts(cupy)
    run_of(network, optimizer, cupy=cupy, products=products)(state_of(optimizer, point), data, hyper, 1)
    assert cupy.launched == ["few_inputs", "few_outputs", "backward_between_few", "finish", "update"]
    assert products.count == 0


def test_where_nothing_can_be_captured_one_sentence_says_so(rng, caplog):
    network, optimizer = Network.mlp([30, 8, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, None, "float64", rng)
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None)
    expected = repeat(network, optimizer, state_of(optimizer, point), data, hyper, 4)
    cuda_run._say.cache_clear()
    cupy = Emulator()
    cupy.refuses_capture = True
    with caplog.at_level(logging.WARNING, "regnet"):
        for _ in range(2):
            got = run_of(network, optimizer, cupy=cupy)(state_of(optimizer, point), data, hyper, 4)
            close(got, expected, "float64")
    assert [record.getMessage() for record in caplog.records] == [
        "A CUDA graph could not be captured, and steps are launched one by one: no capture here"
    ]
    cupy = Emulator()
    got = run_of(network, optimizer, cupy=cupy, products=CupyProducts(cupy))(state_of(optimizer, point), data, hyper, 4)
    close(got, expected, "float64")
    assert not cupy.graphs


def test_what_no_kernel_knows_goes_to_the_reference():
    class Relu:
        """Another one of that name."""

        def forward(self, z):
            return z * (z > 1)

        def backward(self, dy, y):
            return dy * (y > 1)

    def reference(*args):
        return "reference"

    networks = [
        Network((Dense(3, 2, Relu()),), loss="huber"),
        Network((Dropout(0.5), Dense(3, 2)), loss="huber"),
        Network((Dense(3, 2), Dropout(0.5)), loss="huber"),
        Network((Dense(3, 2), Dropout(0.5), Dropout(0.5), Dense(2, 2)), loss="huber"),
    ]
    for network in networks:
        assert cuda_run.make_run_of(Emulator(), reference)(None, network, Adam()) == "reference"

    class Halves:
        """Somebody's schedule, which may take one number only."""

        initial = 0.01

        def factor(self, t):
            return 0.5 ** float(t)

    made = cuda_run.make_run_of(Emulator(), reference)
    assert made(None, Network.mlp([3, 2], loss="huber"), Adam(Halves())) == "reference"
    assert plan_of(Network.mlp([3, 4, 2], loss="huber"), Adam()) is not None


def test_too_little_memory_is_an_error_that_names_the_remedy(rng):
    class Full(Emulator):
        def empty(self, shape, dtype):
            raise MemoryError("Out of memory allocating 1 byte")

    network, optimizer = Network.mlp([30, 800, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, None, "float32", rng, rows=1000)
    with pytest.raises(
        MemoryError, match=r"1000 rows takes about 0\.00\d+ GiB .* 1 of 8 GiB are free: .* batch_size\.$"
    ):
        run_of(network, optimizer, cupy=Full())(
            state_of(optimizer, point), data, Hyper(rate, strengths_of("none", network.layout, point, rng), None), 1
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc to compile the CUDA source")
def test_the_source_compiles(dtype, tmp_path):
    source = tmp_path / "kernels.cu"
    source.write_text(code_of())
    defines = [f"-D{name}={value}" for name, value in defines_of(dtype, 2, 3).items()]
    command = [
        "nvcc",
        "-std=c++17",
        "-Werror",
        "all-warnings",
        *defines,
        "-ptx",
        "-o",
        tmp_path / "kernels.ptx",
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_source_compiles_at_run_time(dtype):
    """By NVRTC, which needs no GPU and is what CuPy calls; pip install cuda-bindings nvidia-cuda-nvrtc brings it."""
    nvrtc = pytest.importorskip("cuda.bindings.nvrtc", reason="cuda-bindings is not installed")
    options = [b"--std=c++17", b"--gpu-architecture=sm_90"]
    options += [f"-D{name}={value}".encode() for name, value in defines_of(dtype, 2, 3).items()]
    try:
        _, program = nvrtc.nvrtcCreateProgram(code_of().encode(), b"kernels.cu", 0, [], [])
    except RuntimeError as error:
        pytest.skip(f"no NVRTC library: {error}")
    (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    log = b" " * nvrtc.nvrtcGetProgramLogSize(program)[1]
    nvrtc.nvrtcGetProgramLog(program, log)
    assert status == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()
    _, size = nvrtc.nvrtcGetCUBINSize(program)
    binary = b" " * size
    nvrtc.nvrtcGetCUBIN(program, binary)
    missing_ones = [name for name in signatures_of() if name.encode() not in binary]
    assert not missing_ones


def test_the_backend_waits_for_every_device_once():
    """CuPy's devices have no hash."""

    class Device:
        __hash__ = None

        def __init__(self, number):
            self.id = number

        def __enter__(self):
            current.append(self.id)

        def __exit__(self, *error):
            pass

    current, waited = [], []
    backend = object.__new__(CupyBackend)
    stream = SimpleNamespace(synchronize=lambda: waited.append(current[-1]))
    backend._cupy = SimpleNamespace(cuda=SimpleNamespace(get_current_stream=lambda: stream))
    backend.synchronize([SimpleNamespace(device=Device(number)) for number in (0, 1, 0)])
    assert waited == [0, 1]


def test_a_device_that_is_not_current_is_refused_with_the_remedy():
    """CuPy would make new arrays on its current device, beside data on another."""

    class Device:
        def __init__(self, number=0):
            self.id = number

    backend = object.__new__(CupyBackend)
    runtime = SimpleNamespace(getDeviceCount=lambda: 2)
    backend._cupy = SimpleNamespace(cuda=SimpleNamespace(Device=Device, runtime=runtime))
    assert backend._device("cuda").id == backend._device("cuda:0").id == 0
    with pytest.raises(
        BackendError, match=r"cuda:1 is not CuPy's current device: work under .* CUDA_VISIBLE_DEVICES=1"
    ):
        backend._device("cuda:1")
    with pytest.raises(BackendError, match="no device 'cuda:7' here"):
        backend._device("cuda:7")


def test_an_interrupted_run_starts_again_from_the_state_it_was_handed(rng, monkeypatch):
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, None, "float64", rng)
    hyper = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None)
    run = run_of(network, optimizer)
    half = run(state_of(optimizer, point), data, hyper, 2)
    expected = repeat(network, optimizer, half, data, hyper, 3)
    with monkeypatch.context() as patched:
        patched.setattr(cuda_run.Replay, "result", lambda self: pytest.fail("interrupted"))
        with pytest.raises(pytest.fail.Exception):
            run(half, data, hyper, 3)
    close(run(half, data, hyper, 3), expected, "float64")
