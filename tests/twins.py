"""scikit-learn's estimators beside regnet's of the same settings, and tables for both."""

from __future__ import annotations

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from regnet import MLPClassifier, MLPRegressor

THEIRS = {MLPClassifier: neural_network.MLPClassifier, MLPRegressor: neural_network.MLPRegressor}
RNG = np.random.RandomState(0)
X = RNG.randn(60, 4)
BINARY = (X[:, 0] + 0.3 * RNG.randn(60) > 0).astype(int)
CLASSES = np.digitize(X[:, 1], [-0.5, 0.5])
VALUES = X @ [1, 2, 0, -1] + 0.1 * RNG.randn(60)
LABELS = (X[:, :3] > 0) * 1


def both(ours, **settings):
    settings = {"hidden_layer_sizes": (5,), "random_state": 0, **settings}
    return THEIRS[ours](**settings), ours(**settings)


def same(a, b, rtol=1e-7):
    for left, right in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(right, left, rtol=rtol, atol=1e-9)


def scaled(load):
    x, y = load(return_X_y=True)
    return (x - x.mean(0)) / np.maximum(x.std(0), 1e-9), y


CANCER, IRIS, DIABETES = scaled(load_breast_cancer), scaled(load_iris), scaled(load_diabetes)
DIABETES = (DIABETES[0], (DIABETES[1] - DIABETES[1].mean()) / DIABETES[1].std())
