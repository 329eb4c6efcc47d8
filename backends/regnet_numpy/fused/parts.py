"""One network's part of what a stack has: loops are compiled for one network."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["part_of", "row_of", "row_strengths"]


def part_of(array: Any, k: int, /) -> Any:
    """Network k's part (rows, columns) of an array (rows, columns), (1, rows, columns) or (K, rows, columns)."""
    return array if array.ndim == 2 else array[k if array.shape[0] > 1 else 0]


def row_of(strength: Any, k: int, size: int) -> Any:
    """Network k's strengths (size,); a loop over contiguous memory needs one for every entry."""
    row = part_of(strength, k)[0]
    return row if row.shape[0] == size else np.full(size, row[0], row.dtype)


def row_strengths(layout: Any, groups: Any, k: int) -> tuple[Any, ...]:
    """Network k's group strengths: for each parameter array those of its rows (rows,), or None; () without groups."""
    return (
        tuple(
            None if group is None else np.broadcast_to(part_of(group, k)[:, 0], rows)
            for (rows, _), group in zip(layout.shapes, groups, strict=True)
        )
        if groups
        else ()
    )
