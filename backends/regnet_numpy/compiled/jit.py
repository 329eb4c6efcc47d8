"""How loops are compiled. Importing this file needs numba.

The first call for a combination of types compiles a loop and keeps the result on disk. Sums run in a fixed order, so a
result has the same bits in every run; they are other bits than NumPy's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numba

__all__ = ["exact_loop", "inline", "loop", "sum_loop"]


def _compiled(**options: Any) -> Any:
    """A decorator of numba's that keeps what it compiles on disk where a place can be written to."""

    def decorate(function: Any) -> Any:
        try:
            return _apart(numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function))
        except RuntimeError:  # numba found no place
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


def _apart(dispatcher: Any) -> Any:
    """The loop, whose files on disk no other process writes.

    numba numbers the files of a loop by what it has read of their index. Of two processes that compile at once both
    take one number, and a third reads the code of other types than it asked for ("can't unbox array", at best). With
    names of its own a process at worst loses its entry in the index, and compiles again.
    """
    with suppress(AttributeError):  # of another numba, which may number in another way
        file = dispatcher._cache._cache_file
        file._data_name_pattern = file._data_name_pattern.replace("{number", f"{os.urandom(6).hex()}.{{number")
    return dispatcher


# Elementwise loops round as they are written, so that a term which is 0 gives the bits of a term which is absent. Sums
# over rows may be reordered, as a vector unit needs; NaN and infinities keep their meaning in both. An exact loop may
# not be reordered, but fuses products with sums.
loop = _compiled()
sum_loop = _compiled(fastmath={"reassoc", "contract", "arcp", "nsz"})
exact_loop = _compiled(fastmath={"contract"})
inline = numba.njit(inline="always")
