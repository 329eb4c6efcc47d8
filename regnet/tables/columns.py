"""What a column of a table is, judged from the whole column: numbers, text, or something that regnet does not take.

The rules do not ask how a file was read: a column is an array of cells, typed or as text.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from regnet.tables.dates import days_of_objects, days_of_text, days_of_times

__all__ = [
    "INDEX_NAMES",
    "MISSING",
    "Column",
    "FileError",
    "Like",
    "counts_rows",
    "is_nothing",
    "is_number",
    "judge",
    "looks_like_a_row",
    "plain_numbers",
    "read_as",
    "running_header",
    "text_column",
]

MISSING = frozenset({"", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "null", "none", ".", "?", "-", "--"})
"""Cells, in small letters, that stand for "no value" in a column of numbers or dates."""

MISSING_TEXT = frozenset({"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"})
"""Cells of a file of text that do so in a column of text, where "none" and "-" may be values, and Na is sodium."""

INDEX_NAMES = frozenset({"", "Unnamed: 0", "__index_level_0__"})
"""Names under which pandas and R write the numbers or names of rows that have no name of their own."""

_CHARACTERS = re.compile(r"[0-9+\-.eE \t]*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_GROUPED = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+(\.\d*)?|[1-9]\d{0,2}(\.\d{3})+,\d*)", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)

SHORTEST_COUNT = 5
"""Rows from which on a column that counts them is taken for their numbers, and not for a measurement."""


NO_ROWS = np.empty(0, dtype=np.int64)


class FileError(ValueError):
    """A file cannot be used as a table; the message says why."""


class Like(NamedTuple):
    """What a column of numbers or dates was in another table, for what the cells of this one leave open.

    day_first: as `Column` has it.
    """

    day_first: bool | None = None


class Column(NamedTuple):
    """A column that was judged.

    kind: 'number' (values of any numeric or boolean type, NaN where missing), 'date' (days since 1970) or 'duration'
    (days) likewise, 'text' (values are str), or what it holds that is none of these, for a message. missing: rows
    without a value, (k,). odd: the first row that speaks against numbers, or None; numbers: how many cells of a text
    column are plain numbers. shown: the cells for messages. day_first: of dates that are text, whether the day stands
    before the month; None where it cannot be mistaken.
    """

    kind: str
    values: NDArray[Any]
    missing: NDArray[np.int64] = NO_ROWS
    odd: int | None = None
    numbers: int = 0
    shown: NDArray[Any] | None = None
    day_first: bool | None = None

    def cell(self, row: int) -> str:
        """The cell as a message shows it."""
        return repr(str((self.values if self.shown is None else self.shown)[row]))

    def take(self, rows: NDArray[np.int64] | slice, /) -> Self:
        """Some of its rows."""
        gone = np.zeros(len(self.values), dtype=bool)
        gone[self.missing] = True
        shown = None if self.shown is None else self.shown[rows]
        return self._replace(values=self.values[rows], missing=np.flatnonzero(gone[rows]), shown=shown)


def plain_numbers(cells: Any, /) -> NDArray[np.float64] | None:
    """The cells (n,) of text as numbers, or None if one of them is not a plain decimal number such as -1.5e3, or is

    too large for float64.

    Python's float would also take 1_000, words such as nan, and digits of other scripts.
    """
    if _CHARACTERS.fullmatch("".join(cells)) is None:
        return None
    try:
        values = np.asarray(cells, dtype=np.float64)
    except ValueError:  # an empty cell, 1-2
        return None
    return values if np.isfinite(values).all() else None


def judge(cells: NDArray[Any], /, *, parse: bool = False, like: Like | None = None) -> Column:
    """What the column (n,) is. parse: it comes from a file of text, whose cells may be numbers; else types count.

    like: what tells it where the cells do not: a column of "?" may then be one of numbers without a value.
    """
    kind = cells.dtype.kind
    if kind in "iub":
        return Column("number", cells)
    if kind == "f":
        return Column("number", cells, np.flatnonzero(np.isnan(cells)))
    if kind == "S":
        cells, kind = _decoded(cells), "U"
    if kind == "O" and len(cells):
        return _judge_objects(cells, parse, like)
    if kind in "UO":
        return _judge_text(np.asarray(cells, dtype=object), parse, like)
    if kind in "Mm":
        return Column("date" if kind == "M" else "duration", days_of_times(cells), np.flatnonzero(np.isnat(cells)))
    return Column("complex numbers" if kind == "c" else "records", cells)


def _decoded(cells: Any) -> NDArray[Any]:
    try:
        return np.asarray([None if cell is None else bytes(cell).decode() for cell in cells], dtype=object)
    except UnicodeDecodeError:
        raise FileError("bytes that are no UTF-8 text: decode them first.") from None


def _judge_objects(cells: NDArray[Any], parse: bool, like: Like | None) -> Column:
    """Objects of a typed file: text, numbers that NumPy has no type for, or None."""
    absent = np.asarray([is_nothing(cell) for cell in cells.tolist()], dtype=bool)
    kinds = {type(cell) for cell in cells[~absent]}
    if not kinds:
        return Column("number", np.full(len(cells), np.nan), np.arange(len(cells)))
    if all(issubclass(kind, str) for kind in kinds):
        return _judge_text(np.where(absent, "", cells), parse, like)
    if all(issubclass(kind, bytes) for kind in kinds):
        return _judge_text(_decoded(np.where(absent, b"", cells)), parse, like)
    times = days_of_objects(cells[~absent].tolist())  # before numbers, of which NumPy's durations are some
    if times is not None:
        return _with_holes(times[0], times[1], absent, shown=cells)
    if all(issubclass(kind, (int, float, Decimal, np.number, np.bool_)) for kind in kinds):
        numbers = np.asarray([np.nan if gone else float(cell) for cell, gone in zip(cells, absent, strict=True)])
        return Column("number", numbers, np.flatnonzero(absent))
    return Column(f"values of type {' and '.join(sorted(kind.__name__ for kind in kinds))}", cells)


def is_nothing(cell: Any) -> bool:
    """Whether it is None, a NaN, or pandas' NaT or NA."""
    try:
        return cell is None or bool(cell != cell)
    except TypeError:  # pandas' NA says neither
        return True
    except ValueError:  # an array says it of each of its own
        return False


