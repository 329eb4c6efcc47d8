"""All parameters of a network as one row vector, its point: one array to step, copy, freeze, donate or capture.

An optimizer's update is then a handful of passes over one array, however many layers there are, and a solver that sees
the parameters as a vector sees the same array. Splitting makes views where the library has them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array

__all__ = ["Layout"]


@final
@dataclass(frozen=True)
class Layout:
    """Where each parameter array lies in a point (..., 1, size); shapes: (rows, columns) of each, in order.

    >>> Layout(((2, 3), (1, 3))).size
    9
    """

    shapes: tuple[tuple[int, int], ...]

    @cached_property
    def _bounds(self) -> tuple[tuple[int, int], ...]:
        return tuple(pairwise(accumulate((math.prod(shape) for shape in self.shapes), initial=0)))

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self._bounds[-1][1]

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each array begins."""
        return tuple(start for start, _ in self._bounds)

    def pack(self, arrays: Sequence[Array], /) -> Array:
        """Parameter arrays (..., rows, columns) as a point (..., 1, size); a copy."""
        xp = array_namespace(arrays[0])
        rows = [one if one.shape[-2] == 1 else xp.reshape(one, (*one.shape[:-2], 1, -1)) for one in arrays]
        return xp.concat(rows, axis=-1)

    def split(self, point: Array, /) -> list[Array]:
        """A point, or anything laid out like one, as arrays (..., rows, columns)."""
        xp, leading = array_namespace(point), point.shape[:-2]
        parts = [point[..., start:stop] for start, stop in self._bounds]
        return [
            part if shape[0] == 1 else xp.reshape(part, (*leading, *shape))
            for shape, part in zip(self.shapes, parts, strict=True)
        ]
