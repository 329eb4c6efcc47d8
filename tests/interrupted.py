"""Trainings that are stopped after any number of portions of steps, as a signal would stop them."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from unittest import mock

from regnet import Interrupted
from regnet.display.progress import Pace


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
