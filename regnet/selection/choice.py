"""Which strength a curve of cross-validated scores speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.weighting import weight_shares

__all__ = ["RULES", "Choice", "Rival", "choose", "fold_weights", "repeats_of", "rival_of"]

RULES = ("1se", "paired", "min")
"""What may choose a strength, from the one that keeps the fewest inputs to the one that keeps the most."""

FLAT = 0.01
"""Of a standard error, by which the next strength is worse: by less where hardly any penalty is as good as none."""


class Choice(NamedTuple):
    """mean, se: of each strength's scores over folds, (strengths,); paired_se: of the difference of two strengths'

    scores, (strengths, strengths); best, one_se, paired: numbers of the strengths that the rules choose.
    """

    mean: NDArray[np.float64]
    se: NDArray[np.float64]
    paired_se: NDArray[np.float64]
    best: int
    one_se: int
    paired: int

    def by(self, select: str) -> int:
        """The number that a rule chooses."""
        return {"min": self.best, "1se": self.one_se, "paired": self.paired}[select]

    @property
    def rises_to_the_end(self) -> bool:
        """Whether the weakest strength is the best, and by more than a flat end of the curve would have it."""
        return self.best == 0 and len(self.mean) > 1 and bool(self.mean[0] - self.mean[1] > FLAT * self.se[0])


def choose(scores: Any, /, *, weight: Any = None, repeats: float = 1.0) -> Choice:
    """The best strength, and the strongest ones within a standard error of it: of its score, or of their difference.

    scores: (strengths, folds), strengths ascending, higher is better, NaN where a network diverged; weight: of the
    folds' held-out rows, (folds,), None for equal ones; repeats: how often a row is held out (`repeats_of`).

        mean = sum_k w_k s_k / sum_k w_k,  se^2 = sum_k w_k (s_k - mean)^2 / sum_k w_k / (N - 1),  N = folds / repeats

    as cv.glmnet has them for N folds; for equal weights se is s / sqrt(N) with s of N - 1 degrees of freedom. Splits
    that hold out the same rows again say little more of how another table would score, so they do not count in N.
    'paired' asks a strength's own difference to the best: what makes a fold hard is hard for both, and cancels in

        d_k = s_k(best) - s_k(strength):    mean of d <= its standard error, by the same formula

    Standard errors are 0, which means unknown, for N of 1 or less. A strength at which a fold has no score is not
    chosen. Raises ValueError if there is none left. Sources: Breiman, Friedman, Olshen, Stone (1984), 3.4.3; Friedman,
    Hastie, Tibshirani, J. Stat. Software 33 (2010).

    >>> found = choose([[0.9, 0.7], [0.8, 0.78], [0.78, 0.64]])
    >>> [found.by(rule) for rule in RULES]
    [2, 1, 0]
    >>> choose([[0.9, 0.7], [0.8, 0.78], [0.7, 0.66]], weight=[1, 999]).best
    1
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
    se, paired_se = np.zeros(len(mean)), np.zeros((len(mean), len(mean)))
    if freedom > 0:
        deviations = folds - mean[:, None]
        se = np.sqrt(deviations**2 @ share / freedom)
        paired_se = np.stack([np.sqrt((own - deviations) ** 2 @ share / freedom) for own in deviations])
    best = _best(mean)
    one_se, paired = (_strongest(mean, best, within) for within in (se[best], paired_se[best]))
    return Choice(mean, se, paired_se, best, one_se, paired)


def _best(mean: NDArray[np.float64]) -> int:
    """Of equals the strongest."""
    return int(np.flatnonzero(mean == np.nanmax(mean)).max())


def _strongest(mean: NDArray[np.float64], best: int, within: Any) -> int:
    """The strongest that is no further below the best than `within`."""
    return int(np.flatnonzero(mean >= mean[best] - within).max())


class Rival(NamedTuple):
    """strength: the number of the one that would be chosen instead if one mean score moved by `margin` standard errors

    of the best one's; -1 and infinity if no move does that, or the standard error is unknown.
    """

    strength: int
    margin: float


def rival_of(choice: Choice, select: str, /) -> Rival:
    """Which choice is the nearest to the one that was made by this rule.

    >>> choice = choose([[0.70, 0.74], [0.80, 0.84], [0.785, 0.825], [0.777, 0.817]])
    >>> rival = rival_of(choice, "1se")
    >>> (choice.best, choice.one_se), (rival.strength, round(rival.margin, 6))
    ((1, 2), (3, 0.15))
    """
    mean, unit, count = choice.mean, choice.se[choice.best], len(choice.mean)
    # How far below the best a strength may be and still be chosen, (best, strength).
    within = {
        "min": np.zeros((count, count)), "1se": np.repeat(choice.se[:, None], count, axis=1), "paired": choice.paired_se
    }[select]  # fmt: skip
    made, nearest, numbers = choice.by(select), Rival(-1, float("inf")), np.arange(count)
    for number in np.flatnonzero(np.isfinite(mean)) if unit > 0 else ():
        rest = np.where(numbers == number, np.nan, mean)
        if not np.isfinite(rest).any():
            continue
        best = _best(rest)
        # Where the moved mean meets the others' best, their threshold, or has a threshold that meets another mean.
        meets = np.concatenate([[mean[best], mean[best] - within[best, number]], rest + within[number]])
        meets = meets[np.isfinite(meets)]
        moved = np.concatenate([meets - 1e-9 * unit, meets + 1e-9 * unit])
        margins = np.abs(moved - mean[number]) / unit
        moved, margins = moved[margins < nearest.margin], margins[margins < nearest.margin]
        wins = (moved > mean[best])[:, None]
        limits = np.where(wins, moved[:, None] - within[number], mean[best] - within[best])
        chosen = np.where(np.where(numbers == number, moved[:, None], mean) >= limits, numbers, -1).max(axis=1)
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
