"""Data by name: the origin's spiral, and three of scikit-learn's tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from regnet.backend.config import get_config
from regnet.tables.table import Table

__all__ = ["NAMES", "load", "spiral", "spiral_accuracy"]

NAMES = ("spiral", "digits", "breast_cancer", "diabetes")


def spiral(samples: int = 2000, classes: int = 3, *, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Make interleaved spiral arms, shuffled.

    Class c: radius r from 0 to 1 and angle t from 4c to 4c + 4, both linear, plus 0.2 N(0, 1) on the angle;
    point = r (sin 2.5 t, cos 2.5 t). No classifier exceeds the accuracy of `spiral_accuracy` in expectation.

    Parameters
    ----------
    samples : int, default 2000
        Points of each class.
    classes : int, default 3
        Number of arms.
    seed : int, default 0
        Draws the noise and the order.

    Returns
    -------
    x : numpy.ndarray
        The points, (samples * classes, 2), in REGNET_DTYPE.
    y : numpy.ndarray
        Class numbers, (samples * classes,).

    Raises
    ------
    ValueError
        For a number below 1.

    Examples
    --------
    >>> x, y = spiral(samples=100)
    >>> x.shape, y.shape
    ((300, 2), (300,))
    """
    if samples < 1 or classes < 1:
        raise ValueError(f"spiral(samples={samples}, classes={classes}): both must be at least 1.")
    rng = np.random.default_rng(seed)
    radius = np.tile(np.linspace(0.0, 1.0, samples), classes)
    start = 4.0 * np.repeat(np.arange(classes), samples)
    angle = start + np.tile(np.linspace(0.0, 4.0, samples), classes) + 0.2 * rng.standard_normal(samples * classes)
    x = radius[:, None] * np.stack([np.sin(2.5 * angle), np.cos(2.5 * angle)], axis=1)
    order = rng.permutation(samples * classes)
    return x[order].astype(get_config().dtype), np.repeat(np.arange(classes), samples)[order]


def spiral_accuracy(classes: int = 3) -> float:
    """Compute the best accuracy that a classifier can have on the spiral, Bayes', from its definition.

    At a radius r > 0 the angle of class c's points is 10 c + 10 r + 0.5 N(0, 1), modulo 2 pi: the same normal law,
    wrapped, about one centre a class, which only turn with r. Such laws fall with the distance from their centre, so
    the best guess is the nearest centre, and a point of class c is guessed right where its noise ends between halfway
    to the centre on its left and halfway to the one on its right, after any number of turns m:

        1 / classes * sum_c sum_m  Phi((right_c / 2 + 2 pi m) / 0.5) - Phi((2 pi m - left_c / 2) / 0.5)

    Parameters
    ----------
    classes : int, default 3
        Number of arms, of equally many points.

    Returns
    -------
    float
        The accuracy in expectation, 0.9098 for 3 classes.

    Raises
    ------
    ValueError
        For a number below 1.

    Examples
    --------
    >>> round(spiral_accuracy(), 4)
    0.9098
    """
    if classes < 1:
        raise ValueError(f"spiral_accuracy(classes={classes}): there must be at least 1.")
    turn, spread, turns = 2.0 * math.pi, 2.5 * 0.2, 2.0 * math.pi * np.arange(-2, 3)
    centres = np.sort(np.mod(10.0 * np.arange(classes), turn))
    right = np.diff(centres, append=centres[0] + turn) / 2.0
    left = np.roll(right, 1)
    inside = ndtr((right[:, None] + turns) / spread) - ndtr((turns - left[:, None]) / spread)
    return float(inside.sum() / classes)


def load(name: str, *, seed: int = 0) -> Table:
    """Load a data set by its name.

    Parameters
    ----------
    name : {'spiral', 'digits', 'breast_cancer', 'diabetes'}
        The origin's spiral, or one of scikit-learn's tables.
    seed : int, default 0
        Draws the spiral.

    Returns
    -------
    Table
        With `x` in float64, the spiral's in REGNET_DTYPE.

    Raises
    ------
    ValueError
        For any other name.

    Examples
    --------
    >>> load("diabetes").x.shape
    (442, 10)
    """
    from sklearn import datasets as sklearn_datasets

    if name == "spiral":
        x, y = spiral(seed=seed)
        return Table.of_matrix(x, y, ("x0", "x1"), "class", "classification", shuffled=True)
    if name not in NAMES:
        raise ValueError(f"There is no data set {name!r}: choose one of {', '.join(NAMES)}, or name a file.")
    bunch = getattr(sklearn_datasets, f"load_{name}")()
    names = tuple(str(feature) for feature in bunch.feature_names)
    task = "regression" if name == "diabetes" else "classification"
    y = bunch.target if name == "diabetes" else bunch.target_names[bunch.target]
    target = "progression" if name == "diabetes" else "class"
    return Table.of_matrix(np.asarray(bunch.data, dtype=np.float64), y, names, target, task)
