"""Distributions of first weights."""

from __future__ import annotations

import math

import pytest

from regnet.mathematics import initializers


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("normal", 1e-4),
        ("glorot_normal", 2 / 700),
        ("glorot_uniform", 2 / 700),
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
    ],
)
def test_initializers_have_their_variance(name, variance, rng):
    weight = initializers.get_initializer(name).draw(rng, 300, 400)
    assert weight.shape == (300, 400)
    assert weight.mean() == pytest.approx(0, abs=5 * math.sqrt(variance / weight.size))
    assert weight.var() == pytest.approx(variance, rel=0.02)
