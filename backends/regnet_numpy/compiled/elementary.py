"""exp, log, log1p and tanh of one number, for loops: numba's own call the C library, one number at a time.

These are sums and products that become vector instructions. Below 4 units in the last place (log: 2), with the special
values of the C library's. Sources: the split of ln 2, exp's polynomial of float32: Moshier, Cephes (1992); exp of
float64: Taylor's polynomial of degree 13; tanh: 2^r - 1 for |r| <= 1/2, in float32 with the least largest relative
error (Lawson's weights; 1e-8), in float64 Taylor's; log: Sun's fdlibm (1993).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import overload

from regnet_numpy.compiled.jit import choose, number, scalar

__all__ = ["exponential", "hyperbolic_tangent", "logarithm", "logarithm_1p"]


@scalar
def _power32(k: Any) -> Any:
    """2^k, for a whole number k from -126 to 127."""
    return np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)


@scalar
def _power64(k: Any) -> Any:
    return np.int64((np.int64(k) + np.int64(1023)) << np.int64(52)).view(np.float64)


@scalar
def _split32(x: Any) -> Any:
    """The whole number k nearest to x / ln 2, and exp(x - k ln 2), a polynomial."""
    k = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - k * np.float32(0.693359375) - k * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    return k, p * r * r + r + np.float32(1.0)


@scalar
def _split64(x: Any) -> Any:
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
    return k, p * r * r + r + 1.0


@scalar
def _exponential32(x: Any) -> Any:
    k, p = _split32(min(max(x, np.float32(-104.0)), np.float32(89.0)))
    half = np.floor(k * np.float32(0.5))  # two powers, for one alone overflows, or underflows, before exp(x) does
    result = p * _power32(half) * _power32(k - half)
    return choose(x == x, result, x)


@scalar
def _exponential64(x: Any) -> Any:
    k, p = _split64(min(max(x, -746.0), 710.0))
    half = np.floor(k * 0.5)
    result = p * _power64(half) * _power64(k - half)
    return choose(x == x, result, x)


@scalar
def _tanh32(x: Any) -> Any:
    """E / (E + 2), where E = exp(2x) - 1 = 2^k (2^r - 1) + (2^k - 1); k + r = 2x / ln 2, k the nearest whole number.

    Beside 1.5 x 2^23 a number has no bits for a fraction, and k in its last ones. NaN stays what it is.
    """
    t = x * np.float32(2.8853900817779268)
    t = choose(t < np.float32(-30.0), np.float32(-30.0), t)
    t = choose(t > np.float32(30.0), np.float32(30.0), t)
    rounded = np.float32(t + np.float32(12582912.0))
    r = t - (rounded - np.float32(12582912.0))
    p = np.float32(1.5403512725986818e-4)
    p = p * r + np.float32(1.3390735645876827e-3)
    p = p * r + np.float32(9.618237494570312e-3)
    p = p * r + np.float32(5.550357433322369e-2)
    p = p * r + np.float32(2.4022649794956752e-1)
    p = p * r + np.float32(6.931471879267559e-1)
    bits = rounded.view(np.int32)
    power = np.int32(np.int32(bits << np.int32(23)) + np.int32(0x3F800000)).view(np.float32)
    e = power * (p * r) + (power - np.float32(1.0))
    return e / (e + np.float32(2.0))


@scalar
def _tanh64(x: Any) -> Any:
    t = x * 2.8853900817779268
    t = choose(t < -60.0, -60.0, t)
    t = choose(t > 60.0, 60.0, t)
    rounded = np.float64(t + 6755399441055744.0)  # 1.5 x 2^52
    r = t - (rounded - 6755399441055744.0)
    p = 6.778726354822543e-14
    p = p * r + 1.3691488853904124e-12
    p = p * r + 2.5678435993488196e-11
    p = p * r + 4.44553827187081e-10
    p = p * r + 7.054911620801121e-09
    p = p * r + 1.0178086009239696e-07
    p = p * r + 1.3215486790144305e-06
    p = p * r + 1.5252733804059838e-05
    p = p * r + 1.5403530393381606e-4
    p = p * r + 1.3333558146428441e-3
    p = p * r + 9.618129107628477e-3
    p = p * r + 5.5504108664821576e-2
    p = p * r + 2.402265069591007e-1
    p = p * r + 6.931471805599453e-1
    power = np.int64((rounded.view(np.int64) << np.int64(52)) + np.int64(0x3FF0000000000000)).view(np.float64)
    e = power * (p * r) + (power - 1.0)
    return e / (e + 2.0)


@scalar
def _log_of_one_plus(f: Any, k: Any, r: Any, high: Any, low: Any) -> Any:
    """Returns k ln 2 + log(1 + f), 1/2 <= (1 + f)^2 <= 2; high + low: ln 2; r: a polynomial in (f / (2 + f))^2."""
    half = number(f, 0.5) * f * f
    s = f / (number(f, 2.0) + f)
    return k * high - ((half - (s * (half + r) + k * low)) - f)


@scalar
def _log32(x: Any) -> Any:
    bits = np.float32(x).view(np.int32)
    k = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))
    f = np.int32(bits - np.int32(k << np.int32(23))).view(np.float32) - np.float32(1.0)
    s = f / (np.float32(2.0) + f)
    z = s * s
    r = np.float32(0.24279078841)
    r = r * z + np.float32(0.28498786688)
    r = r * z + np.float32(0.40000972152)
    r = r * z + np.float32(0.66666662693)
    result = _log_of_one_plus(f, np.float32(k), r * z, np.float32(6.9313812256e-01), np.float32(9.0580006145e-06))
    special = choose(x == np.float32(0.0), np.float32(-np.inf), choose(x > np.float32(0.0), x, np.float32(np.nan)))
    return choose((x > np.float32(0.0)) & (x < np.float32(np.inf)), result, special)


@scalar
def _log64(x: Any) -> Any:
    bits = np.float64(x).view(np.int64)
    k = (bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    f = np.int64(bits - (k << np.int64(52))).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = r * z + 6.666666666666735130e-01
    result = _log_of_one_plus(f, np.float64(k), r * z, 6.93147180369123816490e-01, 1.90821492927058770002e-10)
    return choose((x > 0.0) & (x < np.inf), result, choose(x == 0.0, -np.inf, choose(x > 0.0, x, np.nan)))


def _of(single: Callable[..., Any], double: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function of either type, by the type that a loop hands it."""

    def function(x: Any) -> Any:
        raise TypeError(f"{name} is for loops.")

    @overload(function, strict=False, jit_options={"error_model": "numpy", "fastmath": {"contract"}})
    def chosen(x: Any) -> Callable[..., Any]:
        own = single if x == types.float32 else double
        return lambda x: own(x)

    return function


exponential = _of(_exponential32, _exponential64, "exponential")
hyperbolic_tangent = _of(_tanh32, _tanh64, "hyperbolic_tangent")
logarithm = _of(_log32, _log64, "logarithm")


@scalar
def logarithm_1p(x: Any) -> Any:
    """log(1 + x) for x >= 0: log of the rounded sum u, and what that left of x, x - (u - 1), divided by u."""
    one = number(x, 1.0)
    u = one + x
    result = logarithm(u) + (x - (u - one)) / u
    return choose(u < number(x, np.inf), result, u)
