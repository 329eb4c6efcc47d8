"""A table split into rows to train on and rows held out, encoded and standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.config import get_config
from regnet.mathematics.scaling import Affine, Scaling, scale_of, unscaled
from regnet.tables.encoding import EncodedColumn, encode, filled
from regnet.tables.table import Table, short

__all__ = ["Prepared", "Split", "prepare_table", "split_rows"]


class Split(NamedTuple):
    """Numbers of the rows to train on and of those held out; y (n,): class numbers, or values; classes: labels."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    y: NDArray[Any]
    classes: list[Any] | None


@final
@dataclass(frozen=True)
class Prepared:
    """A table ready to train on: rows split, inputs and real targets standardised by the training rows.

    columns: what becomes of each of the table's, with what stands for missing values, of the training rows; affine:
    what standardising did, which takes a network back to the table's own units. constant: names of the inputs that hold
    one value in the training rows; where inputs are standardised they are 0 in every row.
    """

    x_train: NDArray[Any]
    x_test: NDArray[Any]
    y_train: NDArray[Any]
    y_test: NDArray[Any]
    classes: list[Any] | None
    columns: tuple[EncodedColumn, ...]
    affine: Affine
    constant: list[str]
    weight_train: NDArray[np.float64] | None = None
    weight_test: NDArray[np.float64] | None = None

    @property
    def left_out(self) -> str:
        """A line for the terminal that names the constant inputs; empty where there are none."""
        if not self.constant:
            return ""
        return f"left out, because they hold one value in all rows to train: {short(self.constant)}\n"


def prepare_table(table: Table, *, test_size: float, seed: int, scale_inputs: bool, scale_target: bool) -> Prepared:
    """Split, encode and standardise, in float64; what is standardised gets REGNET_DTYPE after that.

    A clock of 1.7e9 seconds has a spacing of 128 in float32. A column at a time, so that no second table is held.
    Rows that come in random order already are split where they lie. Raises ValueError for one class only, or for a
    split that leaves a side empty.
    """
    train, test, y, classes = split_rows(table, test_size=test_size, seed=seed)
    columns, x_train, x_test, of_x = _encoded(table, train, test, scaled=scale_inputs)
    names = table.feature_names
    constant = [name for name, same in zip(names, of_x.constant, strict=True) if same]
    of_y = unscaled(1)
    if scale_target and not classes:
        of_y = scale_of(y[train, None], _weight(table, train))
    affine = Affine.of(of_x if scale_inputs else unscaled(len(names)), of_y)
    if scale_target and not classes:
        y = affine.standardise_targets(y[:, None])[:, 0].astype(get_config().dtype)
    weight = (None, None) if table.weight is None else (table.weight[train], table.weight[test])
    return Prepared(x_train, x_test, y[train], y[test], classes, columns, affine, constant, *weight)


def split_rows(table: Table, *, test_size: float, seed: int) -> Split:
    """Which rows are held out, and the classes and their numbers. Raises ValueError for one class only."""
    classes, y = _class_numbers(table)
    if table.fold is not None and test_size:
        train, test = _split_groups(y, table.fold, classes, test_size=test_size, seed=seed)
    else:
        train, test = _split(y, classes, test_size=test_size, seed=seed, shuffled=table.shuffled)
    return Split(train, test, y, classes)


def _encoded(
    table: Table, train: NDArray[np.int64], test: NDArray[np.int64], *, scaled: bool
) -> tuple[tuple[EncodedColumn, ...], NDArray[Any], NDArray[Any], Scaling]:
    """What becomes of each column, the rows to train on and those held out, (n, inputs), and their scaling."""
    narrow = get_config().dtype if scaled else _own_type(table)
    width, weight = len(table.feature_names), _weight(table, train)
    x_train, x_test = np.empty((len(train), width), dtype=narrow), np.empty((len(test), width), dtype=narrow)
    columns, scalings, start = [], [], 0
    for learnt in table.columns:
        column = table.frame[learnt.name]
        one = filled(learnt, column.take(train)) if table.impute else learnt
        parts = slice(start, start + len(one.parts))
        values = encode(one, column)
        own = scale_of(values[train], weight)
        if scaled:
            values = Affine.of(own, unscaled(1)).standardise_inputs(values)
        x_train[:, parts], x_test[:, parts] = values[train], values[test]
        columns.append(one)
        scalings.append(own)
        start = parts.stop
    return tuple(columns), x_train, x_test, Scaling(*map(np.concatenate, zip(*scalings, strict=True)))


