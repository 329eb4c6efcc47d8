"""What a user says of the inputs: which belong together, and how much the penalty weighs on each."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from regnet.tables.asked import split_names, unknown_name
from regnet.tables.table import Table

__all__ = ["Inputs", "inputs_of", "left_out", "parse_factors", "read_groups"]

_Column = TypeVar("_Column", str, int)


class Inputs(NamedTuple):
    """table: with the inputs that are left; labels: what each of its columns is part of, or None where each is alone;

    factors: of the penalty, (features,), or None where all are 1.
    """

    table: Table
    labels: list[str] | None = None
    factors: list[float] | None = None

    @property
    def names(self) -> list[str]:
        """What a report calls the inputs: columns, or groups of them."""
        labels = self.labels or self.table.feature_names
        factors = self.factors or [1.0] * len(labels)
        return list(dict.fromkeys(label for label, number in zip(labels, factors, strict=True) if number < np.inf))

    def used(self, selected: Sequence[bool]) -> list[str]:
        """The names of those that a network uses; selected: whether it uses a column, (features,)."""
        labels = self.labels or self.table.feature_names
        return list(dict.fromkeys(label for label, one in zip(labels, selected, strict=True) if one))

    @property
    def groups(self) -> dict[str, list[str]]:
        """The columns of each group of several."""
        found = _members(self.labels or self.table.feature_names, self.table.feature_names)
        return {label: columns for label, columns in found.items() if len(columns) > 1}


def parse_factors(texts: Sequence[str], keep: Sequence[str] = ()) -> dict[str, float]:
    """The numbers of --penalty-factor by name, in which there may be a '='; 0 for --keep. Raises ValueError."""
    found: dict[str, float] = dict.fromkeys(keep, 0.0)
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            factor = float(number)
        except ValueError:
            factor = float("nan")
        if not (name and factor >= 0):
            raise ValueError(f"--penalty-factor {text!r}: give NAME=NUMBER, a number of 0 or more, or inf.")
        if found.setdefault(name, factor) != factor:
            raise ValueError(_said_of_two(name, found[name], factor))
    return found


def left_out(factors: Mapping[str, float]) -> list[str]:
    """The names whose factor is infinite: columns among them need not be read."""
    return [name for name, number in factors.items() if number == float("inf")]


def read_groups(path: Path | None) -> list[str]:
    """The lines of --groups FILE, 'column,group' each, as --group has them. Raises ValueError."""
    if path is None:
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"--groups {str(path)!r} cannot be read: {error}") from error
    for number, row in enumerate(rows):
        if len(row) != 2 or not all(row):
            raise ValueError(f"--groups {str(path)!r}: row {number + 1} is {','.join(row)!r}: give 'column,group'.")
    if rows and rows[0][1].lower() in ("group", "label"):
        rows = rows[1:]
    found: dict[str, list[str]] = {}
    for column, label in rows:
        found.setdefault(label, []).append(column)
    return [_as_option(label, columns) for label, columns in found.items()]


def _as_option(label: str, columns: Sequence[str]) -> str:
    if any("," in column for column in columns) or "=" in label:
        raise ValueError(f"--groups: {label!r} or one of its columns has a comma or an equals sign in it: rename it.")
    return f"{label}={','.join(columns)}"


def inputs_of(
    table: Table, groups: Sequence[str], factors: Mapping[str, float], *, separate: bool, together: bool
) -> Inputs:
    """What the options say of a table's columns.

    groups: of --group; factors: `parse_factors`; separate: whether values of text are inputs by themselves; together:
    whether there is a penalty that knows groups. Raises ValueError for names that are none, and where factors differ
    within a group.
    """
    names = table.feature_names
    if groups and not together:
        raise ValueError("--group is for a penalty on inputs: it needs --penalty input_l1, or of fit --input-l1.")
    labels = _grouped(table, groups, names if separate or not together else table.labels)
    numbers = _numbers(table, labels, factors)
    if not np.isfinite(numbers).any():
        raise ValueError("--penalty-factor leaves every input out: give one of them another number.")
    absent = {
        name for name, parts in _members(table.labels, range(len(names))).items() if np.isinf(numbers[parts]).all()
    }
    if absent:
        kept = np.asarray([label not in absent for label in table.labels])
        labels, numbers = [label for label, one in zip(labels, kept, strict=True) if one], numbers[kept]
        table = table.without(absent)
    alone = not together or len(set(table.labels)) == len(set(labels)) == len(labels)
    return Inputs(
        table,
        None if alone else labels,
        None if (numbers == 1).all() else numbers.tolist(),
    )


def _grouped(table: Table, groups: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The label of each column, under --group; labels: without it."""
    known, found = _known(table, table.labels), dict(zip(table.feature_names, labels, strict=True))
    given: dict[str, str] = {}
    for text in groups:
        label, _, listed = text.partition("=")
        columns = [name.strip() for name in listed.split(",") if name.strip()]
        if not (label and columns):
            raise ValueError(f"--group {text!r}: give LABEL=COLUMN,COLUMN.")
        for column in (one for name in columns for one in _columns("--group", name, known)):
            if given.setdefault(column, label) != label:
                raise ValueError(f"--group: {column!r} is in two groups, {given[column]!r} and {label!r}.")
    for label in given.values():
        if any(given.get(column) != label for column in known.get(label, ())):
            raise ValueError(f"--group {label!r} is also the name of an input that is not in it: use another label.")
    return list((found | given).values())


def _numbers(table: Table, labels: Sequence[str], factors: Mapping[str, float]) -> NDArray[np.float64]:
    """The factor of each column, (features,)."""
    known = _known(table, table.labels) | _known(table, labels)
    given: dict[str, float] = {}
    for listed, number in factors.items():
        option = "--keep" if number == 0 else "--penalty-factor"
        for name in split_names([listed], [*known, *table.absent]):
            if name in table.absent and number < np.inf:
                raise ValueError(f"{option}: {name!r} is left out of the inputs, so that nothing can be said of it.")
            for column in () if name in table.absent else _columns(option, name, known):
                if given.setdefault(column, number) != number:
                    raise ValueError(_said_of_two(name, given[column], number))
    found = dict.fromkeys(table.feature_names, 1.0) | given
    for label, columns in _members(labels, table.feature_names).items():
        if len({found[column] for column in columns}) > 1:
            each = ", ".join(f"{column}: {found[column]:g}" for column in columns)
            raise ValueError(
                f"--penalty-factor differs within the group {label!r} ({each}): give the group one, by its name, or "
                "the values of text apart, by --separate-levels."
            )
    return np.asarray(list(found.values()))


def _said_of_two(name: str, first: float, second: float) -> str:
    return f"--penalty-factor: {name!r} has two, {first:g} and {second:g} (--keep is 0): give one."


def _known(table: Table, labels: Sequence[str]) -> dict[str, list[str]]:
    """The columns that a name stands for: one, or those with this label."""
    return {name: [name] for name in table.feature_names} | _members(labels, table.feature_names)


def _members(labels: Sequence[str], columns: Iterable[_Column]) -> dict[str, list[_Column]]:
    found: dict[str, list[_Column]] = {}
    for label, column in zip(labels, columns, strict=True):
        found.setdefault(label, []).append(column)
    return found


def _columns(option: str, name: str, known: Mapping[str, list[str]]) -> list[str]:
    if name not in known:
        raise ValueError(f"{option}: the table {unknown_name(name, known, 'input')}")
    return known[name]
