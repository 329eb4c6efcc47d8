"""A command-line selection: a table in, a cross-validated sweep, what it found as text, figures and files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, PredefinedSplit

from regnet.commands.inputs import Inputs
from regnet.selection import MLPClassifierCV, MLPRegressorCV
from regnet.tables.encoder import TableEncoder
from regnet.tables.encoding import EncodedColumn
from regnet.tables.split import Split, split_rows
from regnet.tables.table import Table

__all__ = ["Selection", "choose_strength", "folds_of"]


FEW_FOLDS = 20
"""Different values of --fold that are folds themselves; where there are more, --cv folds are made of them."""


@final
@dataclass(frozen=True)
class Selection:
    """A finished selection.

    test_score: accuracy or R2 on the held-out rows, None if there are fewer than 2; seconds: of the sweep.
    """

    data: str
    inputs: Inputs
    split: Split
    fitted: MLPClassifierCV | MLPRegressorCV
    seed: int
    seconds: float
    test_score: float | None

    @property
    def score_name(self) -> str:
        """What is compared: the scoring's name."""
        return str(self.fitted.scoring_)

    @property
    def table(self) -> Table:
        """The table, with the inputs that were not left out."""
        return self.inputs.table

    @property
    def columns(self) -> tuple[EncodedColumn, ...]:
        """What becomes of each column of the table, with what stands for missing values."""
        found: tuple[EncodedColumn, ...] = self.fitted.best_estimator_[0].columns_
        return found

    @property
    def selected(self) -> list[str]:
        """The names of the inputs, or groups of them, that the chosen network uses."""
        return self.inputs.used(self.fitted.selected_features_.tolist())

    @property
    def n_selected(self) -> NDArray[np.int64]:
        """How many of them are used at each strength, (strengths,)."""
        grouped = self.inputs.labels is not None
        return np.asarray(self.fitted.n_selected_groups_ if grouped else self.fitted.n_selected_)


def choose_strength(
    data: str,
    inputs: Inputs,
    *,
    folds: int,
    test_size: float,
    seed: int,
    begin: Callable[[Split], None] = lambda split: None,
    **settings: Any,
) -> Selection:
    """Split the table, and run the sweep on the rows that are not held out.

    begin: called before the sweep; settings: of the estimator.

    Without held-out rows the folds and first weights are those of `MLPClassifierCV` or `MLPRegressorCV` with cv=folds
    and random_state=seed on the table encoded by `TableEncoder`, in each fold by its own rows. Raises ValueError for
    what cannot be trained on.
    """
    table = inputs.table
    split = split_rows(table, test_size=test_size, seed=seed)
    kind = MLPClassifierCV if split.classes else MLPRegressorCV
    if table.task == "counts":
        settings["loss"] = "poisson"
    encoder = TableEncoder(missing="impute" if table.impute else "error", columns=table.columns)
    settings |= {"input_groups": inputs.labels, "penalty_factor": inputs.factors}
    fitted = kind(cv=_splitter(table, split, folds, seed), random_state=seed, verbose=True, preprocessor=encoder,
                  **settings)  # fmt: skip
    begin(split)
    weight = None if table.weight is None else table.weight[split.train]
    given = {"groups": table.fold[split.train]} if table.fold is not None and _are_groups(table.fold) else {}
    started = time.perf_counter()
    fitted.fit(table.frame.take(split.train), split.y[split.train], weight, **given)
    seconds = time.perf_counter() - started
    score = None
    if len(split.test) > 1:
        weight = None if table.weight is None else table.weight[split.test]
        score = fitted.score(table.frame.take(split.test), split.y[split.test], weight)
    return Selection(data, inputs, split, fitted, seed, seconds, score)


def folds_of(table: Table, folds: int) -> str:
    """The folds in words."""
    if table.fold is None:
        return f"{folds} folds"
    count = len(np.unique(table.fold))
    return f"{folds} folds of {count} groups" if _are_groups(table.fold) else f"the {count} folds of the table"


def _are_groups(fold: NDArray[Any]) -> bool:
    return len(np.unique(fold)) > FEW_FOLDS


def _splitter(table: Table, split: Split, folds: int, seed: int) -> Any:
    """What makes the folds: their number, or a splitter by the column of --fold. Raises ValueError."""
    if table.fold is None:
        _check_folds(split, folds)
        return folds
    fold = table.fold[split.train]
    if not _are_groups(table.fold):
        found = PredefinedSplit(fold)
        _check_classes(split, found.split())
        return found
    count = len(np.unique(fold))
    if folds > count:
        raise ValueError(f"--cv {folds}: the column of --fold has {count} different values only: take --cv {count}.")
    found = GroupKFold(folds, shuffle=True, random_state=seed)
    _check_classes(split, found.split(fold, groups=fold))
    return found


def _check_classes(split: Split, folds: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> None:
    """Raise ValueError, in the table's terms, where one of the folds of --fold has all rows of a class."""
    classes, y = split.classes or [], split.y[split.train]
    for rows, _ in folds if classes else ():
        unlearnt = np.setdiff1d(y, y[rows])
        if len(unlearnt):
            raise ValueError(
                f"--fold: all rows of the class {classes[unlearnt[0]]!r} are in one fold, so that no network can learn "
                "it where this fold is held out: leave the class out, or have rows of it in other folds."
            )


def _check_folds(split: Split, folds: int) -> None:
    """Raise ValueError, in the table's terms, where a fold would hold out no row or all rows of a class."""
    rows, y = len(split.train), split.y[split.train]
    if folds > rows:
        held_out = f" beside {len(split.test)} held out" if len(split.test) else ""
        raise ValueError(f"--cv {folds}: the table has {rows} rows{held_out}; a fold needs at least one.")
    counts = np.bincount(y) if split.classes else np.empty(0)
    if len(counts) and folds > counts.max():
        raise ValueError(f"--cv {folds}: the commonest class has {counts.max()} rows to train on: take fewer folds.")
    for label, count in zip(split.classes or (), counts, strict=True):
        if count < 2:
            raise ValueError(
                f"One row to train on has the class {label!r}, so no network can learn it in the fold that holds this "
                "row out: have more rows of that class, or leave it out."
            )
