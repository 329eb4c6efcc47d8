"""The CUDA source on the processor: compiled by the C++ compiler, and enough of CuPy, over NumPy, to launch it.

A block's threads are fibers that take turns, and wait for each other at barriers: what they do is what the source says,
in an order that CUDA allows. It knows nothing of speed, of the memory model, or of cuBLAS. `empty` is full of NaN.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from regnet_cupy import run as cuda_run
from regnet_cupy.plan import plan_of

__all__ = ["COMPILER", "Emulator", "RecordedProducts", "emulated_run"]

COMPILER = next(([found] for name in ("c++", "g++", "clang++") if (found := shutil.which(name))), None)
if COMPILER is None and find_spec("ziglang") is not None:  # pip install ziglang
    COMPILER = [sys.executable, "-m", "ziglang", "c++", "-fno-sanitize=undefined"]

SHIM = (Path(__file__).parent / "cuda_shim.h").read_text()


@lru_cache(maxsize=8)
def _library(code, options):
    kernels = re.findall(r"^KERNEL (\w+)(\([^)]*\) { .*?}$|.*?^})", code, re.DOTALL | re.MULTILINE)
    # Threads that never meet need no fibers.
    meeting = re.compile("__syncthreads|settle|_sum\\(|row_loss|go_backward|there_and_back")
    wrappers = [
        f'extern "C" __attribute__((visibility("default"))) void emulate_{name}(const int* dims, void** values) '
        f"{{ launch({int(bool(meeting.search(text)))}, {name}, dims, values); }}"
        for name, text in kernels
    ]
    told = (
        'extern "C" __attribute__((visibility("default"))) void emulate_form(int h, int d) { HIDDEN = h; DROPS = d; }'
    )
    source = "\n".join([SHIM, code, *wrappers, told])
    folder = Path(gettempdir()) / f"regnet-cuda-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    target = folder / (sha256((source + repr(options)).encode()).hexdigest()[:24] + ".so")
    if not target.exists():
        partial = target.with_suffix(f".{os.getpid()}")
        command = [
            *COMPILER,
            "-x",
            "c++",
            "-std=c++17",
            "-O1",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-w",
            *options,
            "-o",
            partial,
            "-",
        ]
        subprocess.run(command, input=source.encode(), check=True)
        partial.replace(target)
    return ctypes.CDLL(str(target))


class _Module:
    def __init__(self, emulator, code, options):
        defines = dict(option[2:].split("=") for option in options if option.startswith("-D"))
        # What is no array's size is told at run time: compiling takes longer than running.
        self._told = [int(defines.pop(name)) for name in ("HIDDEN", "DROPS")]
        self._emulator = emulator
        self._library = _library(code, tuple(f"-D{name}={value}" for name, value in defines.items()))

    def get_function(self, name):
        function = getattr(self._library, f"emulate_{name}")

        def launch(grid, block, arguments):
            dims = np.asarray([*grid, *(1,) * (3 - len(grid)), *block, *(1,) * (2 - len(block))], np.int32)
            values = [np.asarray(one.ctypes.data if isinstance(one, np.ndarray) else one) for one in arguments]
            places = np.asarray([value.ctypes.data for value in values], np.uintp)
            kept = (dims, values, places, arguments)
            pointers = [ctypes.c_void_p(kept[i].ctypes.data) for i in (0, 2)]
            self._emulator.do(lambda: kept and (self._library.emulate_form(*self._told), function(*pointers)))
            self._emulator.launched.append(name)

        return launch


class _Graph:
    def __init__(self, work):
        self._work = work
        self.launches = 0

    def launch(self):
        self.launches += 1
        for one in self._work:
            one()


class Emulator:
    """What regnet_cupy asks of the module cupy; arrays are NumPy's, anything that is not here is NumPy's too."""

    def __init__(self):
        self.launched, self.graphs, self._recording = [], [], None
        self.cuda = self
        self.runtime = self
        self.refuses_capture = False

    def __getattr__(self, name):
        return getattr(np, name)

    def do(self, work):
        """Now, or at every launch of the graph that is being captured."""
        if self._recording is None:
            work()
        else:
            self._recording.append(work)

    def RawModule(self, code, options):  # noqa: N802 (CuPy's name)
        return _Module(self, code, options)

    def empty(self, shape, dtype):
        if self._recording is not None:
            raise AssertionError("a captured step must not allocate")
        return np.full(shape, np.nan, dtype) if np.dtype(dtype).kind == "f" else np.full(shape, 77, dtype)

    # cupy.cuda
    def Device(self):  # noqa: N802 (CuPy's name)
        return self

    id = 0

    def get_default_memory_pool(self):
        return self

    def free_all_blocks(self):
        pass

    def memGetInfo(self):  # noqa: N802 (CuPy's name)
        return 2**30, 2**33

    def Stream(self, non_blocking):  # noqa: N802 (CuPy's name)
        assert non_blocking
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def begin_capture(self):
        if self.refuses_capture:
            raise RuntimeError("no capture here")
        self._recording = []

    def end_capture(self):
        self.graphs.append(_Graph(self._recording))
        self._recording = None
        return self.graphs[-1]


class RecordedProducts:
    """Products that may be captured, by NumPy."""

    capturable = True

    def __init__(self, emulator):
        self._emulator, self.count = emulator, 0

    def begin(self):
        pass

    def multiply(self, a, b, out, /, *, a_t=False, b_t=False, accumulate=False):
        def work():
            product = (a.swapaxes(-1, -2) if a_t else a) @ (b.swapaxes(-1, -2) if b_t else b)
            out[...] = out + product if accumulate else product

        assert np.shares_memory(out, out.reshape(-1)) or out.base is not None
        self.count += 1
        self._emulator.do(work)


def emulated_run(network, optimizer, *, cupy=None, **options):
    """The CuPy backend's run of many steps, on the emulator."""
    cupy = cupy or Emulator()
    options = {"products": RecordedProducts(cupy), **options}
    return cuda_run.GraphRun(cupy, plan_of(network, optimizer), network.layout, optimizer.learning_rate, **options)
