"""Random bits as a pure function of counters: no state, the same bits on every array library.

All arithmetic is on int32, which wraps around everywhere; the mixing function is Chris Wellons' `lowbias32` (2018),
whose bias is small for neighbouring counters.
"""

from __future__ import annotations

from array_api_compat import device as device_of

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array

__all__ = ["GOLDEN", "MULTIPLIERS", "counter_bits", "keep_mask", "keep_threshold", "mix"]


def _signed(value: int) -> int:
    """The int32 that has the bits of an unsigned 32-bit number."""
    return value - (1 << 32) if value >= (1 << 31) else value


MULTIPLIERS = _signed(0x7FEB352D), _signed(0x846CA68B)
GOLDEN = _signed(0x9E3779B9)


def _shift_right(bits: Array, count: int) -> Array:
    """A logical shift; int32 shifts copy the sign bit, so it is masked away."""
    return (bits >> count) & ((1 << (32 - count)) - 1)


def mix(bits: Array, /) -> Array:
    """A one-to-one map of int32 that scatters neighbours. bits: int32, at least 1-D (0-d would warn on NumPy)."""
    bits = (bits ^ _shift_right(bits, 16)) * MULTIPLIERS[0]
    bits = (bits ^ _shift_right(bits, 15)) * MULTIPLIERS[1]
    return bits ^ _shift_right(bits, 16)


def counter_bits(key: Array, rows: Array, units: int, /) -> Array:
    """Uniform int32 for every (row, unit); key: (..., 1, 1), rows: (..., n, 1), both int32. Returns (..., n, units)."""
    xp = array_namespace(rows)
    row_bits = mix(key ^ (rows * GOLDEN))
    unit = xp.arange(units, dtype=rows.dtype, device=device_of(rows))
    return mix(row_bits ^ mix((unit[None, :] + 1) * GOLDEN))


def keep_mask(key: Array, rows: Array, units: int, rate: float, /) -> Array:
    """Boolean (..., n, units), False with probability `rate` (to 2^-32), independently for every row and unit."""
    return counter_bits(key, rows, units) >= keep_threshold(rate)


def keep_threshold(rate: float, /) -> int:
    """From which bits on a number is kept; 0 <= rate < 1: one in 2^32 at least, so that it is an int32 too."""
    return min(round(rate * 2**32) - 2**31, 2**31 - 1)
