"""Metrics against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from array_api_compat import array_namespace
from conftest import placement, to_numpy

from regnet.mathematics.metrics import METRICS


def test_metrics_equal_scikit_learn(namespace, rng):
    from sklearn.metrics import accuracy_score, r2_score

    place = placement(namespace)
    w = rng.uniform(0.1, 1.0, 40)
    weight = place.put((w / w.sum())[:, None])

    def score(name, predictions, targets):
        metric, p, y = METRICS[name], place.put(predictions), place.put(targets)
        sums = array_namespace(p).sum(metric.rows(p, y) * weight, axis=-2, keepdims=True)
        return float(to_numpy(place, metric.finish(sums, y, weight))[0, 0])

    z, labels = rng.standard_normal((40, 3)), rng.integers(0, 3, 40)
    expected = accuracy_score(labels, z.argmax(1), sample_weight=w)
    assert score("categorical_accuracy", z, np.eye(3)[labels]) == pytest.approx(expected, abs=1e-12)
    p, many = rng.uniform(size=(40, 2)), rng.integers(0, 2, (40, 2))
    assert score("binary_accuracy", p, many) == pytest.approx(accuracy_score(many, p > 0.5, sample_weight=w), abs=1e-12)
    truth = rng.standard_normal((40, 2))
    guess = truth + 0.5 * rng.standard_normal((40, 2))
    assert score("r2", guess, truth) == pytest.approx(r2_score(truth, guess, sample_weight=w), abs=1e-12)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 14.62, 1e9 / 7])
@pytest.mark.parametrize("ignored", [0, 1])
def test_r2_of_a_constant_target_is_0_or_1(constant, ignored, namespace):
    """The mean of such a target is rounded; rows of weight 0 (another value, or padding) are not in it."""
    place, metric = placement(namespace), METRICS["r2"]
    weight = np.ones(14) / (14 - ignored)
    weight[:ignored] = 0.0
    targets = np.full((14, 1), constant)
    targets[:ignored] = 3.0

    def score(predictions):
        p, y, w = (place.put(one) for one in (predictions, targets, weight[:, None]))
        sums = array_namespace(p).sum(metric.rows(p, y) * w, axis=-2, keepdims=True)
        return float(to_numpy(place, metric.finish(sums, y, w))[0, 0])

    assert score(targets + 0.5) == 0.0
    assert score(targets) == 1.0
