"""Learning rates over time in NumPy's loops and numba's, against the step on the Array API."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import need
from steps import BACKEND, close, problem, repeat, same, state_of, strengths_of

from regnet import Adam, AdamW, Constant, Cosine, Exponential, InverseTime, Network, StepDecay, config_context, fit
from regnet.networks.kernels import kernels_of
from regnet.training.batches import batches_of
from regnet.training.step import Hyper, make_run
from regnet_numpy.run import rates_of

RATES = [0.02, 0.005, 0.01]
OURS = {
    "constant": Constant(RATES),
    "inverse time": InverseTime(RATES, 0.1),
    "exponential": Exponential(RATES, 0.5, steps=4),
    "step decay": StepDecay(RATES, 0.3, steps=4),
    "cosine": Cosine(RATES, steps=15, final=0.1),
}


class Sawtooth:
    """A user's own, which takes one number of steps at a time."""

    initial = RATES

    def factor(self, t, /):
        assert t.shape == ()
        return 1.0 - 0.1 * (int(t) % 4)


class Restarted(InverseTime):  # type: ignore[misc]
    """Derived from ours, with another factor, which is no function of an array."""

    def factor(self, t, /):
        return super().factor(t - 7 if float(t) > 7 else t)


SCHEDULES = {**OURS, "own": Sawtooth(), "derived": Restarted(RATES, 0.1)}


@pytest.fixture(params=[False, True], ids=["arrays", "compiled"])
def fast(request):
    if request.param:
        need("numba")
    with config_context(fast=request.param):
        yield request.param


def refuse(*args):
    raise AssertionError("a step went to the reference")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("networks", [None, 3])
@pytest.mark.parametrize("name", SCHEDULES)
def test_runs_are_steps_of_the_reference(name, networks, dtype, fast, rng):
    """A rate for each network; from step 3 on, and in two portions; on all rows, and in float64 on batches.

    With a running loss on batches and without one on all rows: numba compiles a loop for each of them.
    """
    network = Network.mlp([6, 8, 3], loss="categorical_crossentropy")
    for optimizer in (Adam(SCHEDULES[name]), AdamW(SCHEDULES[name], weight_decay=0.1)):
        point, data, rate = problem(network, networks, dtype, rng)
        hyper = Hyper(rate, strengths_of("all", network.layout, point, rng), None)
        if dtype == "float64":
            data = data._replace(batches=batches_of(data.weight, rng.permutation(48).reshape(6, 8).astype("int32")))
        for running in (False, True) if not fast else (dtype == "float64",):
            run = kernels_of(BACKEND).run(BACKEND, network, optimizer, refuse)
            with BACKEND.session():
                got = run(state_of(optimizer, point.copy(), running), data, hyper, 20)
                half = run(state_of(optimizer, point.copy(), running), data, hyper, 9)
                close(got, repeat(network, optimizer, state_of(optimizer, point, running), data, hyper, 20), dtype)
                same(run(half, data, hyper, 11), got)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_have_the_bits_of_the_reference(name, dtype):
    schedule, rate = SCHEDULES[name], np.asarray(RATES, dtype)[:, None, None]
    found = rates_of(Adam(schedule), rate, 5, 200)
    assert found.shape == (200, 3, 1, 1)
    for t, row in enumerate(found, start=5):
        np.testing.assert_array_equal(
            row.astype(dtype), rate * np.asarray(schedule.factor(np.asarray(t, dtype)), dtype)
        )


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_rate_that_never_changes_has_the_bits_of_a_number(activation, fast, rng):
    x, y = rng.standard_normal((40, 3)), rng.integers(0, 3, 40)
    network = Network.mlp([3, 8, 3], loss="categorical_crossentropy", activation=activation)
    found = [
        fit(network, x, y, epochs=5, optimizer=Adam(rate), progress=False).model.params
        for rate in (0.01, Constant(0.01), InverseTime(0.01, 0.0))
    ]
    same(found[1], found[0])
    same(found[2], found[0])


def test_a_schedule_decides_how_far_a_training_goes(fast, rng):
    """By StepDecay the steps after the second are too small to be seen: a check without the reference."""
    x, y = rng.standard_normal((40, 3)), rng.integers(0, 3, 40)
    network = Network.mlp([3, 8, 3], loss="categorical_crossentropy")

    def weights(rate, epochs):
        return fit(network, x, y, epochs=epochs, optimizer=Adam(rate), progress=False).model.params[0].weight

    stopped = weights(StepDecay(0.01, 1e-12, steps=2), 20)
    np.testing.assert_allclose(stopped, weights(0.01, 2), atol=1e-9)
    assert math.dist(stopped.ravel(), weights(0.01, 20).ravel()) > 0.01


def test_parts_of_a_stack_have_the_rates_of_their_networks(fast, rng):
    network, optimizer = Network.mlp([6, 8, 3], loss="categorical_crossentropy"), Adam(OURS["inverse time"])
    point, data, rate = problem(network, 3, "float32", rng)
    strengths = strengths_of("none", network.layout, point, rng)
    run = make_run(BACKEND, network, optimizer)
    with BACKEND.session():
        whole = run(state_of(optimizer, point.copy()), data, Hyper(rate, strengths, None), 20)
        for k in range(3):
            alone = run(state_of(optimizer, point[k].copy()), data, Hyper(rate[k], strengths, None), 20)
            same(alone.point, whole.point[k])