def text_column(given: NDArray[Any], /, *, parse: bool = False) -> Column:
    """Text as it stands, (n,), whatever it says. parse: it comes from a file of text, where NA is no value."""
    cells = np.asarray([str(cell).strip() for cell in given], dtype=object)
    return Column("text", cells, np.flatnonzero([cell in (MISSING_TEXT if parse else ("",)) for cell in cells]))


def _judge_text(given: NDArray[Any], parse: bool, like: Like | None) -> Column:
    """Text, unless every cell of a file of text is a number, a date, infinite, or a mark for a missing one."""
    found = text_column(given, parse=parse)
    if not parse:
        return found
    cells = found.values
    missing = np.asarray([cell.lower() in MISSING for cell in cells], dtype=bool)
    plain = np.asarray([_NUMBER.fullmatch(cell) is not None for cell in cells], dtype=bool)
    infinite = np.asarray([_INFINITE.fullmatch(cell) is not None for cell in cells], dtype=bool)
    other = np.flatnonzero(~(missing | plain | infinite))
    if not len(other) and (like is not None or not missing.all() or len(found.missing) == len(cells)):
        return _numbers(cells, missing)
    if len(other):
        first = None if like is None else like.day_first
        days = days_of_text(cells[~missing].tolist(), day_first=first) if not plain.any() else None
        if isinstance(days, str):
            return Column(days, cells, np.flatnonzero(missing), int(other[0]))
        if days is not None:
            return _with_holes("date", days.days, missing, shown=cells)._replace(day_first=days.day_first)
        commas = _judge_commas(cells, missing, plain)
        if commas is not None:
            return commas
    odd = int(other[0]) if len(other) else 0
    return found._replace(odd=odd, numbers=int(plain.sum()))


