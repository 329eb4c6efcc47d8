"""What a user says of the inputs: which belong together, and how much the penalty weighs on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.tables.table import Table

__all__ = ["FACTOR_HELP", "GROUP_HELP", "SEPARATE_HELP", "Inputs", "inputs_of", "left_out", "parse_factors"]

GROUP_HELP = "LABEL=COLUMN,COLUMN: inputs that are used together or not at all; give it once a group"
FACTOR_HELP = "NAME=NUMBER multiplies the penalty of an input or group; 0: never removed, inf: left out"
SEPARATE_HELP = "each value of a column of text is an input by itself; default: all of them are used, or none"

SHOWN = 10
"""Names that an error tells where none is near."""


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
        return list(dict.fromkeys(self.labels or self.table.feature_names))

    def used(self, selected: Sequence[bool]) -> list[str]:
        """The names of those that a network uses; selected: whether it uses a column, (features,)."""
        labels = self.labels or self.table.feature_names
        return list(dict.fromkeys(label for label, one in zip(labels, selected, strict=True) if one))

    @property
    def groups(self) -> dict[str, list[str]]:
        """The columns of each group of several."""
        found = _members(self.labels or self.table.feature_names, self.table.feature_names)
        return {label: columns for label, columns in found.items() if len(columns) > 1}


def parse_factors(texts: Sequence[str]) -> dict[str, float]:
    """The numbers of --penalty-factor by name, in which there may be a '='. Raises ValueError."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = float("nan")
        if not (name and found[name] >= 0):
            raise ValueError(f"--penalty-factor {text!r}: give NAME=NUMBER, a number of 0 or more, or inf.")
    return found


def left_out(factors: Mapping[str, float]) -> list[str]:
    """The names whose factor is infinite: columns among them need not be read."""
    return [name for name, number in factors.items() if number == float("inf")]


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
    kept = np.isfinite(numbers)
    if not kept.any():
        raise ValueError("--penalty-factor leaves every input out: give one of them another number.")
    labels, numbers = [label for label, one in zip(labels, kept, strict=True) if one], numbers[kept]
    table = table if kept.all() else table.keep(kept)
    return Inputs(
        table,
        None if labels == list(table.feature_names) else labels,
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
    found = dict.fromkeys(table.feature_names, 1.0)
    for name, number in factors.items():
        if name not in table.absent:
            found |= dict.fromkeys(_columns("--penalty-factor", name, known), number)
    for label, columns in _members(labels, table.feature_names).items():
        if len({found[column] for column in columns}) > 1:
            each = ", ".join(f"{column}: {found[column]:g}" for column in columns)
            raise ValueError(
                f"--penalty-factor differs within the group {label!r} ({each}): give the group one, by its name, or "
                "the values of text apart, by --separate-levels."
            )
    return np.asarray(list(found.values()))


def _known(table: Table, labels: Sequence[str]) -> dict[str, list[str]]:
    """The columns that a name stands for: one, or those with this label."""
    return {name: [name] for name in table.feature_names} | _members(labels, table.feature_names)


def _members(labels: Sequence[str], columns: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label, column in zip(labels, columns, strict=True):
        found.setdefault(label, []).append(column)
    return found


def _columns(option: str, name: str, known: Mapping[str, list[str]]) -> list[str]:
    if name not in known:
        near = get_close_matches(name, known, n=3)
        more = ", ..." if len(known) > SHOWN else "."
        hint = (
            f"did you mean {' or '.join(map(repr, near))}?" if near else f"inputs: {', '.join([*known][:SHOWN])}{more}"
        )
        raise ValueError(f"{option}: no input is called {name!r}; {hint}")
    return known[name]
