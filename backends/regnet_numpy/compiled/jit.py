"""How loops are compiled. Importing this file needs numba.

The first call for a combination of types compiles a loop and keeps the result on disk. Sums run in a fixed order, so a
result has the same bits in every run; they are other bits than NumPy's.
"""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["exact_loop", "inline", "loop", "sum_loop"]


def _compiled(**options: Any) -> Any:
    """A decorator of numba's that keeps what it compiles on disk where a place can be written to."""

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        except RuntimeError:  # numba found no place
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


# Elementwise loops round as they are written, so that a term which is 0 gives the bits of a term which is absent. Sums
# over rows may be reordered, as a vector unit needs; NaN and infinities keep their meaning in both. An exact loop may
# not be reordered, but fuses products with sums.
loop = _compiled()
sum_loop = _compiled(fastmath={"reassoc", "contract", "arcp", "nsz"})
exact_loop = _compiled(fastmath={"contract"})
inline = numba.njit(inline="always")
