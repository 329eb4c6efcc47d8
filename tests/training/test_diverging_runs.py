"""`fit`: networks whose loss explodes or stops being finite, alone and in a stack."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from regnet import SGD, Adam, DivergenceWarning, EarlyStopping, Network, datasets, fit
from regnet.arrays.tree import leaves
from regnet.mathematics.schedules import Exponential
from regnet.networks.layers import DenseParams

X, Y = datasets.spiral(samples=150)
NETWORK = Network.mlp([2, 24, 3], loss="categorical_crossentropy")


def train(**options):
    return fit(options.pop("network", NETWORK), X, Y, **{"epochs": 12, "progress": False, **options})


def same(a, b):
    return all(np.array_equal(left, right) for left, right in zip(leaves(a), leaves(b), strict=True))


def test_a_diverging_network_is_reported_and_its_neighbours_are_untouched():
    network = Network.mlp([2, 8, 1], loss="squared_error")
    y = X.sum(axis=1)
    options = {"epochs": 200, "progress": False, "log_every": 50}
    with pytest.warns(DivergenceWarning, match="network 1 at step"):
        stack = fit(network, X, y, optimizer=SGD([0.01, 1e6, 0.02]), seed=[1, 2, 3], **options)
    assert stack.diverged_at[0] == stack.diverged_at[2] == -1
    assert stack.diverged_at[1] > 0
    assert all(np.isfinite(leaf).all() for leaf in leaves(stack.model.params))
    for k, rate in ((0, 0.01), (2, 0.02)):
        alone = fit(network, X, y, optimizer=SGD(rate), seed=k + 1, **options)
        for a, b in zip(leaves(stack.model.params), leaves(alone.model.params), strict=True):
            assert np.array_equal(a[k], b)


LINE = Network.mlp([2, 8, 1], loss="squared_error")


def losses_along(steps, **options):
    """The loss after each of the first `steps` epochs, and the parameters there, from runs that are simply shorter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        models = [fit(LINE, X, X.sum(axis=1), epochs=n, progress=False, **options).model for n in range(1, steps + 1)]
    return [model.evaluate(X, X.sum(axis=1))["loss"] for model in models], [model.params for model in models]


@pytest.mark.parametrize("log_every", [None, 1, 2, 50])
@pytest.mark.parametrize("batch_size", [None, 90])
@pytest.mark.parametrize("epochs", [5, 60])
def test_a_diverged_network_has_its_last_good_parameters(log_every, batch_size, epochs):
    """Its last updates led to a loss that is not finite: they are undone, whether a step or a record would notice."""
    options = {"optimizer": SGD(200.0), "batch_size": batch_size, "log_every": log_every, "seed": 3, "progress": False}
    with pytest.warns(DivergenceWarning, match="The loss stopped being finite") as told:
        result = fit(LINE, X, X.sum(axis=1), epochs=epochs, **options)
    assert len(told) == 1
    assert result.diverged_at >= 1
    assert np.isfinite(result.model.evaluate(X, X.sum(axis=1))["loss"])
    assert np.isfinite(result.history[-1].loss)
    start, idle = (
        fit(LINE, X, X.sum(axis=1), epochs=1, seed=3, progress=False).history[0].loss,
        np.mean(X.sum(axis=1) ** 2) / 2,
    )
    limit = max(2 * start, 10 * idle)
    assert result.model.evaluate(X, X.sum(axis=1))["loss"] <= limit
    if batch_size is None:  # looked for 1, 2, 4, 8 steps before
        values, params = losses_along(result.diverged_at - 1, optimizer=SGD(200.0), seed=3)
        good = [t for t in (result.diverged_at - 2**j for j in range(10)) if t > 0 and values[t - 1] <= limit]
        assert not good or same(result.model.params, params[max(good) - 1])


@pytest.mark.parametrize("batch_size", [None, 64])
def test_networks_of_a_stack_diverge_apart(batch_size):
    """At different steps, some never, one after the first copy of the state is long gone: each as it would alone."""
    rates, seeds = [0.01, 20.0, 1e4, 0.02, 2.2], [1, 2, 3, 4, 5]
    options = {"epochs": 40 if batch_size else 300, "log_every": 300, "batch_size": batch_size, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        stack = fit(LINE, X, X.sum(axis=1), optimizer=SGD(rates), seed=seeds, **options)
        for k, (rate, seed) in enumerate(zip(rates, seeds, strict=True)):
            alone = fit(LINE, X, X.sum(axis=1), optimizer=SGD(rate), seed=seed, **options)
            assert stack.diverged_at[k] == (-1 if alone.diverged_at is None else alone.diverged_at)
            assert all(
                np.array_equal(a[k], b)
                for a, b in zip(leaves(stack.model.params), leaves(alone.model.params), strict=True)
            )
    assert len(set(stack.diverged_at.tolist())) >= 3
    assert np.isfinite(stack.model.evaluate(X, X.sum(axis=1))["loss"]).all()


def test_a_loss_that_is_not_finite_at_the_start_is_a_divergence():
    with pytest.warns(DivergenceWarning, match="at step 0"):
        result = fit(LINE, 1e30 * X, X.sum(axis=1), epochs=5, progress=False)
    assert result.diverged_at == 0


def test_early_stopping_gives_back_its_best_and_tells_of_the_divergence():
    rule = EarlyStopping(patience=20)
    with pytest.warns(DivergenceWarning, match="stopped being finite"):
        result = fit(LINE, X, X.sum(axis=1), optimizer=SGD(200.0), epochs=60, early_stopping=rule, progress=False)
    assert result.best_epoch == 0
    assert result.diverged_at >= 1


@pytest.mark.parametrize("optimizer", [SGD(200.0), Adam(1e4)])
def test_a_loss_that_explodes_without_becoming_infinite_is_told(optimizer):
    with pytest.warns(DivergenceWarning, match="exploded: it ended at .* more than 10 times that of") as told:
        result = fit(LINE, X, X.sum(axis=1), optimizer=optimizer, epochs=2, progress=False)
    assert len(told) == 1
    assert result.diverged_at == 2
    assert result.history[-1].loss > 1e6
    assert result.model.evaluate(X, X.sum(axis=1))["loss"] < 10.0
    with pytest.warns(DivergenceWarning, match="of network 1 exploded"):
        fit(LINE, X, X.sum(axis=1), optimizer=SGD([0.01, 20.0]), seed=[1, 2], epochs=2, progress=False)


def test_ordinary_trainings_have_not_exploded():
    """Spikes that are over by the end, and noise about a solution: warnings would be errors."""
    line = X.sum(axis=1)
    spiky = fit(LINE, X, line, optimizer=Adam(Exponential(3.0, rate=0.01, steps=200)), epochs=400, progress=False)
    first, *others = spiky.history.column("loss")
    assert max(others) > 100 * first
    solution = (DenseParams(np.full((2, 1), 1.0001, np.float32), np.zeros((1, 1), np.float32)),)
    network = Network.mlp([2, 1], loss="squared_error")
    again = fit(network, X, line, optimizer=Adam(0.02), epochs=2, batch_size=90, params=solution, progress=False)
    assert again.history[-1].loss > 100 * again.history[0].loss
    for seed in range(20):
        train(seed=seed, epochs=3, batch_size=150, optimizer=[SGD(0.5), Adam(0.02)][seed % 2])
