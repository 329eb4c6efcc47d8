"""Losses of values by their residuals, in the values' own units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, final

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.reductions import sum_outputs
from regnet.arrays.types import Array
from regnet.mathematics.locations import huber_location, weighted_mean, weighted_quantile
from regnet.mathematics.losses.loss import Loss, zero_like

__all__ = ["AbsoluteError", "Huber", "Quantile", "Quantiles", "SquaredError", "as_columns"]


class _OfResiduals:
    """What losses of real targets share: the outputs are the predictions."""

    metric: ClassVar[str] = "r2"
    kind: ClassVar[str] = "regression"

    def predict(self, outputs: Array, /) -> Array:
        """Return the outputs themselves."""
        return outputs


@final
@dataclass(frozen=True)
class SquaredError(_OfResiduals):
    """1/2 * sum_k (z_k - y_k)^2, whose gradient is z - y.

    The 1/2 is scikit-learn's, glmnet's and ElasticNet's.
    """

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient by the class's formulas."""
        residual = outputs - targets
        return 0.5 * sum_outputs(residual * residual), residual

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the mean."""
        return weighted_mean(targets, share)


@final
@dataclass(frozen=True)
class AbsoluteError(_OfResiduals):
    """The absolute error sum_k |z_k - y_k|, whose minimiser is the median.

    Its gradient is sign(z - y), 0 where they are equal.
    """

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient by the class's formulas."""
        xp = array_namespace(outputs)
        residual = outputs - targets
        return sum_outputs(xp.abs(residual)), xp.sign(residual)

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the median."""
        return weighted_quantile(targets, share, 0.5)


@final
@dataclass(frozen=True)
class Huber(_OfResiduals):
    """Huber's loss: r^2 / 2 where |r| <= delta, delta * (|r| - delta / 2) beyond; r = z - y, summed over outputs.

    Its gradient is r limited to [-delta, delta].

    Parameters
    ----------
    delta : float, default 1.0
        Where the parabola ends, > 0, in units of the target.

    Raises
    ------
    ValueError
        If delta is not positive.

    References
    ----------
    Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        """A threshold of 0 or less is no loss."""
        if not self.delta > 0:
            raise ValueError(f"Huber(delta={self.delta}): delta must be positive.")

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient; with c the limited residual, the loss is c (r - c / 2) in both ranges."""
        xp = array_namespace(outputs)
        residual = outputs - targets
        delta = zero_like(outputs) + self.delta
        limited = xp.minimum(xp.maximum(residual, -delta), delta)
        return sum_outputs(limited * (residual - 0.5 * limited)), limited

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: Huber's location."""
        return huber_location(targets, share, self.delta)


@final
@dataclass(frozen=True)
class Quantile(_OfResiduals):
    """The pinball loss sum_k max(level (y_k - z_k), (level - 1) (y_k - z_k)), whose minimiser is a quantile.

    Of the targets a share `level` lies below the prediction; at 0.5 it is half of AbsoluteError. Its gradient is
    1 - level where z > y, -level where z < y, and 0 where they are equal.

    Parameters
    ----------
    level : float, default 0.5
        The share of targets below the prediction, above 0 and below 1.

    Raises
    ------
    ValueError
        If level is not between 0 and 1.

    References
    ----------
    Koenker & Bassett, Regression quantiles, Econometrica 46 (1978).
    """

    level: float = 0.5

    def __post_init__(self) -> None:
        """At 0 and 1 the minimiser is infinite."""
        if not 0 < self.level < 1:
            raise ValueError(f"Quantile(level={self.level}): level must be above 0 and below 1.")

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient; the slope is sign(r) / 2 + 1/2 - level but for r = 0, where it is 0."""
        xp = array_namespace(outputs)
        residual = outputs - targets
        sign = xp.sign(residual)
        slope = 0.5 * sign + (0.5 - self.level) * xp.abs(sign)
        return sum_outputs(slope * residual), slope

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the quantile."""
        return weighted_quantile(targets, share, self.level)


@final
@dataclass(frozen=True)
class Quantiles(_OfResiduals):
    """Several quantiles of one target at once: output k has the pinball loss of levels[k]; see `Quantile`.

    The network has an output for each level, which learn from the same target: its columns are repeated. Predictions
    do not cross: they are the outputs in ascending order, which are never further from the quantiles than the outputs
    themselves, nor have a larger loss.

    Parameters
    ----------
    levels : sequence of float, default (0.1, 0.5, 0.9)
        The shares of targets below the predictions, two or more, ascending, above 0 and below 1.

    Raises
    ------
    ValueError
        For levels that are not.

    References
    ----------
    Chernozhukov, Fernandez-Val & Galichon, Quantile and probability curves without crossing, Econometrica 78 (2010).
    """

    levels: Sequence[float] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        """Keep them as a tuple, so that equal losses are equal, with a hash."""
        levels = tuple(float(level) for level in self.levels) if isinstance(self.levels, Iterable) else ()
        if len(levels) < 2 or not all(low < high for low, high in pairwise((0.0, *levels, 1.0))):
            raise ValueError(
                f"Quantiles(levels={self.levels!r}): give two levels or more, ascending, above 0 and below 1; "
                "Quantile(level) has one."
            )
        object.__setattr__(self, "levels", levels)

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient, each column by its own level; the slope is `Quantile`'s."""
        xp = array_namespace(outputs)
        residual = outputs - targets
        sign = xp.sign(residual)
        lift = xp.asarray([0.5 - level for level in self.levels], dtype=outputs.dtype, device=device_of(outputs))
        slope = 0.5 * sign + lift * xp.abs(sign)
        return sum_outputs(slope * residual), slope

    def predict(self, outputs: Array, /) -> Array:
        """Return the outputs in ascending order."""
        return array_namespace(outputs).sort(outputs, axis=-1)

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the quantiles."""
        columns = np.asarray(targets)
        found = [weighted_quantile(columns[:, [k]], share, level)[0] for k, level in enumerate(self.levels)]
        return np.asarray(found)


def as_columns(loss: Loss, y: Array, /) -> Array:
    """Targets (..., n, columns), one column for each of the network's outputs: the only one is repeated by quantiles.

    Raises ValueError for quantiles of several targets.
    """
    if type(loss) is not Quantiles:
        return y
    if y.shape[-1] != 1:
        raise ValueError(f"{loss} is of one target, but y has {y.shape[-1]} columns: fit each of them alone.")
    return array_namespace(y).concat([y] * len(loss.levels), axis=-1)
