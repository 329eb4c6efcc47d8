"""A table with its target, as every reader returns it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from regnet.tables.factors import level_columns

__all__ = ["Table"]


class Table(NamedTuple):
    """A table with its target.

    x: (n, features), float64 unless it needs no standardising, which comes before narrowing; y: (n,), class labels or
    values; feature_names; target_name; task: 'classification' or 'regression'; notes: what a user should know of it;
    shuffled: whether rows come in random order already, so that a split takes them as they lie. factors: the values of
    each column of text, in whose place x has a column for each of them; absent: columns that were not looked at.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    feature_names: tuple[str, ...]
    target_name: str
    task: str
    notes: tuple[str, ...] = ()
    shuffled: bool = False
    factors: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    absent: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """What each column of x is part of, (features,): the column of text whose value it stands for, or itself."""
        parts = level_columns(self.factors)
        return tuple(parts[name].factor if name in parts else name for name in self.feature_names)

    def keep(self, kept: NDArray[np.bool_], /) -> Self:
        """The table with some of its inputs, (features,); the values of factors stay known."""
        names = tuple(name for name, one in zip(self.feature_names, kept, strict=True) if one)
        return self._replace(x=self.x[:, kept], feature_names=names)
