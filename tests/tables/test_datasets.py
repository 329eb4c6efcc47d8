"""Data sets by name."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import datasets


def test_the_spiral_is_the_stated_one():
    x, y = datasets.spiral(samples=2000, seed=1)
    assert x.shape == (6000, 2)
    assert np.bincount(y).tolist() == [2000] * 3
    radius = np.hypot(*x.T)
    for c in range(3):
        r = radius[y == c]
        np.testing.assert_allclose(np.sort(r), np.linspace(0, 1, 2000), atol=1e-6)
        points = x[y == c][(r > 0.5)]
        r = r[r > 0.5]
        noise = np.angle(np.exp(1j * (np.arctan2(points[:, 0], points[:, 1]) - 2.5 * (4 * c + 4 * r)))) / 2.5
        assert noise.mean() == pytest.approx(0, abs=0.03)
        assert noise.std() == pytest.approx(0.2, abs=0.015)
