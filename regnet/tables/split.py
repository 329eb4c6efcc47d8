"""A table split into rows to train on and rows held out, encoded and standardised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.config import get_config
from regnet.mathematics.scaling import Affine, scale_of, unscaled
from regnet.tables.table import Table

__all__ = ["Prepared", "prepare_table"]

NAMED = 10
"""Constant inputs that are named in the terminal."""


@final
@dataclass(frozen=True)
class Prepared:
    """A table ready to train on: rows split, inputs and real targets standardised by the training rows.

    affine: what that did, which takes a network back to the table's own units. constant: names of the inputs that hold
    one value in the training rows; where inputs are standardised they are 0 in every row.
    """

    x_train: NDArray[Any]
    x_test: NDArray[Any]
    y_train: NDArray[Any]
    y_test: NDArray[Any]
    classes: list[Any] | None
    affine: Affine
    constant: list[str]

    @property
    def left_out(self) -> str:
        """A line for the terminal that names the constant inputs; empty where there are none."""
        if not self.constant:
            return ""
        more = f" and {len(self.constant) - NAMED} more" if len(self.constant) > NAMED else ""
        return f"left out, because they hold one value in all rows to train: {', '.join(self.constant[:NAMED])}{more}\n"


def prepare_table(
    table: Table,
    *,
    test_size: float,
    seed: int,
    scale_inputs: bool,
    scale_target: bool,
) -> Prepared:
    """Split, encode and standardise, in float64; what is standardised gets REGNET_DTYPE after that.

    A clock of 1.7e9 seconds has a spacing of 128 in float32. Rows that come in random order already are split
    where they lie. Raises ValueError for one class only, or for a split that leaves a side empty.
    """
    classes, y = _encode(table)
    train, test = _split(y, classes, test_size=test_size, seed=seed, shuffled=table.shuffled)
    dtype, x, equal = get_config().dtype, np.asarray(table.x), np.ones(len(train))
    of_x, of_y = scale_of(x[train], equal), unscaled(1)
    constant = [name for name, same in zip(table.feature_names, of_x.constant, strict=True) if same]
    if scale_target and not classes:
        of_y = scale_of(y[train, None], equal)
    affine = Affine.of(of_x if scale_inputs else unscaled(x.shape[1]), of_y)
    if scale_inputs:
        x = affine.standardise_inputs(x).astype(dtype)
    if scale_target and not classes:
        y = affine.standardise_targets(y[:, None])[:, 0].astype(dtype)
    return Prepared(x[train], x[test], y[train], y[test], classes, affine, constant)


def _encode(table: Table) -> tuple[list[Any] | None, NDArray[Any]]:
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
