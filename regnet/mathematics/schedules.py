"""Learning rates over time: `initial * factor(t)`, t = steps already taken.

`initial` is a number, or a sequence with one per stacked network. `factor` is computed on the device from the step
counter, so that a compiled or captured step needs nothing from the host.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array, Schedule

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseTime",
    "Rate",
    "StepDecay",
    "as_schedule",
    "factors",
    "is_constant",
]

Rate: TypeAlias = float | Sequence[float]


@final
@dataclass(frozen=True)
class Constant:
    """A learning rate that stays what it is.

    Parameters
    ----------
    initial : float or sequence of float
        The learning rate at the first step; a sequence has one per stacked network.
    """

    initial: Rate

    def factor(self, t: Array, /) -> Array:
        """Return 1."""
        return array_namespace(t).ones_like(t)


@final
@dataclass(frozen=True)
class InverseTime:
    """A learning rate initial / (1 + decay * t): the origin's schedule, with decay 5e-7.

    Parameters
    ----------
    initial : float or sequence of float
        The learning rate at the first step; a sequence has one per stacked network.
    decay : float
        After 1 / decay steps the rate is half of the initial one.
    """

    initial: Rate
    decay: float

    def factor(self, t: Array, /) -> Array:
        """Return 1 / (1 + decay * t)."""
        return 1.0 / (1.0 + self.decay * t)


@final
@dataclass(frozen=True)
class Exponential:
    """A learning rate initial * rate^(t / steps): multiplied by `rate` over every `steps` steps, smoothly.

    Parameters
    ----------
    initial : float or sequence of float
        The learning rate at the first step; a sequence has one per stacked network.
    rate : float
        By which the learning rate is multiplied, > 0.
    steps : int, default 1
        Over how many steps.
    """

    initial: Rate
    rate: float
    steps: int = 1

    def factor(self, t: Array, /) -> Array:
        """Return rate^(t / steps)."""
        return array_namespace(t).exp(math.log(self.rate) / self.steps * t)


@final
@dataclass(frozen=True)
class StepDecay:
    """A learning rate initial * rate^floor(t / steps): multiplied by `rate` at every `steps`-th step, at once.

    Parameters
    ----------
    initial : float or sequence of float
        The learning rate at the first step; a sequence has one per stacked network.
    rate : float
        By which the learning rate is multiplied, > 0.
    steps : int
        After how many steps, again and again.
    """

    initial: Rate
    rate: float
    steps: int

    def factor(self, t: Array, /) -> Array:
        """Return rate^floor(t / steps)."""
        xp = array_namespace(t)
        # t // steps, not floor(t / steps): a float32 quotient can round up to the next whole number.
        return xp.exp(math.log(self.rate) * (t // self.steps))


@final
@dataclass(frozen=True)
class Cosine:
    """A learning rate that goes from `initial` along half a cosine to `initial * final`, then stays there.

        factor = final + (1 - final) * (1 + cos(pi * min(t, steps) / steps)) / 2

    Parameters
    ----------
    initial : float or sequence of float
        The learning rate at the first step; a sequence has one per stacked network.
    steps : int
        The step at which the rate has become `initial * final`.
    final : float, default 0
        The last rate, as a share of the initial one.

    References
    ----------
    Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5 without restarts.
    """

    initial: Rate
    steps: int
    final: float = 0.0

    def factor(self, t: Array, /) -> Array:
        """Return the factor of the class's formula."""
        xp = array_namespace(t)
        done = xp.minimum(t / self.steps, xp.ones_like(t))
        return self.final + 0.5 * (1.0 - self.final) * (1.0 + xp.cos(math.pi * done))


SCHEDULES: tuple[type, ...] = (Constant, InverseTime, Exponential, StepDecay, Cosine)
"""Our own, as exact types: their factor is elementwise."""


def is_constant(learning_rate: Rate | Schedule, /) -> bool:
    """Whether the rate stays what it is: a number, one per network, or `Constant`, but no class derived from that."""
    return type(as_schedule(learning_rate)) is Constant


def factors(learning_rate: Rate | Schedule, steps: Array, /) -> Array:
    """The factor after each of many numbers of steps; steps: (n,), floating. Returns (n,), of the steps' dtype.

    Ours are computed at once; a schedule of the user's own is asked for one step after another, as its protocol says.
    """
    schedule, xp = as_schedule(learning_rate), array_namespace(steps)
    if type(schedule) in SCHEDULES:
        return schedule.factor(steps)
    found = [schedule.factor(steps[number, ...]) for number in range(steps.shape[0])]
    return xp.stack([xp.asarray(factor, dtype=steps.dtype) for factor in found])


def as_schedule(learning_rate: Rate | Schedule, /) -> Schedule:
    """A schedule as it is; a number, or a sequence with one per network, as `Constant`.

    Parameters
    ----------
    learning_rate : float, sequence of float or Schedule
        What an optimizer was given.

    Returns
    -------
    Schedule
        An object with `initial` and `factor`.
    """
    return learning_rate if isinstance(learning_rate, Schedule) else Constant(learning_rate)
