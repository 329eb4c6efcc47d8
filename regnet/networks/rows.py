"""Rows that a user gave, checked, encoded and placed on the device."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement, is_host_data, to_host
from regnet.mathematics.weighting import weight_shares
from regnet.networks.network import Network, Rows
from regnet.networks.targets import encode_targets

__all__ = ["place_shares", "rows_of", "table_of"]


def rows_of(network: Network, placement: Placement, x: Any, y: Any, sample_weight: Any = None) -> Rows:
    """Checked rows on the device: x (n, in) or (K, n, in), encoded y, weights that sum to 1."""
    table = table_of(x, placement, in_features=network.in_features)
    target = np.asarray(y) if is_host_data(y) else y
    if getattr(target, "dtype", None) is not None and str(target.dtype).startswith(("object", "<U", "|S", "str")):
        raise TypeError("y holds text or mixed objects: give class numbers 0, 1, ... or real values.")
    dtype = getattr(array_namespace(target), placement.dtype)
    encoded = placement.put(encode_targets(network, target, table.ndim, dtype=dtype))
    n = table.shape[-2]
    if encoded.shape[-2] != n:
        raise ValueError(f"x has {n} rows, but y has {encoded.shape[-2]}.")
    return Rows(table, encoded, place_shares(_checked(sample_weight, n), n, placement))


def table_of(x: Any, placement: Placement, *, in_features: int) -> Array:
    """Place x on the device as (..., n, in_features), finite. Errors name the column where there is one."""
    names = [str(name) for name in getattr(x, "columns", [])]
    if is_host_data(x):
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise TypeError(f"x holds values of type {x.dtype}, but a network takes numbers: encode text first.")
    if x.ndim not in (2, 3):
        raise ValueError(f"x has {x.ndim} axes, but a table (n, features) is needed, or (K, n, features) for a stack.")
    if x.shape[-1] != in_features:
        raise ValueError(f"x has {x.shape[-1]} features, but the network takes {in_features}.")
    if x.shape[-2] == 0:
        raise ValueError("x has no rows.")
    table = placement.put(x)
    xp = array_namespace(table)
    bad = ~xp.isfinite(table)
    if bool(xp.any(bad)):
        column = int(placement.backend.to_numpy(bad).reshape(-1, in_features).any(axis=0).argmax())
        name = f" ({names[column]})" if names else ""
        raise ValueError(f"x holds NaN or infinite values, first in column {column}{name}: fill or remove them.")
    return table


def place_shares(weight: NDArray[Any] | None, n: int, placement: Placement, /) -> Array:
    """Checked weights (..., n) of n rows, None for equal ones, as (..., n, 1) with a sum of 1, on the device."""
    return placement.put((np.full(n, 1.0 / n) if weight is None else weight_shares(weight))[..., None])


def _checked(sample_weight: Any, n: int) -> NDArray[np.float64] | None:
    if sample_weight is None:
        return None
    weight = np.asarray(to_host(sample_weight), dtype=np.float64)
    if weight.ndim == 0 or weight.shape[-1] != n:
        entries = weight.shape[-1] if weight.ndim else 1
        raise ValueError(f"sample_weight has {entries} entries, but x has {n} rows.")
    if not ((np.isfinite(weight) & (weight >= 0)).all() and (weight > 0).any(axis=-1).all()):
        raise ValueError("sample_weight must be finite, not negative, and not all 0.")
    return weight
