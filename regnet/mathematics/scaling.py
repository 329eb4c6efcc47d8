"""Standardising columns, and taking a network's weights back to the columns' own units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.weighting import weight_shares

__all__ = ["Affine", "Scaling", "row_cuts", "scale_of", "unscaled"]

TOLERATED = 1e-4
"""What rounding a network in the table's own units may cost, in standard deviations."""

CUT_ELEMENTS = 2**20
"""Of rows that are looked at together, in float64: 8 MiB, which a processor's last cache holds."""

SMALLEST = 4.0 * float(np.finfo(np.float64).tiny)
"""What columns must vary by for weights in their own units to be numbers: 1 / 1e-310 is none."""


@final
@dataclass(frozen=True)
class Affine:
    """Standardisation: z = (x - center) / scale, for inputs (1, in) and targets (1, outputs).

    The scale of an input that holds one value is infinite: it is 0 in every row, whatever further rows have there, and
    its weights in the table's own units are 0.
    """

    x_center: NDArray[np.float64]
    x_scale: NDArray[np.float64]
    y_center: NDArray[np.float64]
    y_scale: NDArray[np.float64]

    @classmethod
    def of(cls, x: Scaling, y: Scaling) -> Self:
        """That of inputs and targets."""
        x_scale = np.where(x.constant, np.inf, x.scale)
        return cls(x.center[None, :], x_scale[None, :], y.center[None, :], y.scale[None, :])

    def standardise_inputs(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Rows (n, in) as the network sees them."""
        z = (np.asarray(x, dtype=np.float64) - self.x_center) / self.x_scale
        z[:, np.isinf(self.x_scale[0])] = 0.0
        return np.asarray(z)

    def standardise_targets(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Targets (n, outputs) as the network learns them."""
        return np.asarray((np.asarray(y, dtype=np.float64) - self.y_center) / self.y_scale)

    def restore(
        self, weights: list[NDArray[Any]], biases: list[NDArray[Any]]
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """The same function as a network that takes unstandardised inputs and gives targets in their own units.

        weights: (in, out) each; biases: (out,) each. Zero rows stay exact zeros. The type stays too, unless it is too
        narrow for the table's own units: x w + b cancels digits where a mean is many standard deviations from 0, about
        eps * |mean| / scale of a standard deviation. Above TOLERATED the network comes back in float64, and where a
        number has no place in the type.
        """
        dtype = self._wide_enough(weights[0].dtype)
        new_w = [np.asarray(one, dtype=np.float64) for one in weights]
        new_b = [np.asarray(one, dtype=np.float64) for one in biases]
        new_w[0] = new_w[0] / self.x_scale[0][:, None]
        new_b[0] = new_b[0] - self.x_center[0] @ new_w[0]
        new_w[-1] = new_w[-1] * self.y_scale
        new_b[-1] = new_b[-1] * self.y_scale[0] + self.y_center[0]
        if not all(_fits(one, dtype) for one in new_w + new_b):
            dtype = np.dtype(np.float64)
        return [one.astype(dtype) for one in new_w], [one.astype(dtype) for one in new_b]

    def _wide_enough(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        parts = ((self.x_center, self.x_scale), (self.y_center, self.y_scale))
        distance = max(float(np.max(np.abs(center) / scale, initial=0.0)) for center, scale in parts)
        return dtype if float(np.finfo(dtype).eps) * distance <= TOLERATED else np.dtype(np.float64)


def _fits(values: NDArray[np.float64], dtype: np.dtype[Any]) -> bool:
    """Whether no number would become infinite, or 0 that is not."""
    info, sizes = np.finfo(dtype), np.abs(values[values != 0])
    return not sizes.size or bool(sizes.max() <= float(info.max) and sizes.min() >= float(info.smallest_subnormal))


class Scaling(NamedTuple):
    """Weighted mean and spread of columns, (columns,) each, and whether a column holds one value to rounding."""

    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    constant: NDArray[np.bool_]


def unscaled(columns: int) -> Scaling:
    """The scaling that leaves columns as they are."""
    return Scaling(np.zeros(columns), np.ones(columns), np.zeros(columns, dtype=bool))


def row_cuts(shape: tuple[int, ...], /) -> list[slice]:
    """Slices of a table's rows that have CUT_ELEMENTS at most, or one row."""
    size = max(1, CUT_ELEMENTS // max(1, shape[1]))
    return [slice(start, min(start + size, shape[0])) for start in range(0, shape[0], size)]


def _cut(values: Any, rows: slice) -> NDArray[Any]:
    return np.asarray(values[rows] if isinstance(values, np.ndarray) else values.cut(rows))


def _counted(
    values: Any, counts: NDArray[np.bool_], share: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Rows that count, some after the others, and their shares."""
    every = bool(counts.all())
    for cut in row_cuts(values.shape):
        rows, part = np.asarray(_cut(values, cut), dtype=np.float64), share[cut]
        if not every:
            rows, part = rows[counts[cut]], part[counts[cut]]
        if len(rows):
            yield rows, part


def scale_of(values: Any, weight: NDArray[Any]) -> Scaling:
    """Weighted mean and standard deviation of every column of `values` (n, columns); weight: (n,), not all 0.

    values: an array, or what has its `shape` and gives some of its rows by `cut(slice)`. Rows are looked at a part at a
    time, so that a large table needs no copy in float64.

    Rows of weight 0 are left out. The scale is 1 where scikit-learn's StandardScaler has 1: variance <= n eps variance
    + (n eps mean)^2. Deviations from the first row are averaged, so that a column of one value has spread 0 exactly;
    `constant` are those, and columns that vary by the last digits of their values only, or by less than SMALLEST.
    Source: Chan, Golub & LeVeque, The American Statistician 37 (1983), for the shift and for the bound.
    """
    counts, eps = weight > 0, np.finfo(np.float64).eps
    share, first = np.zeros(len(weight)), int(counts.argmax())
    share[counts] = weight_shares(weight[counts])
    half = np.asarray(_cut(values, slice(first, first + 1))[0], dtype=np.float64) / 2.0
    spread, largest = np.zeros_like(half), np.zeros_like(half)
    for rows, _ in _counted(values, counts, share):
        deviations = rows / 2.0 - half  # halves, because a difference of two large numbers may overflow
        spread = np.maximum(spread, np.maximum(deviations.max(axis=0), -deviations.min(axis=0)))
        largest = np.maximum(largest, np.maximum(rows.max(axis=0), -rows.min(axis=0)))
    unit = np.where(spread > 0, spread, 1.0)
    mean, square = np.zeros_like(half), np.zeros_like(half)
    for rows, part in _counted(values, counts, share):
        mean += part @ ((rows / 2.0 - half) / unit)
    for rows, part in _counted(values, counts, share):
        deviations = (rows / 2.0 - half) / unit - mean
        square += np.einsum("i,ij,ij->j", part, deviations, deviations)
    center = 2.0 * (half + unit * mean)
    scale = unit * (2.0 * np.sqrt(square))
    constant = spread <= np.maximum(2.0 * eps * largest, SMALLEST)
    few = int(counts.sum()) * eps
    plain = constant | (scale * np.sqrt(max(0.0, 1.0 - few)) <= few * np.abs(center))
    return Scaling(center, np.where(plain, 1.0, scale), constant)
