"""Columns of text as inputs: one column of zeros and ones for each of their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column

__all__ = ["FEW_LEVELS", "ROWS_OF_A_LEVEL", "Level", "columns_of_levels", "level_columns", "levels_of", "most_levels"]

FEW_LEVELS = 10
"""Different values that a column of text may always have, if they are at most half as many as the rows."""

ROWS_OF_A_LEVEL = 5
"""Beyond that a value must stand in as many rows, on average, as this: each is an input with weights of its own."""


class Level(NamedTuple):
    """A value of a column of text, which is an input of its own."""

    factor: str
    value: str


def levels_of(column: Column, /) -> tuple[str, ...] | None:
    """The values of a column of text, sorted; None where they are no levels of a factor.

    A cell that is a number speaks for numbers that somebody mistyped, an empty one for a value that is missing; one
    value says nothing, and a name for every row nothing of other rows.
    """
    if column.kind != "text" or column.numbers or len(column.missing):
        return None
    levels = sorted(set(column.values.tolist()))
    return tuple(levels) if 1 < len(levels) <= most_levels(len(column.values)) else None


def most_levels(rows: int) -> float:
    """How many different values a column of text may have that are levels of a factor."""
    return min(max(FEW_LEVELS, rows / ROWS_OF_A_LEVEL), rows / 2)


def level_columns(factors: Mapping[str, tuple[str, ...]], /) -> dict[str, Level]:
    """What each column of levels stands for, by its name.

    >>> level_columns({"site": ("north", "south")})["site=south"].value
    'south'
    """
    return {f"{factor}={value}": Level(factor, value) for factor, values in factors.items() for value in values}


def columns_of_levels(name: str, cells: NDArray[np.object_], levels: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """By the names of `level_columns`, 1 in the rows (n,) that have the value, else 0."""
    return {column: (cells == one.value).astype(np.float64) for column, one in level_columns({name: levels}).items()}
