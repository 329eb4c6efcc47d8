"""A table with its target, as every reader returns it."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

__all__ = ["Table"]


class Table(NamedTuple):
    """A table with its target.

    x: (n, features), float64 unless it needs no standardising, which comes before narrowing; y: (n,), class labels or
    values; feature_names; target_name; task: 'classification' or 'regression'; notes: what a user should know of it;
    shuffled: whether rows come in random order already, so that a split takes them as they lie.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    feature_names: tuple[str, ...]
    target_name: str
    task: str
    notes: tuple[str, ...] = ()
    shuffled: bool = False
