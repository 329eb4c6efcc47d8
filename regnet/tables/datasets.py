"""Data by name: the origin's spiral, and three of scikit-learn's tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.backend.config import get_config
from regnet.tables.table import Table

__all__ = ["NAMES", "load", "spiral"]

NAMES = ("spiral", "digits", "breast_cancer", "diabetes")


def spiral(samples: int = 2000, classes: int = 3, *, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Make interleaved spiral arms, shuffled.

    Class c: radius r from 0 to 1 and angle t from 4c to 4c + 4, both linear, plus 0.2 N(0, 1) on the angle;
    point = r (sin 2.5 t, cos 2.5 t). No classifier exceeds an accuracy of .9098 in expectation with 3 classes.

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
