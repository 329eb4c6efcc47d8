"""From `cv` to the rows of every fold, and whether the order of the rows is at work in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import rankdata
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

from regnet.backend.placement import to_host
from regnet.display.warning import warn

__all__ = ["blocks_differ", "make_splits"]

Split: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]

FALSE_ALARMS = 1e-6
SHARE = 0.05
"""Of the target's variance: what lies between the folds' means before it is worth a warning."""

FEWEST = 5
"""Rows a fold, on average, that have another value than the most frequent one: below, F has no such tail as we need."""


def make_splits(cv: Any, y: Any, given: Mapping[str, Any] | None, /, *, classifier: bool, seed: int) -> list[Split]:
    """The (training rows, held-out rows) of every fold.

    cv: folds, an integer or None (5), are drawn at random by `seed`, as `cv.glmnet` draws them: (Stratified)KFold with
    shuffle=True and random_state=seed. A splitter is taken as it is, and an iterable of splits too. y: (n,) or (n,
    outputs); given: what else the splitter is given, such as groups. Warns if a splitter that does not shuffle meets
    rows whose order goes with y. Raises ValueError for an integer below two, or above the number of rows (of every
    class), for no folds, and for a fold without held-out rows.
    """
    splitter = check_cv(cv, y, classifier=classifier)
    if cv is None or isinstance(cv, Integral):
        splitter = type(splitter)(splitter.n_splits, shuffle=True, random_state=seed)
    made = list(splitter.split(np.arange(len(y))[:, None], y, **(given or {})))
    splits = [
        (_row_numbers(train, len(y), number, "training"), _row_numbers(test, len(y), number, "held-out"))
        for number, (train, test) in enumerate(made)
    ]
    if not splits:
        raise ValueError(f"cv={cv!r} makes no folds: give training and held-out rows of at least one.")
    empty = [number for number, (_, test) in enumerate(splits) if not len(test)]
    if empty:
        raise ValueError(f"cv: fold {empty[0]} has no held-out rows, so nothing can be scored there: leave it out.")
    # Others that take neighbours together (GroupKFold, TimeSeriesSplit, a list of splits) were meant to.
    unshuffled = isinstance(splitter, KFold | StratifiedKFold) and not splitter.shuffle
    if unshuffled and blocks_differ(y, [test for _, test in splits], classifier=classifier):
        warn(
            f"cv={cv!r} takes the rows in their order, and that goes with y: the folds' {_what(y, classifier)} differ "
            f"far beyond chance, so that every network is scored on rows unlike those it learnt from. Use cv="
            f"{len(splits)} or {type(splitter).__name__}({len(splits)}, shuffle=True, random_state=0), which draw the "
            "folds at random; or TimeSeriesSplit, if the rows are in the order of time."
        )
    return splits


def _row_numbers(rows: Any, count: int, fold: int, part: str) -> NDArray[np.int64]:
    """The numbers of the rows that a splitter names, by number or as a boolean mask. Raises ValueError for others."""
    given = np.asarray(to_host(rows))
    if given.dtype.kind == "b" and given.shape == (count,):
        return np.flatnonzero(given)
    if given.ndim != 1 or (given.dtype.kind not in "iu" and given.size):
        raise ValueError(
            f"cv: the {part} rows of fold {fold} have shape {given.shape} and type {given.dtype}: give row numbers, or "
            f"a boolean mask of shape ({count},)."
        )
    if given.size and (given.min() < 0 or given.max() >= count):
        raise ValueError(
            f"cv: the {part} rows of fold {fold} are numbered {given.min()} to {given.max()}, but there are {count} "
            f"rows: give numbers from 0 to {count - 1}."
        )
    return given.astype(np.int64)


def _what(y: Any, classifier: bool) -> str:
    return "shares of classes" if classifier else f"mean{'s' if np.ndim(y) > 1 else ''} of y"


def blocks_differ(y: Any, blocks: Sequence[NDArray[np.int64]], /, *, classifier: bool) -> bool:
    """Whether the blocks of a partition of the rows differ in y by more than a random partition would.

    One-way analysis of variance of each output's ranks, or of each class's indicator: F = (S_b / (k - 1)) / (S_w / (n -
    k)), with S_b between the k blocks and S_w within. True where p < 1e-6 (divided by the number of outputs or
    classes) and S_b is 5 % of S_b + S_w. Blind where fewer than 5 rows a block differ from the most frequent value.
    Source: Conover, Iman, The American Statistician 35 (1981), for F on ranks beside Kruskal and Wallis.
    """
    columns = _columns(np.asarray(y), classifier)
    sizes = np.array([len(block) for block in blocks])
    number, count = int(sizes.sum()), len(blocks)
    if count < 2 or number <= count:
        return False
    rows = np.concatenate(list(blocks))
    for column in columns:
        values, frequencies = np.unique(column, return_counts=True)
        if len(values) < 2 or number - frequencies.max() < FEWEST * count:
            continue
        ranks = rankdata(column)[rows]
        deviation = ranks - ranks.mean()
        means = np.add.reduceat(deviation, np.r_[0, sizes.cumsum()[:-1]]) / sizes
        between, total = sizes @ means**2, deviation @ deviation
        within = max(total - between, 1e-12 * total)
        p = f_distribution.sf((between / (count - 1)) / (within / (number - count)), count - 1, number - count)
        if p < FALSE_ALARMS / len(columns) and between > SHARE * total:
            return True
    return False


def _columns(y: NDArray[Any], classifier: bool) -> list[NDArray[Any]]:
    """What is compared, one row number after another: outputs or labels, or indicators of classes (of two, one)."""
    if y.ndim > 1:
        return list(y.T)
    if not classifier:
        return [y]
    classes, codes = np.unique(y, return_inverse=True)
    return [codes == code for code in range(len(classes) if len(classes) > 2 else 1)]
