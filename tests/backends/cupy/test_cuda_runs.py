"""Many steps on a GPU, emulated: graphs, states, memory, what goes to the reference, and that the source compiles."""

from __future__ import annotations

import logging
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from cuda_emulator import COMPILER, Emulator, RecordedProducts, emulated_run
from steps import close, problem, repeat, same, state_of, strengths_of

from regnet import Adam, Dense, Dropout, Network
from regnet.arrays.tree import tree_map
from regnet.backend.protocol import BackendError
from regnet.mathematics.schedules import Cosine
from regnet.training.batches import batches_of
from regnet.training.step import Hyper
from regnet_cupy import CupyBackend
from regnet_cupy import run as cuda_run
from regnet_cupy.device_code import Form, code_of, defines_of, signatures_of
from regnet_cupy.plan import plan_of
from regnet_cupy.products import CupyProducts

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler, nor ziglang, to run the CUDA source")


@pytest.mark.parametrize("widths", [[6, 8, 3], [30, 8, 20]], ids=str)
def test_captured_steps_are_launched_ones_bit_for_bit(widths, rng, monkeypatch):
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
    monkeypatch.setattr(cuda_run, "AT_ONCE", 4)
    monkeypatch.setattr(cuda_run, "WORTH_IT", 8)
    for capture in (True, False):
        run = cuda_run.GraphRun(
            cupy, plan_of(network, optimizer), network.layout, optimizer.learning_rate,
            products=RecordedProducts(cupy), capture=capture,
        )  # fmt: skip
        state = run(start, data, hyper, 5)
        state = run(state, data._replace(batches=tree_map(np.copy, data.batches)), hyper, 14)
        results.append(run(state, data, hyper, 5))
    same(*results)
    assert [graph.launches for graph in cupy.graphs] == [4 + 2 + 1, 3 + 1]  # of one step, and of four


def test_states_and_strengths_change_under_one_graph(rng):
    """Chains of states side by side, each with strengths of its own: nothing that was handed in or out changes."""
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, 2, "float64", rng)
    hypers = [Hyper(rate * f, strengths_of("all", network.layout, point, rng), None) for f in (1.0, 0.5)]
    starts = [state_of(optimizer, point + shift, True) for shift in (0.0, 0.1)]
    before = tree_map(np.copy, (starts, data, hypers))
    cupy = Emulator()
    run = emulated_run(network, optimizer, cupy=cupy)
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


def test_the_workload_of_the_origin_takes_two_launches(rng):
    network, optimizer = Network.mlp([2, 512, 3], loss="categorical_crossentropy"), Adam(0.01)
    point, data, rate = problem(network, None, "float32", rng, rows=100)
    hyper, cupy = Hyper(rate, strengths_of("smooth", network.layout, point, rng), None), Emulator()
    products = RecordedProducts(cupy)
    emulated_run(network, optimizer, cupy=cupy, products=products)(state_of(optimizer, point), data, hyper, 1)
    assert cupy.launched == ["all_layers", "settle"]
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
            got = emulated_run(network, optimizer, cupy=cupy)(state_of(optimizer, point), data, hyper, 4)
            close(got, expected, "float64")
    assert [record.getMessage() for record in caplog.records] == [
        "A CUDA graph could not be captured, and steps are launched one by one: no capture here"
    ]
    cupy = Emulator()
    got = emulated_run(network, optimizer, cupy=cupy, products=CupyProducts(cupy))(
        state_of(optimizer, point), data, hyper, 4
    )
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
        assert cuda_run.make_run_of(Emulator(), reference)(None, network, Adam(), None) == "reference"

    class Halves:
        """Somebody's schedule, which may take one number only."""

        initial = 0.01

        def factor(self, t):
            return 0.5 ** float(t)

    made = cuda_run.make_run_of(Emulator(), reference)
    assert made(None, Network.mlp([3, 2], loss="huber"), Adam(Halves()), None) == "reference"
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
        emulated_run(network, optimizer, cupy=Full())(
            state_of(optimizer, point), data, Hyper(rate, strengths_of("none", network.layout, point, rng), None), 1
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc to compile the CUDA source")
def test_the_source_compiles(dtype, tmp_path):
    source = tmp_path / "kernels.cu"
    source.write_text(code_of())
    defines = [f"-D{name}={value}" for name, value in defines_of(dtype, Form(2, 3, 2, 1)).items()]
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
    options += [f"-D{name}={value}".encode() for name, value in defines_of(dtype, Form(2, 3, 2, 1)).items()]
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
    run = emulated_run(network, optimizer)
    half = run(state_of(optimizer, point), data, hyper, 2)
    expected = repeat(network, optimizer, half, data, hyper, 3)
    with monkeypatch.context() as patched:
        patched.setattr(cuda_run.Replay, "result", lambda self: pytest.fail("interrupted"))
        with pytest.raises(pytest.fail.Exception):
            run(half, data, hyper, 3)
    close(run(half, data, hyper, 3), expected, "float64")