def read_as(column: Column, /) -> str | None:
    """What a column of text would be in a file of text, with the remedy: dates, or numbers with a decimal comma."""
    if column.kind != "text":
        return None
    cells = np.asarray(sorted(set(column.values.tolist()) - {""}), dtype=object)
    kind = judge(cells, parse=True).kind if len(cells) > 1 else "text"
    if kind == "date":
        return "dates: make dates of it, with pandas.to_datetime for example"
    if kind == "number" and any("," in cell for cell in cells):
        return "numbers with a decimal comma: make numbers of it, with decimal=',' in pandas.read_csv for example"
    return None


def _with_holes(kind: str, present: NDArray[np.float64], gone: NDArray[np.bool_], shown: NDArray[Any]) -> Column:
    values = np.full(len(gone), np.nan)
    values[~gone] = present
    return Column(kind, values, np.flatnonzero(gone), shown=shown)


def _numbers(cells: NDArray[Any], missing: NDArray[np.bool_]) -> Column:
    values = np.asarray(np.where(missing, "nan", cells).tolist(), dtype=np.float64)
    return Column("number", values, np.flatnonzero(missing), shown=cells)


def _judge_commas(cells: NDArray[Any], missing: NDArray[np.bool_], plain: NDArray[np.bool_]) -> Column | None:
    """Numbers with commas: decimals where nothing else can be meant, else named for a refusal; None: there are none.

    3,14 beside 12 are decimals. 1,234 may be a thousand, 3.14 beside 2,72 is written in two ways.
    """
    commas = np.asarray([_COMMA.fullmatch(cell) is not None for cell in cells], dtype=bool)
    grouped = np.asarray([_GROUPED.fullmatch(cell) is not None for cell in cells], dtype=bool)
    if not (missing | plain | commas | grouped).all():
        return None
    first = int(np.flatnonzero(commas | grouped)[0])
    whole = all(_WHOLE.fullmatch(cell) for cell in cells[plain & ~missing])
    certain = any(_THOUSANDS.fullmatch(cell) is None for cell in cells[commas])
    if commas[~missing & ~plain].all() and whole and certain:
        column = _numbers(np.asarray([cell.replace(",", ".") for cell in cells], dtype=object), missing)
        return column._replace(shown=cells)
    return Column("numbers with commas", cells, np.flatnonzero(missing), first)


def is_number(cell: str, /) -> bool:
    """Whether the cell is a number, written with a point, a comma or both."""
    return any(form.fullmatch(cell.strip()) for form in (_NUMBER, _COMMA, _GROUPED))


def looks_like_a_row(first: list[str], second: list[str], /) -> bool:
    """Whether a first line with numbers and text is as much like the line below it as like a header.

    5.1,3.5,setosa has fractions, which no name is; 5,3,yes above 4,2,no has the same kinds of cells in the same places.
    0,1,2,kind is what a frame without names writes.
    """
    numbers = [cell for cell in first if is_number(cell)]
    if not numbers or running_header(numbers):
        return False
    fractions = any(not _WHOLE.fullmatch(cell.strip()) for cell in numbers)
    pairs = zip(first, second, strict=False)
    alike = all(below.strip().lower() in MISSING or is_number(cell) == is_number(below) for cell, below in pairs)
    unknown = all(is_number(cell) or cell.strip().lower() in MISSING for cell in first)
    return fractions or unknown or (bool(second) and alike)


def running_header(cells: list[str], /) -> bool:
    """Whether the cells are 0, 1, 2, ... or 1, 2, 3, ..., as frames without names write their header."""
    stripped = [cell.strip() for cell in cells]
    return len(cells) > 1 and any(stripped == [str(first + k) for k in range(len(cells))] for first in (0, 1))


def counts_rows(column: Column, /) -> int | None:
    """0 or 1 if the column is 0, 1, 2, ... or 1, 2, 3, ... down its rows, else None."""
    values = column.values
    if column.kind != "number" or len(values) < SHORTEST_COUNT or values.dtype.kind == "b":
        return None
    return next((first for first in (0, 1) if np.array_equal(values, np.arange(first, len(values) + first))), None)
