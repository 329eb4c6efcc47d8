"""Exposure: counts and amounts over unequal times, areas or insured years, as rates whose rows weigh accordingly."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.given import numbers_of
from regnet.backend.placement import Placement, dtype_name, is_host_data, to_host
from regnet.mathematics.losses import Gamma, Loss, Poisson, Tweedie, get_loss
from regnet.mathematics.weighting import RowWeights, combine_weights, weight_shares

__all__ = ["LogExposure", "Rates", "as_rates", "log_exposure", "shifted", "with_exposure"]

LogExposure = NDArray[np.float64] | None
"""Logarithms (n,) on the host: what is added to a network's output; None: all rows were exposed alike."""


LARGEST = 200.0
"""Logarithm of an exposure, with either sign: beyond it squares of rates and their weights leave float64."""


class Rates(NamedTuple):
    """y (n,) or (n, outputs) per unit of exposure, where the caller has it; weight (n,) on the host or None; log_unit:

    the logarithm of that unit, in the caller's.
    """

    y: Array
    weight: RowWeights
    log_unit: float


def log_exposure(offset: Any, exposure: Any, rows: int, loss: str | Loss, /) -> LogExposure:
    """The logarithm of each row's exposure, (rows,), from either of the two arguments.

    Raises ValueError for both, for values that are no exposure, and for a loss whose predictions are no rates.
    """
    if offset is None and exposure is None:
        return None
    if offset is not None and exposure is not None:
        raise ValueError("offset is the logarithm of exposure: give one of them.")
    _power(loss)
    name = "offset" if exposure is None else "exposure"
    given = to_host(numbers_of(name, offset if exposure is None else exposure))
    values = np.asarray(given, dtype=np.float64)
    if values.shape not in ((), (rows,), (rows, 1)):
        raise ValueError(f"{name} has the shape {values.shape}, but X has {rows} rows: give one number a row.")
    values = np.broadcast_to(values, (rows,)) if values.ndim == 0 else values.reshape(rows)
    with np.errstate(all="ignore"):
        logs = values if exposure is None else np.log(values)
    if not (np.abs(logs) <= LARGEST).all():
        bounds = f"lie between -{LARGEST:g} and {LARGEST:g}" if exposure is None else "be finite and above 0"
        raise ValueError(f"{name} must {bounds}: leave out rows that were not exposed, which say nothing of a rate.")
    return np.asarray(logs)


def as_rates(
    y: Array, weight: RowWeights, logs: LogExposure, loss: str | Loss, /, placement: Placement | None = None
) -> Rates:
    """The problem without exposures that has the same minimiser, and the same objective.

    For variances that grow as mean^p half the deviance of y and the mean e m, which a rate m has at exposure e, is

        e^(2 - p) deviance(y / e, m) / 2

    so that rates y / e with weights w e^(2 - p) are learnt. Exposures are taken in units of their mean, by which the
    weights keep their sum, and the strength of a penalty its meaning, whether they were days or years. placement: of y
    where it is not on the host.
    """
    if logs is None:
        return Rates(y, weight, 0.0)
    power = 2.0 - _power(loss)
    share = np.full(len(logs), 1.0 / len(logs)) if weight is None else weight_shares(weight)
    highest = float(logs[share > 0].max())
    if power:
        log_unit = highest + float(np.log(share @ np.exp(np.minimum(power * (logs - highest), 0.0)))) / power
    else:
        log_unit = float(share @ logs)
    exposures = np.exp(logs - log_unit)
    if power:
        rows = exposures**power
        weight = rows if weight is None else combine_weights(weight, rows)
    if placement is not None and not is_host_data(y):
        exposures = placement.put(exposures)
        y = array_namespace(y).astype(y, exposures.dtype)
    return Rates(y / (exposures if y.ndim == 1 else exposures[:, None]), weight, log_unit)


def with_exposure(values: Array, logs: LogExposure, /) -> Array:
    """What is expected of rows (n,) or (n, outputs) whose rates per unit of exposure are `values`."""
    if logs is None:
        return values
    exposures = np.exp(logs).astype(dtype_name(values))
    given = array_namespace(values).asarray(exposures, device=device_of(values))
    return values * (given if values.ndim == 1 else given[:, None])


def shifted(biases: list[Array], logs: float, /) -> list[Array]:
    """Biases whose last ones are larger by `logs`: the same network, for rates of another unit of exposure."""
    return [*biases[:-1], biases[-1] + logs] if logs else biases


def _power(loss: str | Loss) -> float:
    """The exponent of the mean in the variance. Raises ValueError for a loss that has none."""
    found = get_loss(loss)
    if type(found) is Tweedie:
        return found.power
    powers: dict[Any, float] = {Poisson: 1.0, Gamma: 2.0}
    if type(found) not in powers:
        raise ValueError(
            f"loss={loss!r} has no rates that an exposure multiplies: use 'poisson', 'gamma' or 'tweedie'; for a loss "
            "of residuals subtract the offset from y."
        )
    return powers[type(found)]
