"""Weights of rows as shares of their sum: only their ratios mean anything, so no sum of them may overflow or vanish."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["RowWeights", "combine_weights", "equal_weights", "relative_weights", "weight_shares"]

RowWeights: TypeAlias = NDArray[np.float64] | None
"""Of rows (n,), on the host; None: all rows count the same."""


def equal_weights(rows: int, value: float = 1.0, /) -> NDArray[np.float64]:
    """The same weight for every row, (rows,), in the memory of one: it may not be written to."""
    return np.broadcast_to(np.float64(value), rows)


def relative_weights(weight: Any, /) -> NDArray[np.float64]:
    """Weights in units of the largest one, float64, which is 1 over the last axis; host data (..., n).

    Weights that are all 0 stay 0, and NaN or infinite ones make NaN: whoever takes weights has checked them.
    """
    values = np.asarray(weight, dtype=np.float64)
    largest = np.abs(values).max(axis=-1, keepdims=True, initial=0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(values / np.where(largest == 0, 1.0, largest))


def weight_shares(weight: Any, /) -> NDArray[np.float64]:
    """Weights >= 0 that sum to 1 over the last axis, float64; host data (..., n), finite and not all 0.

    The largest one is divided by first: weights such as inverse variances may have a sum that no floating-point
    number holds, or be so small that their sum is subnormal. Shares of `equal_weights` take no memory either.

    >>> weight_shares([1e308, 1e308, 2e-308]).tolist()
    [0.5, 0.5, 0.0]
    """
    if isinstance(weight, np.ndarray) and weight.strides == (0,) and weight.any():
        return equal_weights(len(weight), 1.0 / len(weight))
    relative = relative_weights(weight)
    return np.asarray(relative / relative.sum(axis=-1, keepdims=True))


def combine_weights(first: Any, second: Any, /) -> NDArray[np.float64]:
    """The products of two weights of each row (n,), in smaller or larger units where no floating-point number holds

    them: only their ratios are right then.
    """
    first, second = (np.asarray(one, dtype=np.float64) for one in (first, second))
    with np.errstate(over="ignore", under="ignore"):
        product = first * second
        largest = float(np.abs(product).max(initial=0.0))
        if np.finfo(np.float64).tiny / np.finfo(np.float64).eps < largest < np.inf:
            return np.asarray(product)
        return np.asarray(relative_weights(first) * relative_weights(second))
