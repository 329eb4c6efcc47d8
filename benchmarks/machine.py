"""What a time was measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from regnet_numpy.blas import vector_instructions

__all__ = ["SLOWING", "clean_environment", "copy_bandwidth", "describe_machine"]

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS")
"""Settings that make a BLAS run kernels older than the processor."""

PACKAGES = (
    "numpy",
    "scikit-learn",
    "scipy",
    "numba",
    "mkl",
    "torch",
    "jax",
    "keras",
    "lassonet",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "nvmath-python",
)


def clean_environment() -> dict[str, str]:
    """The environment without settings that slow a BLAS down; all contestants have the same."""
    # JAX would take most of a GPU's memory for itself, and contestants wait side by side.
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} | {
        name: value for name, value in os.environ.items() if name not in SLOWING
    }


def describe_machine(*, gpu: bool = False) -> dict[str, Any]:
    """Processor, BLAS with the architecture of its kernels, threads, versions, bandwidth of a copy; and of a GPU.

    In a process of its own, as contestants are: a BLAS reads its environment once.
    """
    command = [sys.executable, "-m", "benchmarks.machine", *["--gpu"] * gpu]
    here = Path(__file__).parent.parent
    answer = subprocess.run(command, env=clean_environment(), cwd=here, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(answer.stdout))


def _describe() -> dict[str, Any]:
    from threadpoolctl import threadpool_info

    libraries = [
        {key: info.get(key) for key in ("internal_api", "version", "architecture", "num_threads")}
        for info in threadpool_info()
        if info.get("user_api") == "blas"
    ]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(), "cores": cores,
        "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(), "blas": libraries,
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "copy_gb_per_s": round(copy_bandwidth() / 1e9, 1), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def _describe_gpu() -> dict[str, Any]:
    """CuPy's current device: its name and driver, and what its memory and its float32 units do at best, measured."""
    import cupy

    def seconds(work: Any) -> float:
        times = []
        for _ in range(6):
            started, ended = cupy.cuda.Event(), cupy.cuda.Event()
            started.record()
            work()
            ended.record()
            ended.synchronize()
            times.append(cupy.cuda.get_elapsed_time(started, ended) / 1e3)
        return float(np.median(times[1:]))

    source, target = cupy.ones(2**28, "float32"), cupy.empty(2**28, "float32")
    size = 8192
    left, right = (cupy.random.standard_normal((size, size), dtype="float32") for _ in range(2))
    out = cupy.empty((size, size), "float32")
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    driver = cupy.cuda.runtime.driverGetVersion()
    return {
        "name": properties["name"].decode(),
        "driver": f"CUDA {driver // 1000}.{driver % 1000 // 10}",
        "memory_gib": round(properties["totalGlobalMem"] / 2**30, 1),
        "copy_gb_per_s": round(2 * source.nbytes / seconds(lambda: cupy.copyto(target, source)) / 1e9),
        "float32_tflops": round(2 * size**3 / seconds(lambda: cupy.matmul(left, right, out=out)) / 1e12, 1),
    }


def copy_bandwidth() -> float:
    """Bytes a second of a copy on one thread, read and written, beyond any cache."""
    source, target = np.ones(2**26, np.float32), np.empty(2**26, np.float32)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - started)
    return float(2 * source.nbytes / np.median(times[1:]))


def _processor() -> str:
    """The model's name where the system tells; flags say more on a virtual machine."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    text = info.read_text()
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    vector = vector_instructions()
    return f"{name or platform.machine()}, {vector}" if vector else name


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    print(json.dumps({**_describe(), "gpu": _describe_gpu()} if "--gpu" in sys.argv else _describe()))
