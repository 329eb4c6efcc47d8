"""Whose arrays training overwrites, and how many bytes it takes."""

from __future__ import annotations

import copy
import gc
import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from regnet import MLPClassifier, Network, Penalty, config_context, datasets, fit
from regnet.arrays.tree import leaves
from regnet_numpy.buffers import aligned_empty
from regnet_numpy.gradients import SUM_ELEMENTS, Gradients
from regnet_numpy.run import ARRAYS

X, Y = datasets.spiral(samples=60)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint32])
@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (7, 256)])
def test_what_steps_work_in_begins_with_a_cache_line(shape, dtype):
    several = [aligned_empty(shape, dtype) for _ in range(5)]  # NumPy's own begin at 16, 32 or 48 as often
    assert {one.ctypes.data % 64 for one in several if one.size} <= {0}
    assert all(one.shape == shape and one.dtype == dtype and one.flags.c_contiguous for one in several)
    for number, one in enumerate(several):
        one[...] = number
    assert all((one == number).all() for number, one in enumerate(several))  # none overlaps another


def test_models_that_a_callback_keeps_stay_as_they_were(fast):
    def keep(record, model):
        kept.append(model)
        predicted.append(model.predict(X))

    kept, predicted = [], []
    network = Network.mlp([2, 16, 3], loss="categorical_crossentropy")
    fit(network, X, Y, epochs=3, log_every=1, callbacks=[keep], progress=False)
    for model, then in zip(kept, predicted, strict=True):
        np.testing.assert_array_equal(model.predict(X), then)
    assert len({then.tobytes() for then in predicted}) == 4


def test_copies_of_an_estimator_go_on_from_the_same_moments(fast):
    model = MLPClassifier((5,), random_state=0, batch_size=50).partial_fit(X, Y, classes=[0, 1, 2])
    twin = copy.copy(model)
    for one in (model, twin):
        one.partial_fit(X, Y)
    for ours, other in zip(model.coefs_, twin.coefs_, strict=True):
        np.testing.assert_array_equal(ours, other)


def test_an_interrupted_epoch_counts_the_steps_that_it_made(monkeypatch):
    """The arrays have taken them, and Adam's correction of its moments goes by their number."""
    asked, at = [], Gradients.at

    def interrupt(self, *args):
        if len(asked) == 7:
            raise KeyboardInterrupt
        asked.append(args)
        return at(self, *args)

    monkeypatch.setattr(Gradients, "at", interrupt)
    with config_context(fast=False), pytest.warns(UserWarning, match="interrupted"):
        model = MLPClassifier((5,), random_state=0, batch_size=10, max_iter=3).fit(X, Y)
    assert len(asked) == 7
    assert model._resumable.t == 7


def test_training_takes_half_as_much_again_as_data_parameters_and_moments(fast):
    """4096 x 784 -> 1024 -> 10. On top come the tiles: a thread's arrays, and gradients of tiles before their sum.

    On one thread, since how far several run ahead of one another differs from run to run.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4096, 784)).astype("float32")
    y = rng.permutation(np.arange(4096) % 10)
    network = Network.mlp([784, 1024, 10], loss="categorical_crossentropy")
    options = {"penalties": Penalty(weight_l2=1e-4), "log_every": 1, "progress": False}
    with threadpool_limits(1, user_api="blas"):
        fit(network, x[:256], y[:256], epochs=1, **options)  # what is compiled or imported once is no part of it
        gc.collect()
        gc.disable()  # when it would run next is no property of the code either
        tracemalloc.start()
        try:
            result = fit(network, x, y, epochs=2, **options)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            gc.enable()
    point = sum(leaf.nbytes for leaf in leaves(result.model.params))
    encoded = y.size * 10 * x.itemsize
    rows = ARRAYS.tile_rows(network, len(x))
    tiles = 3 * rows * network.width * x.itemsize  # outputs, zeros to compare them with, gradients
    slots = SUM_ELEMENTS * x.itemsize + point
    first = point  # the first parameters, from which a training that diverges is done again
    assert x.nbytes + peak < 1.5 * (x.nbytes + encoded + 3 * point) + tiles + slots + first
