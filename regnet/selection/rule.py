"""Which strength a curve of cross-validated scores speaks for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Choice", "choose"]


class Choice(NamedTuple):
    """mean, se: of each strength's scores over folds, (strengths,); best, one_se: numbers of two strengths."""

    mean: NDArray[np.float64]
    se: NDArray[np.float64]
    best: int
    one_se: int


def choose(scores: Any, /) -> Choice:
    """The best strength, and the strongest one whose mean score is within one standard error of the best.

    scores: (strengths, folds, restarts), strengths ascending, higher is better, NaN for networks that diverged.
    A fold's score is the mean over its restarts; the standard error is that of the mean over folds,
    s / sqrt(folds) with s of folds - 1 degrees of freedom (0 for one fold). A strength at which a fold has no score
    is not chosen. Raises ValueError if there is none left. Source: Breiman, Friedman, Olshen, Stone (1984), 3.4.3.

    >>> choose([[[0.9], [0.7]], [[0.8], [0.78]], [[0.7], [0.66]]])[2:]
    (0, 1)
    """
    values = np.asarray(scores, dtype=np.float64)
    present = np.isfinite(values)
    counts = present.sum(axis=2)
    totals = np.where(present, values, 0.0).sum(axis=2)
    folds = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
    mean = folds.mean(axis=1)
    count = folds.shape[1]
    se = folds.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(len(mean))
    if not np.isfinite(mean).any():
        fold = int(np.argmax(~np.isfinite(folds).any(axis=0)))
        raise ValueError(
            f"No strength has a score on every fold (first without one: fold {fold}): either its networks diverged "
            "(lower learning_rate_init, or standardise the inputs), or the scorer gave NaN for its held-out rows."
        )
    best = int(np.flatnonzero(mean == np.nanmax(mean)).max())  # of equals the strongest
    within = np.flatnonzero(mean >= mean[best] - se[best])
    return Choice(mean, se, best, int(within.max()))
