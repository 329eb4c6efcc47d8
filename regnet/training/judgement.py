"""What a network's loss is worth: beside where it began, and beside a network that has learnt nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.memo import compile_once
from regnet.backend.placement import Placement
from regnet.backend.protocol import Backend
from regnet.mathematics.losses import has_logarithms
from regnet.networks.kernels import kernels_of
from regnet.networks.model import score
from regnet.networks.network import Network, Rows

__all__ = ["FAR_WORSE", "baseline_of", "data_losses", "exploded", "idle_losses", "largest"]

FAR_WORSE = 10.0
"""Times the loss of outputs that are all 0: no training that works ends there. (A squared error has an R2 of -9.)"""

ROSE = 2.0
"""Times its loss at the start, above which a network that is far worse than nothing has diverged: it did not begin so.

Below, as on inputs that nobody has scaled, it may be on its way.
"""


def _measured(backend: Backend, network: Network, point: Array, rows: Rows) -> tuple[Array, Array]:
    """The loss, infinite where a parameter is not finite (which a dead neuron hides), and the metric."""
    xp = array_namespace(point)
    loss, metric = score(network, backend, network.unpack(point), rows)
    sound = xp.all(xp.isfinite(point), axis=-1, keepdims=True)
    return xp.where(sound, loss, xp.full_like(loss, float("inf"))), metric


@np.errstate(all="ignore")
def data_losses(network: Network, placement: Placement, point: Array, rows: Rows, /) -> NDArray[np.float64]:
    """The mean data loss of every network, (K,), on the host; point: (..., 1, size).

    Infinite where a parameter or a prediction is not finite, whatever the loss: logarithms may be numbers whose
    exponentials are none. A loss below the smallest number of its type is computed in float64.
    """
    give = placement.backend.to_numpy
    measure = compile_once(placement.backend, _measured, placement.backend, network)
    loss, metric = (np.asarray(give(one), dtype=np.float64).reshape(-1) for one in measure(point, rows))
    if has_logarithms(network.loss_object) and not np.isfinite(metric).all():
        values = network.loss_object.predict(_outputs(network, placement, point, rows))
        finite = np.isfinite(values).reshape(len(loss), -1).all(axis=1)
        loss = np.where(finite, loss, np.inf)
    if (np.abs(loss) < np.finfo(placement.dtype).tiny).any():
        exact = _exact_loss(network, _outputs(network, placement, point, rows), rows, placement)
        loss = np.where(np.isfinite(loss), exact, loss)
    return loss


def idle_losses(network: Network, placement: Placement, rows: Rows, /) -> NDArray[np.float64]:
    """The mean data loss of outputs that are all 0, (1,) or (K,); 1 where targets are all 0, and give no scale."""
    xp, give = array_namespace(rows.y), placement.backend.to_numpy
    loss, _ = network.loss_object.value_and_grad(xp.zeros_like(rows.y), rows.y)
    losses = np.asarray(give(xp.sum(loss * rows.weight, axis=-2)), dtype=np.float64).reshape(-1)
    if not (np.isfinite(losses) & (np.abs(losses) >= np.finfo(placement.dtype).tiny)).all():
        losses = _exact_loss(network, np.zeros(rows.y.shape), rows, placement)
    return np.where(losses == 0, 1.0, losses)


def _outputs(network: Network, placement: Placement, point: Array, rows: Rows) -> NDArray[Any]:
    predict = kernels_of(placement.backend).predict
    return np.asarray(placement.backend.to_numpy(predict(network, network.unpack(point), rows.x)))


@np.errstate(all="ignore")
def _exact_loss(network: Network, outputs: Any, rows: Rows, placement: Placement) -> NDArray[np.float64]:
    """In float64 on the host, (K,)."""
    y, weight = (np.asarray(placement.backend.to_numpy(one), dtype=np.float64) for one in (rows.y, rows.weight))
    loss, _ = network.loss_object.value_and_grad(np.asarray(outputs, dtype=np.float64), y)
    return np.asarray(np.sum(np.asarray(loss) * weight, axis=-2)).reshape(-1)


def baseline_of(start: Any, idle: Any, /) -> NDArray[np.float64]:
    """What FAR_WORSE times as much is an explosion, (K,), from the losses at the start and of outputs that are 0.

    So a spike that was over by the end is no explosion, and neither is noise about a start that was a solution.
    """
    return np.asarray(np.maximum(idle, np.asarray(start) * (ROSE / FAR_WORSE)))


@np.errstate(all="ignore")
def exploded(losses: Any, baseline: Any, /) -> NDArray[np.bool_]:
    """Whether a loss is finite and yet far worse than `baseline`, (K,)."""
    return np.asarray(np.isfinite(losses) & (losses > FAR_WORSE * np.asarray(baseline)))


def largest(values: Array, placement: Placement, /) -> float:
    """The largest absolute value."""
    xp = array_namespace(values)
    return float(np.asarray(placement.backend.to_numpy(xp.max(xp.abs(values)))))
