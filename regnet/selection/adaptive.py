"""Adaptive weights: a penalty that is stronger on the inputs which a pilot used less."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["adaptive_factors"]

SMALLEST = 1e-3
"""Relative norm below which inputs are not told apart: the largest factor is 1 / SMALLEST."""


def adaptive_factors(norms: Any, /) -> NDArray[np.float64]:
    """Penalty factors max_j ||w_j|| / ||w_i|| >= 1 of the inputs, for each fold's own pilot.

    norms: ||w_i|| of the pilot's first layer, (folds, in). 1 for all inputs of a pilot that used none. Source: Zou,
    JASA 101 (2006); for groups, Wang & Leng, CSDA 52 (2008).
    """
    norms = np.asarray(norms, dtype=np.float64)
    largest = norms.max(axis=-1, keepdims=True)
    relative = np.where(largest > 0, norms / np.where(largest > 0, largest, 1.0), 1.0)
    return np.asarray(1.0 / np.maximum(relative, SMALLEST))
