"""Metrics against scikit-learn's."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from array_api_compat import array_namespace
from conftest import placement, to_numpy
from sklearn.metrics import d2_absolute_error_score, d2_pinball_score, d2_tweedie_score, mean_pinball_loss, r2_score

from regnet.mathematics.losses import (
    AbsoluteError,
    Gamma,
    Huber,
    Poisson,
    Quantile,
    Quantiles,
    SquaredError,
    Tweedie,
)  # fmt: skip
from regnet.mathematics.metrics import METRICS, d2_by_network, d2_of
from regnet.mathematics.weighting import weight_shares


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


D2 = {
    "absolute": (AbsoluteError(), d2_absolute_error_score),
    "quantile .9": (Quantile(0.9), partial(d2_pinball_score, alpha=0.9)),
    "quantile .25": (Quantile(0.25), partial(d2_pinball_score, alpha=0.25)),
    "poisson": (Poisson(), partial(d2_tweedie_score, power=1)),
    "gamma": (Gamma(), partial(d2_tweedie_score, power=2)),
    "tweedie": (Tweedie(1.5), partial(d2_tweedie_score, power=1.5)),
    "squares": (SquaredError(), r2_score),
}


@pytest.mark.parametrize("name", D2)
@pytest.mark.parametrize("weighted", [False, True])
def test_d2_is_scikit_learn_s(name, weighted, rng):
    loss, theirs = D2[name]
    weight = rng.integers(0, 4, 50).astype(float) if weighted else np.ones(50)
    outputs, y = 0.7 * rng.standard_normal((4, 50, 2)), rng.gamma(2.0, 1.0, (50, 2))
    several = name != "poisson" and not isinstance(loss, (Gamma, Tweedie))
    for columns in ([0], [1], [0, 1]) if several else ([0], [1]):
        found = d2_by_network(y[:, columns], outputs[..., columns], weight_shares(weight), loss)
        expected = [theirs(y[:, columns], loss.predict(one[:, columns]), sample_weight=weight) for one in outputs]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_several_outputs_are_averaged_and_several_levels_added(rng):
    outputs, y, share = rng.standard_normal((3, 50, 2)), rng.gamma(2.0, 1.0, (50, 2)), np.full(50, 0.02)
    each = [d2_by_network(y[:, [k]], outputs[..., [k]], share, Poisson()) for k in (0, 1)]
    np.testing.assert_allclose(d2_by_network(y, outputs, share, Poisson()), np.mean(each, axis=0), rtol=1e-14)
    twice, levels = y[:, [0, 0]], (0.2, 0.9)
    found = d2_by_network(twice, outputs, share, Quantiles(levels))
    ordered = np.sort(outputs, axis=-1)
    guesses = [np.full(50, np.quantile(y[:, 0], level, method="inverted_cdf")) for level in levels]
    idle = [mean_pinball_loss(y[:, 0], guess, alpha=p) for guess, p in zip(guesses, levels, strict=True)]
    saved = [sum(mean_pinball_loss(y[:, 0], one[:, k], alpha=p) for k, p in enumerate(levels)) for one in ordered]
    np.testing.assert_allclose(found, 1 - np.asarray(saved) / sum(idle), rtol=1e-12)


@pytest.mark.parametrize("loss", [Poisson(), Huber(0.5), AbsoluteError()], ids=repr)
def test_d2_of_a_target_that_is_constant_where_rows_count(loss):
    y, share = np.array([[0.0], [0.0], [0.0], [7.0]]), weight_shares([1, 1, 1, 0])
    if loss != Poisson():  # whose outputs are logarithms, none of which is 0's
        assert d2_by_network(y, np.zeros((4, 1)), share, loss) == 1.0
    assert d2_by_network(y, np.full((4, 1), 0.1), share, loss) == 0.0


def test_d2_asks_for_a_best_constant():
    class Own:
        metric = "r2"
        kind = "regression"

        def value_and_grad(self, outputs, targets, /):
            return np.abs(outputs - targets), np.sign(outputs - targets)

        def predict(self, outputs, /):
            return outputs

    with pytest.raises(TypeError, match="has no `constant`, the best prediction without inputs"):
        d2_of(np.ones((2, 1)), np.ones((2, 1)), None, Own())
