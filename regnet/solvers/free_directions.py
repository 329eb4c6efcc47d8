"""Directions in which nothing changes: of coefficients without a penalty whose columns depend on each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import lapack

__all__ = ["anchored"]

SINGULAR = 100.0 * float(np.finfo(np.float64).eps)
"""Of the largest eigenvalue, for each of the coefficients: what is smaller is rounding."""


def anchored(matrix: Any, free: Any, /) -> Any:
    """A second derivative (m, m), and an anchor in the directions of free coefficients in which it is 0.

    free: boolean (m,), of coefficients without a penalty. Along such a direction, like the one that adds a number to
    all levels of a factor and takes it from the bias, neither loss nor penalty changes, and a Newton step would be
    what rounding makes of 0 / 0. With the anchor it is 0. A matrix without such directions is returned as it is.
    """
    index = np.flatnonzero(free & (matrix.diagonal() > 0.0))  # a column of zeros moves nothing, and is not moved
    count = len(index)
    if count < 2:
        return matrix
    block = matrix[np.ix_(index, index)]
    unit = np.sqrt(block.diagonal())
    scaled = block / unit[:, None] / unit
    lowered = scaled.copy()
    lowered.reshape(-1)[:: count + 1] -= SINGULAR * count
    if lapack.dpotrf(lowered, lower=1)[1] == 0:
        return matrix
    values, vectors = np.linalg.eigh(scaled)
    flat = vectors[:, values <= SINGULAR * count * max(float(values[-1]), 1.0)] / unit[:, None]
    flat, _ = np.linalg.qr(flat)
    found = matrix.copy()
    found[np.ix_(index, index)] += float(unit.max()) ** 2 * (flat @ flat.T)
    return found
