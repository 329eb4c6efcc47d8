"""Which rows make which batch: tables of row numbers, drawn on the host."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["epoch_table"]


def epoch_table(rngs: list[np.random.Generator], n: int, batch_size: int, *, shuffle: bool) -> NDArray[np.int32]:
    """Every row once, in batches: int32 (K, steps, batch_size), one permutation for each generator.

    The last batch is filled up with -1, which stands for no row, so that all batches have one shape.
    """
    steps = -(-n // batch_size)
    table = np.full((len(rngs), steps * batch_size), -1, dtype=np.int32)
    for k, rng in enumerate(rngs):
        table[k, :n] = rng.permutation(n) if shuffle else np.arange(n)
    return table.reshape(len(rngs), steps, batch_size)
