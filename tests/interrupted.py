"""Trainings that are stopped after any number of portions of steps, as a signal would stop them."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from unittest import mock

import numpy as np

from regnet import Interrupted, Network
from regnet.arrays.tree import leaves
from regnet.display.progress import Pace

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 4))
Y = X @ RNG.normal(size=(4, 1)) + 0.1 * RNG.normal(size=(23, 1))
HELD_OUT = (RNG.normal(size=(7, 4)), RNG.normal(size=(7, 1)))


def a_network(dropout=0.0):
    return Network.mlp([4, 5, 1], loss="squared_error", dropout=dropout)


def same(one, other):
    """Whether two results have the same bits."""
    for mine, theirs in zip(leaves(one.model.params), leaves(other.model.params), strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))
    assert one.history.to_dicts() == other.history.to_dicts()
    assert one.epochs == other.epochs
    for name in ("best_epoch", "diverged_at"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@contextmanager
def stopped_after(portions, steps=1):
    """A signal is noted when a training has asked `portions` times; a portion has `steps` steps, where time decided."""
    left = [portions]

    def asked():
        left[0] -= 1
        return signal.SIGUSR1 if left[0] <= 0 else None

    with mock.patch("regnet.training.trainer.requested", asked), mock.patch.object(Pace, "next", return_value=steps):
        yield


def in_pieces(train, portions, steps=1):
    """What `train()` returns after it was stopped and called again, every so many portions; and how often it was."""
    for stops in range(1000):
        try:
            with stopped_after(portions, steps):
                return train(), stops
        except Interrupted:
            pass
    raise AssertionError("it does not get on")
