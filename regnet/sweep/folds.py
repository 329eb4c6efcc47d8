"""The rows that networks are trained on, fold by fold, as their layers see them: transformed, standardised, encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Affine", "Fold", "scale_of"]

TOLERATED = 1e-4
"""What rounding a network in the table's own units may cost, in standard deviations."""


@final
@dataclass(frozen=True)
class Affine:
    """What standardisation did: z = (x - center) / scale, for inputs (1, in) and targets (1, outputs)."""

    x_center: NDArray[np.float64]
    x_scale: NDArray[np.float64]
    y_center: NDArray[np.float64]
    y_scale: NDArray[np.float64]

    def restore(
        self, weights: list[NDArray[Any]], biases: list[NDArray[Any]]
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """The same function as a network that takes unstandardised inputs and gives targets in their own units.

        weights: (in, out) each; biases: (out,) each. Zero rows stay exact zeros. The type stays too, unless it is too
        narrow for the table's own units: x w + b cancels digits where a mean is many standard deviations from 0, about
        eps * |mean| / scale of a standard deviation. Above TOLERATED the network comes back in float64.
        """
        dtype = self._wide_enough(weights[0].dtype)
        new_w = [np.asarray(one, dtype=np.float64) for one in weights]
        new_b = [np.asarray(one, dtype=np.float64) for one in biases]
        new_w[0] = new_w[0] / self.x_scale[0][:, None]
        new_b[0] = new_b[0] - self.x_center[0] @ new_w[0]
        new_w[-1] = new_w[-1] * self.y_scale
        new_b[-1] = new_b[-1] * self.y_scale[0] + self.y_center[0]
        return [one.astype(dtype) for one in new_w], [one.astype(dtype) for one in new_b]

    def _wide_enough(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        parts = ((self.x_center, self.x_scale), (self.y_center, self.y_scale))
        distance = max(float(np.max(np.abs(center) / scale, initial=0.0)) for center, scale in parts)
        return dtype if float(np.finfo(dtype).eps) * distance <= TOLERATED else np.dtype(np.float64)


@final
@dataclass(frozen=True)
class Fold:
    """One fold, on the host.

    x (n, in), y (n, outputs): training rows in the type that is computed in; weight (n,): theirs, float64. x_test,
    y_test, weight_test: held-out rows, x_test standardised as x is, y_test encoded but in the targets' own units;
    empty for "all rows". train, test: the rows' numbers in the user's table; transformer: fitted on the training
    rows, or None.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    weight: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    weight_test: NDArray[Any]
    affine: Affine
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    transformer: Any = None


def scale_of(values: NDArray[Any], weight: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and standard deviation of every column, (columns,); 1 for a column that is constant to rounding."""
    share = weight / weight.sum()
    values = np.asarray(values, dtype=np.float64)
    center = share @ values
    scale = np.sqrt(share @ (values - center) ** 2)
    rounding = 10.0 * np.finfo(np.float64).eps * np.abs(values).max(axis=0, initial=0.0)
    return center, np.where(scale > rounding, scale, 1.0)
