"""What a solver that looks at all rows returns."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.types import Array

__all__ = [
    "CONVERGED",
    "ENDS",
    "HALTED",
    "LIMIT",
    "NOT_FINITE",
    "RUNNING",
    "STUCK",
    "Counts",
    "Mask",
    "Numbers",
    "Solution",
]

RUNNING, CONVERGED, LIMIT, STUCK, NOT_FINITE, HALTED = -1, 0, 1, 2, 3, 4
ENDS = {
    CONVERGED: (0, "CONVERGENCE: SUBGRADIENT <= TOL"),
    LIMIT: (1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"),
    STUCK: (2, "ABNORMAL: ROUNDING ERRORS PREVENT PROGRESS"),
    NOT_FINITE: (2, "ABNORMAL: THE FUNCTION IS NOT FINITE AT THE START"),
    HALTED: (1, "STOP: CALLBACK REQUESTED HALT"),
}
"""How a minimisation of a function with a penalty ends: the status, and what to say of it."""


Numbers: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
"""What a solver knows on the host; mostly one entry per function, (K,)."""


class Solution(NamedTuple):
    """The end of a minimisation of K functions of d variables each.

    point: (K, d), on the device. On the host, one entry per function: value (the objective; NaN where it
    or its gradient was not finite at the start); stationarity (sup norm of the gradient, or of a subgradient, at
    point; inf where no step was taken); iterations; evaluations; status (0 converged, 1 limit reached, 2 no progress
    possible); messages.
    """

    point: Array
    value: Numbers
    stationarity: Numbers
    iterations: Counts
    evaluations: Counts
    status: Counts
    messages: tuple[str, ...]
