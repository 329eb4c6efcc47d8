"""Numbers below the smallest normal one are 0 while networks train.

Processors take a hundred times as long for them. A neuron that has died has weights that L2 makes as small, and
gradients are products of such weights: 3,000 x 2 -> 512 -> 3 took 2.5 ms a step at first and 15.7 after 2,000 steps
(with numba .93 ms of a core, and 1.8). XLA does the same; to weights that are below it themselves see
`networks.kernels.flush_subnormal`.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

__all__ = ["flush", "flushed"]

for _dtype in (np.float32, np.float64):
    np.finfo(_dtype)  # which NumPy keeps; made where such numbers are 0 it warns


class _Control(NamedTuple):
    """Where a thread's floating-point environment says it: byte, and bits that are set."""

    byte: int
    bits: int


SIZE = 64
"""Bytes, more than an environment has."""

CONTROLS = {"x86_64": _Control(28, 0x8040), "aarch64": _Control(0, 1 << 24)}
"""Of fenv_t on Linux. x86-64: MXCSR's flush to zero and denormals are zero (Intel 64 and IA-32 Architectures Software
Developer's Manual); AArch64: FPCR's FZ (Arm Architecture Reference Manual). Apple's processors lose no time."""


@lru_cache(maxsize=1)
def _library() -> Any:
    """The C library's functions of the environment, or None where this file does not know how it looks."""
    if sys.platform != "linux" or platform.machine() not in CONTROLS:
        return None
    for name in ("libm.so.6", None):
        try:
            library = ctypes.CDLL(name)
            return library if library.fegetenv and library.fesetenv else None
        except (OSError, AttributeError):
            continue
    return None


def _set(bits: int | None) -> int | None:
    """Sets the bits of this thread, returns what they were; None: where nothing is known."""
    library = _library()
    if library is None or bits is None:
        return None
    control, environment = CONTROLS[platform.machine()], ctypes.create_string_buffer(SIZE)
    if library.fegetenv(environment):
        return None
    word = ctypes.c_uint32.from_buffer(environment, control.byte)
    before = word.value & control.bits
    word.value = word.value & ~control.bits | bits
    library.fesetenv(environment)
    return before


def flush() -> int | None:
    """From here on, in this thread; returns what was before."""
    known = CONTROLS.get(platform.machine())
    return _set(known.bits) if known else None


@contextmanager
def flushed() -> Iterator[None]:
    """Inside, in this thread; afterwards it is as it was: other code may need such numbers."""
    before = flush()
    try:
        yield
    finally:
        _set(before)
