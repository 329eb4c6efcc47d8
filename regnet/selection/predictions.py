"""What the folds' networks predict for the rows that they hold out, kept while a sweep is scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from regnet.estimators.targets import ClassTargets
from regnet.mathematics.losses import get_loss
from regnet.sweep.blocks import half_of_free
from regnet.sweep.spec import Cell, SweepSpec

__all__ = ["Predictions", "check_room", "folds_of_rows"]


def folds_of_rows(held_out: Sequence[NDArray[np.int64]], rows: int, /) -> NDArray[np.int64]:
    """The number of the fold that holds each row out, (rows,), -1 for none.

    held_out: row numbers by fold. Where some row is held out more than once, (rows, most): each row's folds, ascending,
    then -1.

    >>> folds_of_rows([np.array([0, 2]), np.array([3])], 4).tolist()
    [0, -1, 0, 1]
    >>> folds_of_rows([np.array([0, 1]), np.array([1])], 3).tolist()
    [[0, -1], [0, 1], [-1, -1]]
    """
    once = [np.unique(numbers) for numbers in held_out]
    count = np.zeros(rows, dtype=np.int64)
    found = np.full((rows, len(once)), -1, dtype=np.int64)
    for fold, numbers in enumerate(once):
        found[numbers, count[numbers]] = fold
        count[numbers] += 1
    most = max(1, int(count.max(initial=0)))
    return found[:, 0].copy() if most == 1 else found[:, :most].copy()  # no view, which keeps all of it


def _columns(spec: SweepSpec) -> int:
    """Columns of a prediction: outputs, or the probabilities that `predict_proba` has."""
    return spec.network.out_features + _is_binary(spec)


def _is_binary(spec: SweepSpec) -> bool:
    targets = spec.template._targets
    return isinstance(targets, ClassTargets) and targets.labels.kind == "binary"


def check_room(spec: SweepSpec, rows: int, memory_limit: int | None) -> None:
    """Raise ValueError where a sweep's predictions, by fold and then by row, take more than half of what is free, or

    more than `memory_limit` bytes.
    """
    held_out = sum(len(fold.test) for fold in spec.folds)
    need = 8 * len(spec.lambdas) * (held_out + rows) * _columns(spec)
    limit, whose = (half_of_free(), "half of what is free") if memory_limit is None else (memory_limit, "memory_limit")
    if need > limit:
        raise ValueError(
            f"keep_predictions=True takes about {need:,} bytes ({len(spec.lambdas)} strengths, {held_out} held-out "
            f"rows, {_columns(spec)} columns), more than {limit:,}, {whose}: give fewer strengths, a larger "
            "memory_limit, or keep_predictions=False."
        )


@final
class Predictions:
    """For each fold, its held-out rows' predictions at every strength, by the restart that stands for them.

    In the targets' units, and of classes their probabilities; NaN where the network diverged.
    """

    def __init__(self, spec: SweepSpec, chosen: NDArray[np.int64] | None = None) -> None:
        """chosen: restarts (strengths, folds) that are known beforehand; None: that of the smallest objective."""
        self._spec, self._chosen = spec, chosen
        shapes = [(len(spec.lambdas), len(fold.test), _columns(spec)) for fold in spec.folds]
        self._by_fold = [np.full(shape, np.nan) for shape in shapes]
        self._best: dict[tuple[int, int], tuple[float, int]] = {}

    def note(self, cells: Sequence[Cell], outputs: NDArray[np.float64], objectives: NDArray[np.float64]) -> None:
        """Of networks of one fold: outputs (K, n, outputs) in the targets' units, penalised training objectives (K,).

        They may come in any order: of equal objectives the first restart counts, as in `Collector.chosen`.
        """
        values = get_loss(self._spec.network.loss).predict(outputs)
        values = np.concatenate([1.0 - values, values], axis=-1) if _is_binary(self._spec) else values
        for cell, value, objective in zip(cells, values, objectives.tolist(), strict=True):
            place, rank = (cell.strength, cell.fold), (objective, cell.restart)
            if self._chosen is not None:
                stands = cell.restart == self._chosen[place]
            else:
                stands = rank < self._best.get(place, (float("inf"), 0))
            if stands:
                self._best[place] = rank
                self._by_fold[cell.fold][cell.strength] = value

    def by_row(self, rows: int) -> NDArray[np.float64]:
        """(strengths, rows, columns): of rows held out several times the mean, NaN of others; `note` is over then."""
        total, count = np.zeros((len(self._spec.lambdas), rows, _columns(self._spec))), np.zeros(rows)
        for fold in self._spec.folds[::-1]:
            for strength, values in enumerate(self._by_fold.pop()):
                np.add.at(total[strength], fold.test, values)
            np.add.at(count, fold.test, 1.0)
        with np.errstate(invalid="ignore"):
            total /= np.where(count > 0, count, np.nan)[:, None]
        return total
