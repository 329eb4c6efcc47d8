"""Which strength a curve of cross-validated scores speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.weighting import weight_shares

__all__ = ["Choice", "Rival", "choose", "fold_weights", "repeats_of", "rival_of"]


class Choice(NamedTuple):
    """mean, se: of each strength's scores over folds, (strengths,); best, one_se: numbers of two strengths."""

    mean: NDArray[np.float64]
    se: NDArray[np.float64]
    best: int
    one_se: int


def choose(scores: Any, /, *, weight: Any = None, repeats: float = 1.0) -> Choice:
    """The best strength, and the strongest one whose mean score is within one standard error of the best.

    scores: (strengths, folds), strengths ascending, higher is better, NaN where a network diverged; weight: of the
    folds' held-out rows, (folds,), None for equal ones; repeats: how often a row is held out (`repeats_of`).

        mean = sum_k w_k s_k / sum_k w_k,  se^2 = sum_k w_k (s_k - mean)^2 / sum_k w_k / (N - 1),  N = folds / repeats

    as cv.glmnet has them for N folds; for equal weights se is s / sqrt(N) with s of N - 1 degrees of freedom. Splits
    that hold out the same rows again say little more of how another table would score, so they do not count in N. se
    is 0, which means unknown, for N of 1 or less. A strength at which a fold has no score is not chosen. Raises
    ValueError if there is none left. Sources: Breiman, Friedman, Olshen, Stone (1984), 3.4.3; Friedman, Hastie,
    Tibshirani, J. Stat. Software 33 (2010).

    >>> choose([[0.9, 0.7], [0.8, 0.78], [0.7, 0.66]])[2:]
    (0, 1)
    >>> choose([[0.9, 0.7], [0.8, 0.78], [0.7, 0.66]], weight=[1, 999])[2:]
    (1, 1)
    >>> once, twice = choose([[0.9, 0.7]]), choose([[0.9, 0.7, 0.9, 0.7]], repeats=2.0)
    >>> bool(once.se[0] == twice.se[0])
    True
    """
    folds = np.asarray(scores, dtype=np.float64)
    folds = np.where(np.isfinite(folds), folds, np.nan)
    share = np.ones(folds.shape[1]) if weight is None else np.asarray(weight, dtype=np.float64)
    share = share / share.sum()
    mean = folds @ share
    if not np.isfinite(mean).any():
        fold = int(np.argmax(~np.isfinite(folds).any(axis=0)))
        raise ValueError(
            f"No strength has a score on every fold (first without one: fold {fold}): either its networks diverged "
            "(lower learning_rate_init, or standardise the inputs), or the scorer gave NaN for its held-out rows."
        )
    freedom = folds.shape[1] / repeats - 1.0
    se = np.sqrt((folds - mean[:, None]) ** 2 @ share / freedom) if freedom > 0 else np.zeros(len(mean))
    return Choice(mean, se, *_pick(mean, se))


def _pick(mean: NDArray[np.float64], se: NDArray[np.float64]) -> tuple[int, int]:
    best = int(np.flatnonzero(mean == np.nanmax(mean)).max())  # of equals the strongest
    return best, int(np.flatnonzero(mean >= mean[best] - se[best]).max())


class Rival(NamedTuple):
    """strength: the number of the one that would be chosen instead if one mean score moved by `margin` standard errors

    of the best one's; -1 and infinity if no move does that, or the standard error is unknown.
    """

    strength: int
    margin: float


def rival_of(choice: Choice, select: str, /) -> Rival:
    """Which choice is the nearest to the one that was made; select: 'min', or '1se'.

    >>> choice = choose([[0.70, 0.74], [0.80, 0.84], [0.785, 0.825], [0.777, 0.817]])
    >>> rival = rival_of(choice, "1se")
    >>> (choice.best, choice.one_se), (rival.strength, round(rival.margin, 6))
    ((1, 2), (3, 0.15))
    """
    mean, se, unit = choice.mean, choice.se, choice.se[choice.best]
    made, nearest = choice.best if select == "min" else choice.one_se, Rival(-1, float("inf"))
    numbers = np.arange(len(mean))
    for number in np.flatnonzero(np.isfinite(mean)) if unit > 0 else ():
        rest = np.where(numbers == number, np.nan, mean)
        if not np.isfinite(rest).any():
            continue
        best, _ = _pick(rest, se)
        # Where the moved mean meets the others' best, their threshold, or has a threshold that meets another mean.
        meets = np.concatenate([[mean[best], mean[best] - se[best]], rest[np.isfinite(rest)] + se[number]])
        moved = np.concatenate([meets - 1e-9 * unit, meets + 1e-9 * unit])
        margins = np.abs(moved - mean[number]) / unit
        moved, margins = moved[margins < nearest.margin], margins[margins < nearest.margin]
        wins = moved > mean[best]
        chosen = np.where(wins, number, best)
        if select == "1se":
            limit = np.where(wins, moved - se[number], mean[best] - se[best])
            within = np.where(numbers == number, moved[:, None], mean) >= limit[:, None]
            chosen = np.where(within, numbers, -1).max(axis=1, initial=-1)
        others = np.flatnonzero(chosen != made)
        if len(others):
            first = others[np.argmin(margins[others])]
            nearest = Rival(int(chosen[first]), float(margins[first]))
    return nearest


def repeats_of(held_out: Sequence[Any], /) -> float:
    """How often a row is held out, on average over the rows that are: 1 for folds, r for r times repeated ones.

    held_out: the numbers of each split's rows.

    >>> repeats_of([[0, 1], [2, 3], [0, 3], [1, 2]])
    2.0
    """
    every = np.concatenate([np.asarray(rows) for rows in held_out])
    return len(every) / len(np.unique(every))


def fold_weights(weights: Sequence[NDArray[np.float64]], /) -> NDArray[np.float64]:
    """The folds' shares of the weight of all held-out rows, (folds,), sum 1; weights: of each fold's rows, not all 0.

    >>> fold_weights([np.ones(3), np.full(2, 0.5)])
    array([0.75, 0.25])
    """
    parts = np.split(weight_shares(np.concatenate(weights)), np.cumsum([len(one) for one in weights])[:-1])
    return np.asarray([part.sum() for part in parts])
