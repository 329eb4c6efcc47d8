"""Sums and maxima over rows or over a few outputs, and norms.

NumPy's reductions run an inner loop for every row, which over ten outputs takes longer than the network's products.
BLAS adds up in a tenth of the time, as a product with ones; elsewhere the library's own reduction is the fast one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array

__all__ = ["max_outputs", "norm_outputs", "sum_outputs", "sum_rows"]

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


def norm_outputs(values: Array, /) -> Array:
    """Euclidean norms over the last axis, which stays with length 1; 0 only where all values are.

    Squares of small numbers are 0 long before the numbers are (below 1e-23 in float32), and those of large ones are
    infinite: such rows are divided by their largest entry first. To look for them costs NumPy less.
    """
    if not isinstance(values, np.ndarray):
        return _scaled_norms(values)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = sum_outputs(values * values)
        norms = np.sqrt(squares)
        low = _least_sum(values.dtype)
        if squares.size and not (squares.min() >= low and squares.max() < np.inf):
            unsafe = ~((squares >= low) & (squares < np.inf))[..., 0]
            norms[unsafe] = _scaled_norms(values[unsafe])
    return norms


@lru_cache(maxsize=4)
def _least_sum(dtype: Any) -> float:
    """A sum of squares from which on those that were too small to be kept do not matter."""
    return float(np.finfo(dtype).smallest_normal / np.finfo(dtype).eps ** 2)


def _scaled_norms(values: Array) -> Array:
    xp = array_namespace(values)
    largest = xp.max(xp.abs(values), axis=-1, keepdims=True)
    largest = xp.where(largest > 0, largest, xp.ones_like(largest))
    scaled = values / largest
    # By the library's own sum: a row's must not depend on how many rows there are.
    return largest * xp.sqrt(xp.sum(scaled * scaled, axis=-1, keepdims=True))
