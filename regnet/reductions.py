"""Sums and maxima over rows or over a few outputs.

NumPy's reductions run an inner loop for every row, which over ten outputs takes longer than the network's products.
BLAS adds up in a tenth of the time, as a product with ones; elsewhere the library's own reduction is the fast one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from regnet.namespace import array_namespace
from regnet.types import Array

__all__ = ["max_outputs", "sum_outputs", "sum_rows"]

FEW = 32
"""Outputs up to which a copy with the outputs as rows is quicker than a maximum over each row."""


@lru_cache(maxsize=64)
def _ones(rows: int, columns: int, dtype: Any) -> Any:
    """For products with values: making them anew takes as long as a small product."""
    ones = np.ones((rows, columns), dtype)
    ones.flags.writeable = False
    return ones


def sum_outputs(values: Array, /) -> Array:
    """Sums over the last axis, which stays with length 1."""
    if isinstance(values, np.ndarray):
        return values @ _ones(values.shape[-1], 1, values.dtype)
    return array_namespace(values).sum(values, axis=-1, keepdims=True)


def sum_rows(values: Array, /) -> Array:
    """Sums over the axis before the last, which stays with length 1."""
    if isinstance(values, np.ndarray):
        return _ones(1, values.shape[-2], values.dtype) @ values
    return array_namespace(values).sum(values, axis=-2, keepdims=True)


def max_outputs(values: Array, /) -> Array:
    """Maxima over the last axis, which stays with length 1."""
    xp = array_namespace(values)
    if not isinstance(values, np.ndarray) or values.shape[-1] > FEW:
        return xp.max(values, axis=-1, keepdims=True)
    return xp.max(xp.ascontiguousarray(values.mT), axis=-2)[..., None]