def _own_type(table: Table) -> str:
    """What is not standardised keeps the digits that it has: float32 where all columns are, else float64."""
    held = {table.frame[one.name].values.dtype for one in table.columns}
    return "float32" if held == {np.dtype("float32")} else "float64"


def _weight(table: Table, train: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the rows to train on. Raises ValueError where none counts."""
    weight = np.ones(len(train)) if table.weight is None else table.weight[train]
    if not weight.any():
        raise ValueError("All rows to train on have weight 0: hold fewer rows out, or give them weights.")
    return weight


def _class_numbers(table: Table) -> tuple[list[Any] | None, NDArray[Any]]:
    """The classes and their numbers (n,), or None and the values in float64."""
    name = table.target_name
    if table.task != "classification":
        return None, np.asarray(table.y, dtype=np.float64)
    labels = np.asarray([str(value) for value in table.y]) if table.y.dtype == object else table.y
    if labels.dtype.kind == "f" and (labels != np.round(labels)).any():
        raise ValueError(
            f"The target {name!r} holds {len(np.unique(labels))} different numbers, fractions among them: classes are "
            "names or whole numbers. Use --task regression."
        )
    found, numbers = np.unique(labels, return_inverse=True)
    classes: list[Any] = found.tolist()
    if len(classes) < 2:
        raise ValueError(f"The target {name!r} has one class only ({classes[0]!r}): nothing to learn.")
    return classes, numbers


def _split_groups(
    y: NDArray[Any], groups: NDArray[Any], classes: list[Any] | None, *, test_size: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of one group are on one side. Raises ValueError where too few groups, or classes, are left to train on."""
    from sklearn.model_selection import GroupShuffleSplit

    count = len(np.unique(groups))
    held_out = int(np.ceil(test_size * count))
    if count - held_out < 2:
        raise ValueError(
            f"--test-size {test_size:g} holds {held_out} of the {count} folds of --fold out whole, and two at least "
            "must be left: take a smaller share, or 0."
        )
    splitter = GroupShuffleSplit(1, test_size=held_out, random_state=seed)
    train, test = next(splitter.split(y, groups=groups))
    unseen = np.setdiff1d(y, y[train] if classes else y)
    if classes and len(unseen):
        raise ValueError(
            f"--test-size {test_size:g}: all rows of the class {classes[unseen[0]]!r} are in the folds that it holds "
            "out: take a smaller share, or have rows of it in more folds."
        )
    return train, test


def _split(
    y: NDArray[Any], classes: list[Any] | None, *, test_size: float, seed: int, shuffled: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The numbers of the rows to train on, and of those held out."""
    from sklearn.model_selection import train_test_split

    numbers = np.arange(len(y))
    if not test_size:
        return numbers, numbers[:0]
    if shuffled:
        train, test = np.split(numbers, [len(numbers) - round(test_size * len(numbers))])
        return train, test
    enough = round(test_size * len(y)) >= len(classes or ())
    stratify = y if classes and np.bincount(y).min() > 1 and enough else None
    train, test = train_test_split(numbers, test_size=test_size, random_state=seed, stratify=stratify)
    if classes:  # a class that only the held-out rows have could not be learnt
        unseen = ~np.isin(y[test], y[train])
        train, test = np.r_[train, test[unseen]], test[~unseen]
    return train, test
