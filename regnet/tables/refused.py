"""What is wrong with the columns of a frame, told of all of them at once."""

from __future__ import annotations

from typing import final

import numpy as np

from regnet.tables.columns import Column
from regnet.tables.encoding import gone

__all__ = ["Faults"]

SHOWN = 10
"""Columns that a message names."""


@final
class Faults:
    """Columns that cannot be encoded, each with its fact and what to do about it."""

    def __init__(self) -> None:
        """None yet."""
        self._facts: dict[str, list[str]] = {}

    def note(self, name: str, column: Column) -> bool:
        """Whether a column holds what cannot be encoded, of which note is taken."""
        if column.kind not in ("number", "date", "duration", "text"):
            return self.add(f"holds {column.kind}", "make numbers or text of them, or drop it", name)
        if column.kind == "number" and np.isinf(np.asarray(column.values, dtype=np.float64)).any():
            return self.add("holds infinite numbers", "drop such rows, or make them missing", name)
        return False

    def note_holes(
        self, name: str, column: Column, remedy: str = "take TableEncoder(missing='impute'), or drop such rows"
    ) -> bool:
        """Whether a column has cells without a value, of which note is taken."""
        count = int(gone(column).sum())
        return count > 0 and self.add(f"has {count} of {len(column.values)} cells without a value", remedy, name)

    def tell(self) -> None:
        """Raise ValueError if there is any."""
        if self._facts:
            raise ValueError(f"X: {self}.")

    def __str__(self) -> str:
        """All of them in a sentence for each remedy; '' if there is none."""
        told = []
        for remedy, facts in self._facts.items():
            more = f" and {len(facts) - SHOWN} more" if len(facts) > SHOWN else ""
            told.append(f"the column {', '.join(facts[:SHOWN])}{more}: {remedy}")
        return "; ".join(told)

    def add(self, fact: str, remedy: str, name: str) -> bool:
        """Take note of a fact of a column; True."""
        self._facts.setdefault(remedy, []).append(f"{name!r} {fact}")
        return True
