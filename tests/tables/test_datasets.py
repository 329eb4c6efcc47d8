"""Data sets by name."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import config_context, datasets
from regnet.tables.split import prepare_table


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


@pytest.mark.parametrize("classes", [1, 2, 3, 5, 7])
def test_the_best_accuracy_on_the_spiral_is_that_of_the_largest_density(classes):
    """By quadrature over angles; that of arm c is 10 c + 0.5 N(0, 1), modulo 2 pi."""
    angles = np.linspace(0.0, 2.0 * np.pi, 200_001)[:-1]
    turns = 2.0 * np.pi * np.arange(-20, 21)[:, None]
    densities = [
        np.exp(-(((angles - 10.0 * c + turns) / 0.5) ** 2) / 2.0).sum(axis=0) / (0.5 * np.sqrt(2.0 * np.pi))
        for c in range(classes)
    ]
    expected = np.max(densities, axis=0).mean() * 2.0 * np.pi / classes
    assert datasets.spiral_accuracy(classes) == pytest.approx(expected, abs=1e-7)


def test_the_best_guess_on_the_spiral_itself_has_that_accuracy():
    """Monte Carlo: points as `spiral` draws them, each guessed by the density of its angle at its radius."""
    x, y = datasets.spiral(samples=200_000, seed=4)
    radius = np.hypot(*x.T.astype(np.float64))
    angle = np.arctan2(x[:, 0], x[:, 1]) - 10.0 * radius
    density = [
        sum(np.exp(-(((angle - 10.0 * c + 2.0 * np.pi * turn) / 0.5) ** 2) / 2.0) for turn in range(-2, 9))
        for c in range(3)
    ]
    right = np.argmax(density, axis=0) == y
    best = datasets.spiral_accuracy()
    assert round(best, 4) == 0.9098
    assert right.mean() == pytest.approx(best, abs=4.0 * np.sqrt(best * (1.0 - best) / len(y)))


def test_there_is_no_spiral_without_arms():
    with pytest.raises(ValueError, match="at least 1"):
        datasets.spiral_accuracy(0)


def test_the_spiral_is_split_in_the_type_that_it_has():
    table = datasets.load("spiral", seed=1)
    x, _ = datasets.spiral(seed=1)
    prepared = prepare_table(table, test_size=0.5, seed=1, scale_inputs=False, scale_target=False)
    np.testing.assert_array_equal(np.concatenate([prepared.x_train, prepared.x_test]), x)
    assert prepared.x_train.dtype == prepared.x_test.dtype == x.dtype == np.float32
    with config_context(dtype="float64"):
        prepared = prepare_table(datasets.load("spiral"), test_size=0.5, seed=1, scale_inputs=False, scale_target=False)
    assert prepared.x_train.dtype == np.float64
