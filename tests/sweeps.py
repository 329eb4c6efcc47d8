"""Sweeps in little time: warm ones in two passes, cold ones of all strengths at once."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris, make_friedman1

from regnet import MLPClassifierCV, MLPRegressorCV

IRIS = load_iris(return_X_y=True)
FRIEDMAN = make_friedman1(150, n_features=12, noise=1.0, random_state=1)
GRID = (0.001, 0.01, 0.1)


def small(**settings):
    """A warm sweep in two passes, quickly."""
    given = {"hidden_layer_sizes": (8,), "lambdas": np.geomspace(1e-3, 0.1, 6), "cv": 3, "max_iter": 30}
    return MLPRegressorCV(**{**given, "random_state": 0, **settings})


def cold(**settings):
    """All strengths at once, in batches, with restarts."""
    given = {"penalty": "weight_l2", "warm_start": False, "lambdas": GRID, "cv": 3, "restarts": 2, "max_iter": 4}
    return MLPClassifierCV(**{**given, "batch_size": 32, "hidden_layer_sizes": (6,), "random_state": 0, **settings})


def same(a, b):
    """Bit for bit."""
    assert np.array_equal(a.cv_scores_, b.cv_scores_, equal_nan=True)
    for one, other in zip(a.best_estimator_.coefs_, b.best_estimator_.coefs_, strict=True):
        assert np.array_equal(one, other)


HOLD_OUT = [(np.arange(100), np.arange(100, 130))]
"""One split; no network trains on the last 20 rows but the refit."""
