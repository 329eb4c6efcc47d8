"""Targets as the losses take them: a floating matrix with one column an output."""

from __future__ import annotations

from typing import Any

import array_api_extra as xpx

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.losses import as_columns, get_loss
from regnet.networks.network import Network

__all__ = ["encode_targets"]


def encode_targets(network: Network, y: Array, n_axes: int, /, *, dtype: Any) -> Array:
    """`y` as (..., n, out_features) of `dtype`, on its own device.

    network: its loss says what targets are. y: class numbers (..., n) for categorical cross-entropy, or one-hot
    rows; 0 or 1, or values (..., n) or (..., n, out) for the others. n_axes: number of axes of the x
    that y belongs to, which tells a matrix of targets from a stack of target vectors.
    Raises ValueError for targets that the loss or the network's width does not allow.
    """
    loss, width = get_loss(network.loss), network.out_features
    kind = loss.kind
    xp = array_namespace(y)
    if y.ndim == n_axes - 1:
        encoded = _one_hot(y, width, dtype) if kind == "multiclass" else xp.astype(y, dtype)[..., None]
    else:
        encoded = xp.astype(y, dtype)
    encoded = as_columns(loss, encoded)
    if encoded.ndim != n_axes or encoded.shape[-1] != width:
        raise ValueError(
            f"y has shape {tuple(y.shape)}, but the network has {width} output{'s' if width > 1 else ''}: give "
            f"{'class numbers (n,) or one-hot rows' if kind == 'multiclass' else 'values'} (n, {width})."
        )
    _check_values(kind, encoded)
    return encoded


def _one_hot(y: Array, classes: int, dtype: Any) -> Array:
    xp = array_namespace(y)
    if xp.isdtype(y.dtype, "bool"):
        y = xp.astype(y, xp.int32)
    elif not xp.isdtype(y.dtype, "integral"):
        if not bool(xp.all(xp.isfinite(y))):
            raise ValueError("y holds NaN or infinite values: remove those rows first.")
        rounded = xp.round(y)
        if not bool(xp.all(rounded == y)):
            raise ValueError("y holds fractions, but this loss takes class numbers 0, 1, ... or one-hot rows.")
        y = rounded
    low, high = int(xp.min(y)), int(xp.max(y))  # of y itself: in a narrower type they could be other numbers
    if low < 0 or high >= classes:
        raise ValueError(
            f"y holds class numbers from {low:.9g} to {high:.9g}, but the network has {classes} outputs: number "
            f"the classes 0 to {classes - 1}, or give the network an output for each."
        )
    return xpx.one_hot(xp.astype(y, xp.int32), classes, dtype=dtype)


def _check_values(kind: str, y: Array) -> None:
    xp = array_namespace(y)
    if not bool(xp.all(xp.isfinite(y))):
        raise ValueError("y holds NaN or infinite values: remove those rows first.")
    if kind == "nonnegative" and bool(xp.any(y < 0)):
        raise ValueError("y holds negative values, but this loss (Poisson, Tweedie) is for values of 0 or more.")
    if kind == "positive" and bool(xp.any(y <= 0)):
        raise ValueError("y holds values of 0 or less, but the Gamma loss is for values above 0: Tweedie takes 0 too.")
    if kind == "binary" and bool(xp.any((y < 0) | (y > 1))):
        raise ValueError("y holds values outside [0, 1], but the binary cross-entropy takes 0, 1 or probabilities.")
    if kind == "multiclass":
        sums = xp.sum(y, axis=-1)
        if bool(xp.any(y < 0)) or bool(xp.any(xp.abs(sums - 1.0) > 1e-3)):
            raise ValueError(
                "y is a matrix whose rows are not probabilities: give one-hot rows, or class numbers (n,)."
            )
