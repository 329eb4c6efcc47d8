"""How one column of a table becomes columns of a matrix: learnt from the column, kept as data, applied to others."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.tables.columns import Column, counts_rows

__all__ = [
    "KINDS",
    "EncodedColumn",
    "encode",
    "filled",
    "gone",
    "learn",
    "most_levels",
    "numbers_rows",
    "parts_of",
    "unseen",
]

KINDS = {"number": "numbers", "date": "dates", "duration": "durations", "factor": "text"}
"""What a column may hold, and the word for it."""

FEW_LEVELS = 10
"""Different values that a column of text may always have, if they are at most half as many as the rows."""

ROWS_OF_A_LEVEL = 5
"""Beyond that a value must stand in as many rows, on average, as this: each is an input with weights of its own."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)


@final
@dataclass(frozen=True)
class EncodedColumn:
    """How one column of a table becomes columns of a matrix; data alone, so that it can be saved as such.

    kind: 'number', 'date' (days since 1970), 'duration' (days) or 'factor'; levels: of a factor, each a column of 0 and
    1; fill: what stands where there is no value, the median or the commonest level; indicator: whether a further column
    is 1 there; day_first: of dates that are text, see `Column`.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    fill: float | str | None = None
    indicator: bool = False
    day_first: bool | None = None

    def __repr__(self) -> str:
        """What is not left at its default, levels cut short: scikit-learn shows all columns of an encoder.

        >>> EncodedColumn("age", "number"), EncodedColumn("site", "factor", tuple("abcdefgh"))
        (EncodedColumn('age', 'number'), EncodedColumn('site', 'factor', 8 levels))
        """
        told = [repr(self.name), repr(self.kind), *([f"{len(self.levels)} levels"] if self.levels else [])]
        told += [
            f"{name}={getattr(self, name)!r}"
            for name in ("fill", "indicator", "day_first")
            if getattr(self, name) not in (None, False)
        ]
        return f"EncodedColumn({', '.join(told)})"

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its columns in the matrix.

        >>> EncodedColumn("site", "factor", ("north", "south"), "north", indicator=True).parts
        ('site=north', 'site=south', 'site is missing')
        """
        own = tuple(f"{self.name}={level}" for level in self.levels) if self.kind == "factor" else (self.name,)
        return (*own, f"{self.name} is missing") if self.indicator else own

    def to_data(self) -> dict[str, Any]:
        """Its fields, for a file."""
        return asdict(self)

    @classmethod
    def of_data(cls, fields: Mapping[str, Any], /) -> Self:
        """That of a file's fields. Raises ValueError, TypeError or KeyError for what is none."""
        found = cls(**{**fields, "levels": tuple(fields["levels"])})
        is_factor, fill = found.kind == "factor", found.fill
        if not isinstance(found.name, str) or found.kind not in KINDS or type(found.indicator) is not bool:
            raise ValueError(f"a column {found.name!r} of {found.kind!r}")
        if found.day_first not in (None, False, True):
            raise ValueError(f"the order of day and month of {found.name!r}")
        if not all(isinstance(level, str) for level in found.levels) or is_factor != bool(found.levels):
            raise ValueError(f"the levels of {found.name!r}")
        if fill is not None and (fill not in found.levels if is_factor else type(fill) not in (int, float)):
            raise ValueError(f"{fill!r} in place of missing values of {found.name!r}")
        return found


def parts_of(columns: Iterable[EncodedColumn], /) -> dict[str, str]:
    """The table's column for each column of the matrix, in its order. Raises ValueError where two have one name."""
    found: dict[str, str] = {}
    for column in columns:
        for part in column.parts:
            if part in found:
                raise ValueError(f"a value of one column and another column are both {part!r}: rename one.")
            found[part] = column.name
    return found


def gone(column: Column, /) -> NDArray[np.bool_]:
    """Where there is no value, (n,)."""
    found = np.zeros(len(column.values), dtype=bool)
    found[column.missing] = True
    return found


