"""Friedman's table, and a search on it that takes little time."""

from __future__ import annotations

from sklearn.datasets import make_friedman1

from regnet import MLPRegressorCV

FRIEDMAN = make_friedman1(200, n_features=15, noise=1.0, random_state=3)


def quick(**settings):
    """A network's path in little time."""
    given = {"hidden_layer_sizes": (8,), "n_lambdas": 12, "cv": 3, "max_iter": 60, "random_state": 0}
    return MLPRegressorCV(**{**given, **settings})
