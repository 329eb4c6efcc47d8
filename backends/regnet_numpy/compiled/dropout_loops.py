"""Dropout with the bits of `regnet.arrays.random_bits`, for numbers by columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from regnet.arrays.random_bits import GOLDEN, MULTIPLIERS
from regnet_numpy.compiled.jit import choose, number, sum_loop, wide_loop

__all__ = ["drop", "mix_bits"]

_GOLDEN, (_FIRST, _SECOND) = np.uint32(GOLDEN % 2**32), [np.uint32(one % 2**32) for one in MULTIPLIERS]


@register_jitable
def mix_bits(bits: Any) -> Any:
    """`random_bits.mix` of a uint32."""
    bits = np.uint32(np.uint32(bits ^ (bits >> np.uint32(16))) * _FIRST)
    bits = np.uint32(np.uint32(bits ^ (bits >> np.uint32(15))) * _SECOND)
    return np.uint32(bits ^ (bits >> np.uint32(16)))


@sum_loop
def drop(x: Any, first: Any, noise: Any, layer: Any, threshold: Any, scale: Any) -> None:
    """In place: x <- x * scale where it is kept, 0 elsewhere; it is the way back too, of a gradient.

    x: (features, n), from number `first` on; noise: see `Noise`, of as many rows or fewer, of which the last one is
    repeated; layer: its number in the network, from which and the step's key its own is made.
    """
    wide_loop()
    zero, bits = number(x[0, 0], 0.0), noise.bits
    key = mix_bits(np.uint32(noise.key + np.uint32(layer)))
    rows = len(noise.rows)
    for i in range(rows):
        bits[i] = mix_bits(np.uint32(key ^ np.uint32(np.uint32(noise.rows[i]) * _GOLDEN)))
    for i in range(rows, x.shape[1]):
        bits[i] = bits[rows - 1]
    for j in range(x.shape[0]):
        unit = mix_bits(np.uint32(np.uint32(first + j + 1) * _GOLDEN))
        for i in range(x.shape[1]):
            kept = np.int32(mix_bits(np.uint32(bits[i] ^ unit))) >= threshold
            x[j, i] = choose(kept, x[j, i] * scale, zero)
