"""A fold's inputs: rows of a table that all folds share, standardised when they are asked for."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.scaling import Affine, row_cuts

__all__ = ["Inputs", "TakenRows"]

LARGE = 2**26
"""Bytes, as they are computed with, of a table whose folds are not kept beside one another."""


class TakenRows(NamedTuple):
    """Rows of a table (N, in) by their numbers (n,), taken a slice at a time; numbers: None for all."""

    table: NDArray[Any]
    numbers: NDArray[np.int64] | None

    @property
    def shape(self) -> tuple[int, int]:
        """(n, in)."""
        return len(self.table if self.numbers is None else self.numbers), self.table.shape[1]

    def cut(self, rows: slice, /) -> NDArray[Any]:
        """Some of them, row after row in memory, so that a frame's table is added up as an array is."""
        return np.ascontiguousarray(self.table[rows if self.numbers is None else self.numbers[rows]])


@final
class Inputs:
    """Rows (n, in) as networks see them.

    Of a large table they are made anew for whoever asks, unless somebody has them still; those of others are kept.
    """

    def __init__(self, rows: TakenRows, affine: Affine, dtype: str, left_out: NDArray[np.bool_] | None = None) -> None:
        """left_out: inputs (in,) that are 0 in every row; None: none."""
        self._source: tuple[Any, ...] | None = (rows, affine, dtype, left_out)
        self.shape, self.dtype = rows.shape, np.dtype(dtype)
        self.is_large = rows.table.size * self.dtype.itemsize > LARGE
        self._forget()

    @classmethod
    def of(cls, values: NDArray[Any], /) -> Self:
        """Those that are made already."""
        made = cls.__new__(cls)
        made._source, made.shape, made.dtype = None, values.shape, values.dtype
        made.is_large = values.nbytes > LARGE
        made._forget()
        made._held = values
        return made

    def _forget(self) -> None:
        self._held: NDArray[Any] | None = None
        self._lent: weakref.ref[NDArray[Any]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What can be made again does not travel."""
        state = {**vars(self), "_lent": None}
        return state if self._source is None else {**state, "_held": None}

    def values(self) -> NDArray[Any]:
        """All of them, which nobody may write to."""
        if self._held is not None:
            return self._held
        made = None if self._lent is None else self._lent()
        if made is None:
            made = np.empty(self.shape, self.dtype)
            for rows, part in self.parts():
                made[rows] = part
            self._lent = weakref.ref(made)
            if not self.is_large:
                self._held = made
        return made

    def parts(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Some rows after the others, and which they are."""
        for cut in row_cuts(self.shape):
            if self._source is None or self._held is not None:
                yield cut, self.values()[cut]
                continue
            rows, affine, dtype, left_out = self._source
            part = affine.standardise_inputs(rows.cut(cut)).astype(dtype)
            if left_out is not None:
                part[:, left_out] = 0.0
            yield cut, part

    def without(self, left_out: NDArray[np.bool_], /) -> Self:
        """The same with 0 in these columns (in,)."""
        if self._source is None:
            return type(self).of(np.where(left_out, self.dtype.type(0), self.values()))
        rows, affine, dtype, _ = self._source
        return type(self)(rows, affine, dtype, left_out)

    def kept(self) -> Self:
        """The same without the table that they are made of."""
        return type(self).of(self.values())
