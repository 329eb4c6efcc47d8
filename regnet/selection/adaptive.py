"""Adaptive weights: a penalty that is stronger on the inputs which a pilot used less."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.estimators.grouping import Grouping

__all__ = ["adaptive_factors"]

SMALLEST = 1e-3
"""Relative norm below which inputs are not told apart: the largest factor is 1 / SMALLEST."""


def adaptive_factors(
    norms: Any, /, *, groups: Grouping | None = None, factors: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:  # fmt: skip
    """Penalty factors max_j ||w_j|| / ||w_i|| >= 1 of the inputs, for each fold's own pilot, times the user's own.

    norms: ||w_i|| of the pilot's first layer, (folds, in). A group's norm is the root mean square of its inputs', so
    that its size, which the penalty has in it already, makes it neither weaker nor stronger. factors: the user's,
    (in,): the largest norm is that of an input which is penalised. 1 for all inputs of a pilot that used none. Source:
    Zou, JASA 101 (2006); for groups, Wang & Leng, CSDA 52 (2008).
    """
    norms = np.asarray(norms, dtype=np.float64)
    if groups is not None:
        numbers, sizes = groups.numbers, np.bincount(groups.numbers)
        norms = np.sqrt(np.stack([(np.bincount(numbers, own) / sizes)[numbers] for own in norms**2]))
    counted = norms if factors is None else norms[:, np.isfinite(factors) & (factors > 0)]
    largest = counted.max(axis=-1, keepdims=True)
    relative = np.where(largest > 0, norms / np.where(largest > 0, largest, 1.0), 1.0)
    found = 1.0 / np.maximum(relative, SMALLEST)
    return np.asarray(found if factors is None else found * factors)
