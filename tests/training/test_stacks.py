"""A stack of networks: each has the bits of a lone run."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import Adam, EarlyStopping, Network, Penalty, datasets, fit
from regnet.arrays.tree import leaves

X, Y = datasets.spiral(samples=150)
NETWORK = Network.mlp([2, 24, 3], loss="categorical_crossentropy")
pytestmark = pytest.mark.usefixtures("two_threads")


def train(**options):
    return fit(options.pop("network", NETWORK), X, Y, **{"epochs": 12, "progress": False, **options})


@pytest.mark.parametrize("batch_size", [None, 64])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("width", [24, 600])
def test_a_stack_equals_separate_runs_bit_for_bit(batch_size, dropout, width):
    network = Network.mlp([2, width, 3], loss="categorical_crossentropy", dropout=dropout)
    strengths, rates, seeds = [0.0, 1e-3, 1e-2, 1e-1], [0.01, 0.02, 0.005, 0.02], [5, 6, 7, 8]
    options = {"network": network, "batch_size": batch_size, "epochs": 6}
    stack = train(
        **options,
        seed=seeds,
        optimizer=Adam(learning_rate=rates),
        penalties=[Penalty(weight_l1=strengths, weight_l2=1e-4), None],
    )
    for k in range(4):
        alone = train(
            **options,
            seed=seeds[k],
            optimizer=Adam(learning_rate=rates[k]),
            penalties=[Penalty(weight_l1=strengths[k], weight_l2=1e-4), None],
        )
        for ours, theirs in zip(leaves(stack.model.params), leaves(alone.model.params), strict=True):
            assert np.array_equal(ours[k], theirs)
        assert stack.history[-1].loss[k] == alone.history[-1].loss


def test_a_stack_over_data_equals_separate_runs():
    tables = [datasets.spiral(samples=50, seed=s) for s in range(3)]
    x, y = np.stack([t[0] for t in tables]), np.stack([t[1] for t in tables])
    stack = fit(NETWORK, x, y, epochs=4, batch_size=40, seed=[1, 2, 3], progress=False)
    for k in range(3):
        alone = fit(NETWORK, *tables[k], epochs=4, batch_size=40, seed=k + 1, progress=False)
        assert all(
            np.array_equal(a[k], b) for a, b in zip(leaves(stack.model.params), leaves(alone.model.params), strict=True)
        )
    assert stack.model.predict(x).shape == (3, 150, 3)
    assert stack.model.evaluate(x, y)["accuracy"].shape == (3,)


def test_early_stopping_of_a_stack_equals_separate_runs():
    noise = np.random.default_rng(0).integers(0, 3, 60)
    options = {"early_stopping": EarlyStopping(patience=3), "validation_data": (X[:60], noise), "epochs": 200}
    stack = train(**options, optimizer=Adam(0.05), seed=[1, 2, 3], log_every=1)
    for k, seed in enumerate([1, 2, 3]):
        alone = train(**options, optimizer=Adam(0.05), seed=seed, log_every=1)
        assert stack.best_epoch[k] == alone.best_epoch
        for a, b in zip(leaves(stack.model.params), leaves(alone.model.params), strict=True):
            assert np.array_equal(a[k], b)
