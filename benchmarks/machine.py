"""What a time was measured on."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["copy_bandwidth", "describe_machine"]

PACKAGES = (
    "numpy",
    "scikit-learn",
    "scipy",
    "numba",
    "torch",
    "jax",
    "keras",
    "lassonet",
    "cupy-cuda12x",
    "cupy-cuda13x",
)


def describe_machine() -> dict[str, Any]:
    """Processor, BLAS with the architecture of its kernels, threads, versions, bandwidth of a copy."""
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
    vector = next(
        (kind for flag, kind in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")) if flag in text), ""
    )
    return f"{name or platform.machine()}, {vector}" if vector else name


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
