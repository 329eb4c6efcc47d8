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

__all__ = ["Constant", "Cosine", "Exponential", "InverseTime", "Rate", "StepDecay", "as_schedule", "is_constant"]

Rate: TypeAlias = float | Sequence[float]


@final
@dataclass(frozen=True)
class Constant:
    """The learning rate stays `initial`."""

    initial: Rate

    def factor(self, t: Array, /) -> Array:
        """1."""
        return array_namespace(t).ones_like(t)


@final
@dataclass(frozen=True)
class InverseTime:
    """initial / (1 + decay * t): the origin's schedule, with decay 5e-7."""

    initial: Rate
    decay: float

    def factor(self, t: Array, /) -> Array:
        """1 / (1 + decay * t)."""
        return 1.0 / (1.0 + self.decay * t)


@final
@dataclass(frozen=True)
class Exponential:
    """initial * rate^(t / steps): multiplied by `rate` over every `steps` steps, smoothly."""

    initial: Rate
    rate: float
    steps: int = 1

    def factor(self, t: Array, /) -> Array:
        """rate^(t / steps)."""
        return array_namespace(t).exp(math.log(self.rate) / self.steps * t)


@final
@dataclass(frozen=True)
class StepDecay:
    """initial * rate^floor(t / steps): multiplied by `rate` at every `steps`-th step, at once."""

    initial: Rate
    rate: float
    steps: int

    def factor(self, t: Array, /) -> Array:
        """rate^floor(t / steps)."""
        xp = array_namespace(t)
        # t // steps, not floor(t / steps): a float32 quotient can round up to the next whole number.
        return xp.exp(math.log(self.rate) * (t // self.steps))


@final
@dataclass(frozen=True)
class Cosine:
    """From `initial` along half a cosine to `initial * final` at step `steps`, then constant.

    factor = final + (1 - final) * (1 + cos(pi * min(t, steps) / steps)) / 2.
    Source: Loshchilov & Hutter, SGDR, ICLR 2017, equation 5 without restarts.
    """

    initial: Rate
    steps: int
    final: float = 0.0

    def factor(self, t: Array, /) -> Array:
        """See the class."""
        xp = array_namespace(t)
        done = xp.minimum(t / self.steps, xp.ones_like(t))
        return self.final + 0.5 * (1.0 - self.final) * (1.0 + xp.cos(math.pi * done))


def is_constant(learning_rate: Rate | Schedule, /) -> bool:
    """Whether the rate stays what it is: a number, one per network, or `Constant`, but no class derived from that."""
    return type(as_schedule(learning_rate)) is Constant


def as_schedule(learning_rate: Rate | Schedule, /) -> Schedule:
    """A schedule as it is; a number, or a sequence with one per network, as `Constant`."""
    return learning_rate if isinstance(learning_rate, Schedule) else Constant(learning_rate)
