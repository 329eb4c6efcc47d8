"""The line search ends at a Wolfe point."""

from __future__ import annotations

import numpy as np
import pytest

from regnet.solvers.line_search import Trial, line_search

CURVES = {
    "far": (lambda t: (t - 50.0) ** 2, lambda t: 2 * (t - 50.0), 1.0),
    "near": (lambda t: (t - 1e-3) ** 2, lambda t: 2 * (t - 1e-3), 1.0),
    "wiggly": (lambda t: -t - np.sin(5 * t) / 3 + t**4 / 50, lambda t: -1 - 5 * np.cos(5 * t) / 3 + 2 * t**3 / 25, 1.0),
    "more-thuente 1": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2, 1e3),
}


def drive(value, slope, first):
    """Run a search to its end: the last step, and whether it may be taken."""
    search = line_search(Trial(0.0, value(0.0), slope(0.0)), first)
    step = next(search)
    while True:
        try:
            step = search.send((value(step), slope(step)))
        except StopIteration as end:
            return step, end.value


@pytest.mark.parametrize("name", CURVES)
def test_line_search_ends_at_a_wolfe_point(name):
    value, slope, first = CURVES[name]
    step, accepted = drive(value, slope, first)
    assert accepted
    assert value(step) <= value(0.0) + 1e-3 * step * slope(0.0)
    assert abs(slope(step)) <= 0.9 * abs(slope(0.0))


def test_line_search_comes_back_from_infinity():
    """A function that falls to an edge and is infinite beyond: no point is flat, but the last one lies lower."""
    step, _ = drive(lambda t: -t if t < 2 else np.inf, lambda t: -1.0 if t < 2 else np.nan, 50.0)
    assert 0 < step <= 50
    assert drive(lambda t: (t - 1) ** 2 if t < 3 else np.inf, lambda t: 2 * (t - 1) if t < 3 else np.nan, 50.0)[1]
