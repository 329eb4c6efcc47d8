"""Scores of predictions, as weighted sums over rows that a backend may add up block by block.

`rows(predictions, targets)` gives (..., n, m); the weighted sum over rows, (..., 1, m), goes through `finish`, with
the same sum of a trivial prediction for those scores that compare with one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.losses.loss import Loss, knows_constant
from regnet.mathematics.losses.residuals import Quantiles
from regnet.mathematics.weighting import weight_shares

__all__ = [
    "METRICS",
    "R2",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Metric",
    "d2_by_network",
    "d2_of",
    "r2_by_network",
    "r2_of",
]


class Metric(Protocol):
    """A score; more is better."""

    @property
    def name(self) -> str:
        """What people call it."""

    def rows(self, predictions: Array, targets: Array, /) -> Array:
        """Each row's contribution, (..., n, m)."""

    def finish(self, sums: Array, targets: Array, weight: Array, /) -> Array:
        """The score, (..., 1, 1), from the weighted sums (..., 1, m); weight: (..., n, 1), sums to 1."""


@dataclass(frozen=True)
class _Accuracy:
    """A share of rows."""

    name: str = "accuracy"

    def finish(self, sums: Array, targets: Array, weight: Array, /) -> Array:
        """The sum itself, without the rounding of weights that add up to 1 but for their last digits."""
        return array_namespace(sums).minimum(sums, array_namespace(sums).ones_like(sums))


@final
@dataclass(frozen=True)
class CategoricalAccuracy(_Accuracy):
    """The share of rows whose most probable class is the target's."""

    def rows(self, predictions: Array, targets: Array, /) -> Array:
        """1 where the largest entries stand in the same column (the first one on a tie)."""
        xp = array_namespace(predictions)
        same = xp.argmax(predictions, axis=-1, keepdims=True) == xp.argmax(targets, axis=-1, keepdims=True)
        return xp.astype(same, predictions.dtype)


@final
@dataclass(frozen=True)
class BinaryAccuracy(_Accuracy):
    """The share of rows in which every yes-or-no answer is right (scikit-learn's subset accuracy)."""

    def rows(self, predictions: Array, targets: Array, /) -> Array:
        """1 where predictions and targets lie on the same side of 1/2 in every column."""
        xp = array_namespace(predictions)
        return xp.astype(xp.all((predictions > 0.5) == (targets > 0.5), axis=-1, keepdims=True), predictions.dtype)


@final
@dataclass(frozen=True)
class R2:
    """1 - residual / total sum of squares, averaged over outputs; scikit-learn's r2_score.

    An output whose target is the same in every row of weight > 0 counts 1 if it is met exactly, else 0.
    """

    name: str = "r2"

    def rows(self, predictions: Array, targets: Array, /) -> Array:
        """Squared residuals, (..., n, out)."""
        residual = predictions - targets
        return residual * residual

    def finish(self, sums: Array, targets: Array, weight: Array, /) -> Array:
        """sums: weighted residual sum of squares by output."""
        xp = array_namespace(sums)
        # Seen from one of its own values, a constant target is exactly 0, whatever the rounding of its mean.
        lowest = xp.min(targets, axis=-2, keepdims=True)
        shifted = targets - xp.max(xp.where(weight > 0, targets, lowest), axis=-2, keepdims=True)
        centred = shifted - xp.sum(weight * shifted, axis=-2, keepdims=True)
        total = xp.sum(weight * (centred * centred), axis=-2, keepdims=True)
        exact = xp.astype(sums == 0, sums.dtype)
        varies = total > 0
        score = 1.0 - sums / xp.where(varies, total, xp.ones_like(total))
        return xp.mean(xp.where(varies, score, exact), axis=-1, keepdims=True)


def r2_of(targets: NDArray[Any], predictions: NDArray[Any], weight: NDArray[Any] | None = None, /) -> float:
    """R2 of arrays on the host, (n, outputs) each, in float64; weight: (n,), >= 0, or None for equal ones.

    >>> r2_of(np.full((7, 1), 0.1), np.full((7, 1), 0.2))
    0.0
    """
    share = weight_shares(np.ones(len(targets)) if weight is None else weight)
    return float(r2_by_network(targets, predictions, share))


def r2_by_network(
    targets: NDArray[Any], predictions: NDArray[Any], share: NDArray[np.float64], /
) -> NDArray[np.float64]:
    """R2 of several networks' predictions (..., n, outputs) of targets (n, outputs), (...); share: `weight_shares`."""
    targets, predictions = (np.asarray(values, dtype=np.float64) for values in (targets, predictions))
    sums = (share[:, None] * R2().rows(predictions, targets)).sum(axis=-2, keepdims=True)
    return np.asarray(R2().finish(sums, targets, share[:, None])[..., 0, 0])


def d2_of(targets: NDArray[Any], outputs: NDArray[Any], weight: NDArray[Any] | None, loss: Loss, /) -> float:
    """D2 of arrays on the host, (n, outputs) each, in float64; weight: (n,), >= 0, or None for equal ones.

    See `d2_by_network`.
    """
    share = weight_shares(np.ones(len(targets)) if weight is None else weight)
    return float(d2_by_network(targets, outputs, share, loss))


def d2_by_network(
    targets: NDArray[Any], outputs: NDArray[Any], share: NDArray[np.float64], loss: Loss, /
) -> NDArray[np.float64]:
    """The share of the best constant's loss that networks save: 1 - loss(outputs) / loss(constant), (...).

    outputs: (..., n, outputs), before `loss.predict`; targets: (n, outputs); share: `weight_shares`. Several outputs
    are averaged, as of R2, but for the levels of Quantiles, whose losses are added. A target that is the same in every
    row of weight > 0 counts 1 if it is met exactly, else 0. R2 for the squared error. Sources: scikit-learn's
    d2_pinball_score, d2_absolute_error_score and d2_tweedie_score; Hastie, Tibshirani & Wainwright, Statistical
    Learning with Sparsity, 2015, equation 3.11. Raises TypeError for a loss without `constant`.
    """
    ordered = loss.predict if type(loss) is Quantiles else None
    if not knows_constant(loss):
        raise TypeError(f"{loss!r} has no `constant`, the best prediction without inputs that D2 compares with.")
    targets, outputs = (np.asarray(values, dtype=np.float64) for values in (targets, outputs))
    if ordered is not None:
        return _saved(targets, ordered(outputs), share, loss)
    columns = ([number] for number in range(targets.shape[-1]))
    return np.asarray(np.mean([_saved(targets[:, one], outputs[..., one], share, loss) for one in columns], axis=0))


def _saved(targets: Any, outputs: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    """D2 of outputs whose losses are added."""

    def mean_loss(of: Any) -> NDArray[np.float64]:
        return np.asarray((loss.value_and_grad(of, targets)[0][..., 0] * share).sum(axis=-1))

    found, used = mean_loss(outputs), targets[share > 0]
    if (used == used[0]).all():
        return np.asarray(found == 0, dtype=np.float64)
    return np.asarray(1.0 - found / mean_loss(np.broadcast_to(loss.constant(targets, share), targets.shape)))


METRICS: dict[str, Metric] = {
    "categorical_accuracy": CategoricalAccuracy(),
    "binary_accuracy": BinaryAccuracy(),
    "r2": R2(),
}