def learn(
    name: str, column: Column, /, *, keep_row_numbers: bool = False, any_levels: bool = False
) -> EncodedColumn | str:
    """What becomes of a column, without what stands for missing values; or why it says nothing of other rows.

    any_levels: text is a factor, however many values it has.
    """
    absent, is_text = gone(column), column.kind == "text"
    present = column.values if not absent.any() else column.values[~absent]
    if not len(present):
        return "it has no values"
    levels = tuple(sorted(set(present.tolist()))) if is_text else ()
    same = len(levels) == 1 if is_text else bool((present == present[0]).all())
    if same and not absent.any():
        return "it is the same in every row"
    numbered = None if keep_row_numbers else numbers_rows(column)
    if numbered is not None:
        return numbered
    if not any_levels and len(levels) > most_levels(len(column.values)):
        return f"it has {len(levels)} different values in {len(column.values)} rows"
    kind, indicator = "factor" if is_text else column.kind, bool(absent.any())
    return EncodedColumn(name, kind, levels, indicator=indicator, day_first=column.day_first)


def numbers_rows(column: Column, /) -> str | None:
    """What to say of a column that counts the rows; None for any other."""
    first = counts_rows(column)
    return None if first is None else f"it numbers the rows ({first} to {first + len(column.values) - 1})"


def most_levels(rows: int) -> float:
    """How many different values a column of text may have that are levels of a factor."""
    return min(max(FEW_LEVELS, rows / ROWS_OF_A_LEVEL), rows / 2)


def filled(one: EncodedColumn, column: Column, /) -> EncodedColumn:
    """With what stands for its missing values: the median, or the commonest level, of several the first."""
    present = column.values[~gone(column)]
    if one.kind != "factor":
        return replace(one, fill=float(np.median(present.astype(np.float64))) if len(present) else 0.0)
    counts = dict.fromkeys(one.levels, 0)
    for value in present.tolist():
        counts[value] = counts.get(value, 0) + 1
    return replace(one, fill=max(one.levels, key=lambda level: counts[level]))


def encode(one: EncodedColumn, column: Column, /) -> NDArray[np.float64]:
    """The columns of the matrix, (n, parts); values that were not seen are 0 in all of them.

    Raises ValueError for a column of another kind, and for missing values that nothing stands for.
    """
    absent = gone(column)
    kind = "factor" if column.kind == "text" else column.kind
    if kind != one.kind and not absent.all():
        raise ValueError(
            f"the column {one.name!r} held {KINDS[one.kind]} in fit, and holds {KINDS.get(kind, kind)} here."
        )
    if one.fill is None and absent.any():
        raise ValueError(f"the column {one.name!r} has {int(absent.sum())} of {len(absent)} cells without a value")
    found = np.zeros((len(absent), len(one.parts)))
    if one.kind != "factor":
        found[~absent, 0] = column.values[~absent]
        found[absent, 0] = one.fill
    else:  # without any value it may seem to be of another kind
        codes = np.full(len(absent), -1) if absent.all() else _codes(one, column)
        codes[absent] = -1 if one.fill is None else one.levels.index(str(one.fill))
        rows = np.flatnonzero(codes >= 0)
        found[rows, codes[rows]] = 1.0
    if one.indicator:
        found[:, -1] = absent
    return found


def unseen(one: EncodedColumn, column: Column, /) -> NDArray[np.int64]:
    """The rows whose value is none of the levels, (k,)."""
    if one.kind != "factor" or column.kind != "text":
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero((_codes(one, column) < 0) & ~gone(column))


def _codes(one: EncodedColumn, column: Column) -> NDArray[np.int64]:
    """The number of each cell's level, -1 for none, (n,).

    A cell that is no level to the letter is the one level that means the same, if there is one: 1.0 is 1, TRUE is True.
    """
    numbers = {level: number for number, level in enumerate(one.levels)}
    cells = column.values.tolist()
    others = set(cells) - numbers.keys()
    if others:
        meant: dict[Hashable, list[str]] = {}
        for level in one.levels:
            meant.setdefault(_meaning(level), []).append(level)
        alike = {cell: meant.get(_meaning(cell), ()) for cell in others}
        numbers |= {cell: numbers[levels[0]] for cell, levels in alike.items() if len(levels) == 1}
    return np.asarray([numbers.get(cell, -1) for cell in cells], dtype=np.int64)


def _meaning(cell: str) -> Hashable:
    """What a number or a truth value says, however it is written; other text is what it says."""
    if _PLAIN.fullmatch(cell):
        return Decimal(cell)
    return cell.lower() if cell.lower() in ("true", "false") else cell
