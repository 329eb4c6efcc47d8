"""Numbers below the smallest normal one while networks train, and afterwards."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from regnet import get_backend
from regnet_numpy import subnormal, threads
from regnet_numpy.threads import parallel_map

pytestmark = pytest.mark.usefixtures("two_threads")

KNOWN = sys.platform == "linux" and platform.machine() in subnormal.CONTROLS
needs_control = pytest.mark.skipif(not KNOWN, reason=f"not known how {platform.machine()} is told on {sys.platform}")


def halves(*args):
    """Half the smallest normal number, of both types; the factors are read anew, so that nothing is known before."""
    return [float((np.finfo(dtype).smallest_normal * np.ones(1, dtype) * dtype(0.5))[0]) for dtype in TYPES]


TYPES = (np.float32, np.float64)
EXACT = [float(np.finfo(dtype).smallest_normal) / 2 for dtype in TYPES]


@needs_control
def test_they_are_0_in_a_session_and_nowhere_else():
    """In the thread of the session, in those that help it, and again after one inside of it."""
    session = get_backend("numpy").session
    assert halves() == EXACT
    with session():
        assert halves() == [0, 0]
        assert parallel_map(halves, range(8)) == [[0, 0]] * 8
        with session():
            assert halves() == [0, 0]
        assert halves() == [0, 0]
    assert halves() == EXACT
    with pytest.raises(ValueError, match="in it"), session():
        raise ValueError("in it")
    assert halves() == EXACT


@needs_control
def test_they_are_0_in_a_thread_of_the_pool_whoever_starts_it():
    """Threads compute as the one that starts them, which may be in no session."""
    with ThreadPoolExecutor(1, initializer=threads._quiet_worker) as pool:
        assert pool.submit(halves).result() == [0, 0]


@needs_control
def test_small_predictions_keep_them():
    with get_backend("numpy").session(elements=10):
        assert halves() == EXACT


def test_elsewhere_nothing_changes(monkeypatch):
    """A system that this is not known of computes as it did."""
    monkeypatch.setattr(sys, "platform", "other")
    subnormal._library.cache_clear()
    try:
        with get_backend("numpy").session():
            assert halves() == EXACT
    finally:
        subnormal._library.cache_clear()
