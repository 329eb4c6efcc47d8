"""Learning-rate schedules."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import placement, to_numpy

from regnet.mathematics import schedules


def test_schedules(namespace):
    place = placement(namespace)
    for t in (0, 1, 7, 50, 250):
        at = place.put(np.asarray(float(t)))
        expected = {
            schedules.Constant(0.1): 1.0,
            schedules.InverseTime(0.1, decay=0.01): 1 / (1 + 0.01 * t),
            schedules.Exponential(0.1, rate=0.5, steps=10): 0.5 ** (t / 10),
            schedules.StepDecay(0.1, rate=0.5, steps=7): 0.5 ** (t // 7),
            schedules.Cosine(0.1, steps=100, final=0.1): 0.1 + 0.9 * (1 + math.cos(math.pi * min(t, 100) / 100)) / 2,
        }
        for schedule, factor in expected.items():
            assert float(to_numpy(place, schedule.factor(at))) == pytest.approx(factor, rel=1e-12), schedule
