"""Intel's MKL for the products of compiled loops, where the package `mkl` is installed and NumPy has another BLAS.

Both are called by their address, so NumPy and SciPy stay with theirs. REGNET_MKL=0 leaves MKL out.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path

from regnet_numpy.threads import blas_libraries

__all__ = ["mkl_library", "mkl_version"]

NAME = "libmkl_rt.so"
"""How the library that finds the others is called, on Linux, before its version."""

INTEGERS_OF_32_BITS, ONE_THREAD = 0, 1
"""MKL_INTERFACE_LP64 and MKL_THREADING_SEQUENTIAL of MKL's header."""

REPRODUCIBLE, WHEREVER_ARRAYS_LIE = 2, 2**16
"""MKL_CBWR_AUTO and MKL_CBWR_STRICT: bits depend on shapes only, not on addresses; older processors have the first."""


@lru_cache(maxsize=1)
def _installed() -> Path | None:
    """Where the package has it."""
    try:
        listed = files("mkl") or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in listed if file.name.startswith(NAME)), None)


@lru_cache(maxsize=1)
def _loaded() -> ctypes.CDLL | None:
    """The library, set up. Whoever was first has set it up: what another package has loaded before is left to it."""
    path = _installed()
    if path is None or path.resolve() in (Path(info["filepath"]).resolve() for info in blas_libraries()):
        return None
    try:
        library = ctypes.CDLL(str(path))  # a private one: its names hide nobody's
        library.MKL_Set_Interface_Layer(INTEGERS_OF_32_BITS)
        library.MKL_Set_Threading_Layer(ONE_THREAD)  # tiles have threads
        if library.MKL_CBWR_Set(REPRODUCIBLE | WHEREVER_ARRAYS_LIE):
            library.MKL_CBWR_Set(REPRODUCIBLE)
    except (OSError, AttributeError):  # a part of it is missing
        return None
    return library


def mkl_library() -> ctypes.CDLL | None:
    """MKL with one thread and integers of 32 bits, or None where it is not to be had."""
    return None if os.environ.get("REGNET_MKL", "").strip() == "0" else _loaded()


def mkl_version() -> str | None:
    """Of the one that `mkl_library` gives."""
    return None if mkl_library() is None else version("mkl")
