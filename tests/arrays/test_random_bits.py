"""Numbers drawn by counters."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import placement, to_numpy

from regnet.arrays.random_bits import counter_bits, keep_mask


@pytest.mark.parametrize("rate", [0.0, 1 - 2.0**-31, 1 - 2.0**-33, 1 - 2.0**-53])
def test_rates_of_dropout_at_the_ends_of_an_int32(rate, namespace, rng):
    """Kept is what is not below the rate's share of 2^32 numbers, of which one is left at least."""
    place = placement(namespace)
    key = place.put(rng.integers(-(2**31), 2**31, (1, 1)), "int32")
    rows = place.put(np.arange(300)[:, None], "int32")
    bits = to_numpy(place, counter_bits(key, rows, 8)).astype(np.int64) + 2**31
    kept = to_numpy(place, keep_mask(key, rows, 8, rate))
    assert (kept == (bits >= min(rate * 2**32, 2**32 - 1))).all()
    assert kept.all() == (rate == 0)
