"""What of a gradient is summed and updated by one task, and whether wide layers' weights have theirs late.

Tiles share a network's rows among threads, and each has a gradient by all weights. Where these are many and a tile's
rows few, to write a gradient for each tile and to add them up takes as long as a product. There a tile's values stay,
and once all tiles have theirs a task multiplies those of some weights, over the tiles, and updates them from its cache.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from regnet.arrays.types import Array
from regnet_numpy.compiled.plan import INPUTS, OUTPUTS, START, WIDE, Plan, is_narrow
from regnet_numpy.gradients import THREADED_PARAMETERS, cuts_of
from regnet_numpy.types import Network

__all__ = ["comes_late", "parts_of"]

PART = 2**18
"""Weights of a task, at most: BLAS copies a tile's values for each (256 x 784 -> 512 -> 10 in 2, 4 and 8 tasks: 2.97,
3.04 and 3.29 ms)."""

LATE = 2
"""Weights for a number of a tile's values from which they come late. Ms a step so and otherwise, two threads: 64 x 784
-> 512 -> 10 (24 weights for a number) 1.64 and 1.97, 256 rows (6) 2.97 and 3.32, 512 rows (3) 5.0 and 5.2, 4,096 x 784
-> 1,024 -> 10 (1.5) 80 and 76."""


def comes_late(network: Network, found: Plan, tile: int, /) -> bool:
    """Whether weights are so many more than a tile's values, and enough to be shared."""
    parameters: int = network.layout.size
    values: int = tile * sum(layer.out_features for layer in network.dense_layers)
    return not is_narrow(found) and parameters >= max(THREADED_PARAMETERS, LATE * values)


def parts_of(found: Plan, point: Array, /) -> Array:
    """Parts of the entries of a network's point, (parts, 3); see `Job.parts`."""
    size = point.shape[-1]
    if not found.late:
        return np.asarray([(*cut.indices(size)[:2], -1) for cut in cuts_of(point.reshape(-1, size)[:1])])
    parts: list[tuple[int, int, int]] = []
    reached = 0
    for layer in np.flatnonzero(found.layers[:, WIDE]):
        inputs, outputs, start = (int(found.layers[layer, what]) for what in (INPUTS, OUTPUTS, START))
        if reached < start:
            parts.append((reached, start, -1))
        each = -(-inputs // (2 * -(-inputs * outputs // (2 * PART))))
        cuts = [*range(0, inputs, each), inputs]
        parts += [(start + a * outputs, start + b * outputs, int(layer)) for a, b in pairwise(cuts)]
        reached = start + inputs * outputs
    return np.asarray([*parts, (reached, size, -1)])
