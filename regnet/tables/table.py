"""A table with its target, as every reader returns it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from regnet.tables.encoding import EncodedColumn, encode, filled, learn, parts_of
from regnet.tables.frame import Frame

__all__ = ["NAMED", "Table", "said_of_left_out", "short"]

NAMED = 10
"""Columns that a message names."""

LONGEST = 60
"""Characters of a name that a message shows."""


class Table(NamedTuple):
    """A table with its target.

    frame: its inputs; columns: what becomes of each, without what stands for missing values; y: (n,), class labels or
    values; target_name; task: 'classification', 'regression' or 'counts'; notes: what a user should know of it;
    shuffled: whether rows come in random order already, so that a split takes them as they lie; weight: of the rows,
    (n,), or None; fold: which rows are held out together, (n,), or None; impute: whether something may stand for
    missing values; absent: columns that are not used; unheaded: all columns of a file that has no names for them.
    """

    frame: Frame
    columns: tuple[EncodedColumn, ...]
    y: NDArray[Any]
    target_name: str
    task: str
    notes: tuple[str, ...] = ()
    shuffled: bool = False
    weight: NDArray[np.float64] | None = None
    fold: NDArray[Any] | None = None
    impute: bool = False
    absent: tuple[str, ...] = ()
    unheaded: tuple[str, ...] = ()

    @classmethod
    def of_matrix(
        cls, x: NDArray[Any], y: NDArray[Any], names: Iterable[str], target_name: str, task: str, **more: Any
    ) -> Self:
        """That of numbers, (n, columns); columns that say nothing are left out, and noted."""
        frame = Frame.of_matrix(x, names)
        learnt = {name: learn(name, frame[name], keep_row_numbers=True) for name in frame.columns}
        columns = tuple(one for one in learnt.values() if isinstance(one, EncodedColumn))
        left_out = {name: reason for name, reason in learnt.items() if isinstance(reason, str)}
        notes = said_of_left_out(left_out) if columns else []
        return cls(frame, columns or tuple(EncodedColumn(name, "number") for name in frame.columns), y, target_name,
                   task, tuple(notes), absent=tuple(left_out), **more)  # fmt: skip

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the inputs: columns, values of those that are text, and where values are missing."""
        return tuple(parts_of(self.columns))

    @property
    def labels(self) -> tuple[str, ...]:
        """The column that each input is part of, (inputs,)."""
        return tuple(parts_of(self.columns).values())

    @property
    def x(self) -> NDArray[np.float64]:
        """The inputs of all rows, (n, inputs); what stands for missing values is that of all rows."""
        columns = [(filled(one, self.frame[one.name]) if self.impute else one, one.name) for one in self.columns]
        return np.concatenate([encode(one, self.frame[name]) for one, name in columns], axis=1)

    def without(self, names: Collection[str], /) -> Self:
        """The table without some of its columns."""
        kept = tuple(one for one in self.columns if one.name not in names)
        return self._replace(columns=kept, frame=self.frame.only(one.name for one in kept))

    def held(self) -> Self:
        """The same in memory, so that its file may be closed."""
        return self._replace(frame=self.frame.only(one.name for one in self.columns).held())


def said_of_left_out(reasons: dict[str, str], where: str = "") -> list[str]:
    """A line for each reason why columns are not used."""
    found = []
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name, own in reasons.items() if own == reason]
        if len(names) > 1:
            found.append(f"{where}{len(names)} columns are left out, each because {reason}: {short(names)}.")
        else:
            found.append(f"{where}column {names[0]!r} is left out: {reason}.")
    return found


def short(names: Iterable[str]) -> str:
    """The first of some names, and how many there are; long ones are cut."""
    listed = [name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..." for name in map(str, names)]
    return ", ".join(listed[:NAMED]) + (f", ... ({len(listed)} in all)" if len(listed) > NAMED else "")
