"""Rows that a user gave, checked, encoded and placed on the device."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.faults import faults_of, tell
from regnet.backend.given import numbers_of
from regnet.backend.placement import Placement, to_host
from regnet.mathematics.weighting import weight_shares
from regnet.networks.network import Network, Rows
from regnet.networks.targets import encode_targets

__all__ = ["place_shares", "rows_of", "table_of"]


def rows_of(network: Network, placement: Placement, x: Any, y: Any, sample_weight: Any = None) -> Rows:
    """Checked rows on the device: x (n, in) or (K, n, in), encoded y, weights that sum to 1."""
    table = table_of(x, placement, in_features=network.in_features)
    target = numbers_of("y", y)
    if 0 in target.shape:
        raise ValueError(f"y has the shape {tuple(target.shape)}, without an entry: give one for each row of x.")
    dtype = getattr(array_namespace(target), placement.dtype)
    encoded = placement.put(encode_targets(network, target, table.ndim, dtype=dtype))
    n = table.shape[-2]
    if encoded.shape[-2] != n:
        raise ValueError(f"x has {n} rows, but y has {encoded.shape[-2]}.")
    return Rows(table, encoded, place_shares(_checked(sample_weight, n), n, placement))


def table_of(x: Any, placement: Placement, *, in_features: int) -> Array:
    """Place x on the device as (..., n, in_features), finite. Errors name the column where there is one."""
    given, x = x, numbers_of("x", x)
    if x.ndim not in (2, 3):
        raise ValueError(f"x has {x.ndim} axes, but a table (n, features) is needed, or (K, n, features) for a stack.")
    if x.shape[-1] != in_features:
        raise ValueError(f"x has {x.shape[-1]} features, but the network takes {in_features}.")
    if x.shape[-2] == 0:
        raise ValueError("x has no rows.")
    table = placement.put(x)
    if not _all_finite(table):
        raise _not_finite(given, np.asarray(placement.backend.to_numpy(table)).reshape(-1, in_features))
    return table


@np.errstate(all="ignore")
def _all_finite(table: Array) -> bool:
    """Whether all entries are finite: their sum takes no memory, and says so unless it overflows."""
    xp = array_namespace(table)
    return bool(xp.isfinite(xp.sum(table))) or bool(xp.all(xp.isfinite(table)))


def _not_finite(given: Any, table: NDArray[Any]) -> ValueError:
    """The error that tells which columns are meant; given: x, which may have names for them."""
    frame = given if hasattr(given, "columns") and faults_of(given)[1] else table
    return ValueError(tell("x", *faults_of(frame)))


def place_shares(weight: NDArray[Any] | None, n: int, placement: Placement, /) -> Array:
    """Checked weights (..., n) of n rows, None for equal ones, as (..., n, 1) with a sum of 1, on the device."""
    return placement.put((np.full(n, 1.0 / n) if weight is None else weight_shares(weight))[..., None])


def _checked(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    if sample_weight is None:
        return None
    weight = np.asarray(to_host(numbers_of("sample_weight", sample_weight)), dtype=np.float64)
    if weight.ndim == 0 or weight.shape[-1] != n:
        entries = weight.shape[-1] if weight.ndim else 1
        raise ValueError(f"sample_weight has {entries} entries, but x has {n} rows.")
    if not ((np.isfinite(weight) & (weight >= 0)).all() and (weight > 0).any(axis=-1).all()):
        raise ValueError("sample_weight must be finite, not negative, and not all 0.")
    return weight
