"""exp for the loops: numba's own calls the C library for one number at a time, and takes ten times as long.

exp(x) = 2^k exp(r) with k = round(x / ln 2), |r| <= ln(2) / 2: the power of two is made of its bits, and exp(r) is a
polynomial. Below 4 units in the last place of the type, for x <= 0, which is all that the losses ask for. Source of the
split of ln 2 and of the float32 polynomial: Moshier, Cephes (1992); float64 takes the Taylor polynomial of degree 13.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet_numpy.compiled.jit import exact_loop

__all__ = ["exponential"]


@exact_loop
def _exponential32(values: Any) -> None:
    for i in range(values.shape[0]):
        given = values[i]
        x = max(given, np.float32(-87.0))
        k = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
        r = x - k * np.float32(0.693359375) - k * np.float32(-2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        p = p * r * r + r + np.float32(1.0)
        power = np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)
        values[i] = p * power + (given - given)  # NaN stays NaN


@exact_loop
def _exponential64(values: Any) -> None:
    for i in range(values.shape[0]):
        given = values[i]
        x = max(given, -708.0)
        k = np.floor(x * 1.4426950408889634 + 0.5)
        r = x - k * 6.93145751953125e-1 - k * 1.42860682030941723212e-6
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r * r + r + 1.0
        power = np.int64((np.int64(k) + np.int64(1023)) << np.int64(52)).view(np.float64)
        values[i] = p * power + (given - given)


@exact_loop
def exponential(values: Any) -> None:
    """In place: values <- exp(values); (n,), float32 or float64, <= 0. Below e^-87 and e^-708: those."""
    if values.itemsize == 4:
        _exponential32(values)
    else:
        _exponential64(values)
