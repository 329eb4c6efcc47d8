"""Groups of several rows of a weight (..., rows, columns): sums and norms over them, brought back to the rows.

A row that is a group of its own passes through unchanged. Groups may differ from network to network of a stack, and
sums are made by halves, so that a network's numbers are those that it has alone, however large the others' groups are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array

__all__ = ["RowGroups", "group_numbers", "pool_norms", "pool_sums", "row_groups", "unequal_within"]


class RowGroups(NamedTuple):
    """Which rows are one group; in a stack all have a leading axis, of length 1 where the networks have the same.

    members: (..., groups, places), int32: the rows of each group of several, filled up with the number of rows; places
    are a power of two. source: (..., rows, 1), int32: g for a row of group g, groups + i for row i that is one of its
    own. share: (..., rows, 1): 1 by the number of rows in the row's group.
    """

    members: Array
    source: Array
    share: Array


def group_numbers(labels: Any, /) -> NDArray[np.int64]:
    """0, 1, ... for labels (rows,), in the order in which they come first; equal labels have equal numbers.

    >>> group_numbers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    _, first, inverse = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse.reshape(-1)], dtype=np.int64)


def row_groups(labels: Any, /) -> RowGroups | None:
    """The groups of rows with equal labels, on the host; None if no label comes twice. labels: (rows,) or (K, rows).

    >>> row_groups([5, 7, 5]).members.tolist(), row_groups([1, 2, 3])
    ([[0, 2]], None)
    """
    table = np.asarray(labels)
    numbers = [group_numbers(row) for row in (table[None] if table.ndim == 1 else table)]
    counts = [np.bincount(one) for one in numbers]
    largest, rows = max(int(one.max(initial=0)) for one in counts), table.shape[-1]
    if largest < 2:
        return None
    several, places = max(int((one > 1).sum()) for one in counts), 1 << (largest - 1).bit_length()
    members = np.full((len(numbers), several, places), rows, dtype=np.int32)
    source = np.tile(several + np.arange(rows, dtype=np.int32), (len(numbers), 1))
    for k, (own, count) in enumerate(zip(numbers, counts, strict=True)):
        several_of = np.where(count > 1, np.cumsum(count > 1) - 1, -1)
        order = np.argsort(own, kind="stable")
        place = np.arange(rows) - (np.cumsum(count) - count)[own[order]]
        found, place = order[count[own[order]] > 1], place[count[own[order]] > 1]
        source[k, found] = several_of[own[found]]
        members[k, source[k, found], place] = found
    share = np.stack([1.0 / count[own] for own, count in zip(numbers, counts, strict=True)])
    found_groups = RowGroups(members, source[..., None], share[..., None])
    return found_groups if table.ndim > 1 else RowGroups(*(one[0] for one in found_groups))


def unequal_within(labels: Any, values: Any, /) -> Any:
    """A label whose rows differ in their values, or None. labels, values: (rows,), or (K, rows) where networks differ.

    >>> unequal_within(["a", "b", "a"], [1.0, 2.0, 3.0]), unequal_within(["a", "b", "a"], [1.0, 2.0, 1.0])
    ('a', None)
    """
    table, every = np.atleast_2d(labels), np.atleast_2d(values)
    for k, names in enumerate(table):
        own, numbers = every if len(table) == 1 else every[[k % len(every)]], group_numbers(names)
        first = np.zeros(len(numbers), dtype=np.int64)
        first[numbers[::-1]] = np.arange(len(numbers))[::-1]
        wrong = np.flatnonzero((own != own[:, first[numbers]]).any(axis=0))
        if len(wrong):
            return names[wrong[0]].item()
    return None


def pool_sums(values: Array, groups: RowGroups | None, /) -> Array:
    """The sum over each row's group, for every row; values: (..., rows, 1), whose shape is returned."""
    return values if groups is None else _pooled(values, groups, _sum_by_halves)


def pool_norms(norms: Array, groups: RowGroups | None, /) -> Array:
    """The Euclidean norm of each row's group, for every row, from the rows' own norms >= 0 (..., rows, 1).

    They are divided by the group's largest one first: their squares may be no numbers.
    """
    return norms if groups is None else _pooled(norms, groups, _norm_by_halves)


def _pooled(values: Array, groups: RowGroups, reduce: Callable[[Array], Array]) -> Array:
    xp = array_namespace(values)
    shape = groups.members.shape
    padded = xp.concat([values, xp.zeros_like(values[..., :1, :])], axis=-2)
    taken = _take_rows(padded, xp.reshape(groups.members, (*shape[:-2], -1)))
    totals = reduce(xp.reshape(taken, (*taken.shape[:-2], *shape[-2:])))
    return _take_rows(xp.concat([totals, values], axis=-2), groups.source[..., 0])


def _take_rows(values: Array, numbers: Array) -> Array:
    """Rows of values (..., n, 1) by their numbers (..., m), each network's own: (..., m, 1)."""
    xp = array_namespace(values)
    if numbers.ndim == 1 or numbers.shape[0] == 1:
        return xp.take(values, xp.reshape(numbers, (-1,)), axis=-2)
    networks, n = values.shape[0], values.shape[-2]
    start = n * xp.arange(networks, dtype=numbers.dtype, device=device_of(values))[:, None]
    flat = xp.take(xp.reshape(values, (-1,)), xp.reshape(numbers + start, (-1,)), axis=0)
    return xp.reshape(flat, (*numbers.shape, 1))


def _sum_by_halves(values: Array) -> Array:
    """Sums over the last axis, whose length is a power of two, which stays with length 1: zeros at its end change no

    bit of them.
    """
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        values = values[..., :half] + values[..., half:]
    return values


def _norm_by_halves(values: Array) -> Array:
    xp = array_namespace(values)
    largest = xp.max(values, axis=-1, keepdims=True)
    scaled = values / xp.where(largest > 0, largest, xp.ones_like(largest))
    return largest * xp.sqrt(_sum_by_halves(scaled * scaled))
