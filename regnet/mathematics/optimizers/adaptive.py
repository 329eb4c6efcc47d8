"""Steps divided by the root of squared gradients, summed or averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.optimizers.descent import (
    Descent,
    Pool,
    Rate,
    Slots,
    check_range,
    check_rate,
    root_of,
    running_mean,
    step_along,
)

__all__ = ["Adagrad", "RMSprop"]


@final
@dataclass(frozen=True)
class Adagrad:
    """Adagrad: steps divided by the root of the sum of all squared gradients.

        s <- s + grad^2;    w <- w - lr * grad / (sqrt(s) + epsilon)

    Parameters
    ----------
    learning_rate : float, sequence of float or schedule, default 0.01
        Of every step; a sequence has one per stacked network.
    epsilon : float, default 1e-7
        Keeps the first steps finite.

    Raises
    ------
    ValueError
        For a rate that is not positive.

    References
    ----------
    Duchi, Hazan, Singer, Adaptive subgradient methods, JMLR 12 (2011).
    """

    learning_rate: Rate = 0.01
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        """Check what can be checked."""
        check_rate(self.learning_rate)

    def init(self, point: Array, /) -> Slots:
        """Make the sum of squares s."""
        return (array_namespace(point).zeros_like(point),)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        squares = slots[0] + grad * grad
        metric = root_of(squares, pool, self.epsilon)
        return Descent(step_along(point, grad, learning_rate, metric), learning_rate, metric, (squares,))


@final
@dataclass(frozen=True)
class RMSprop:
    """RMSprop: steps divided by the root of a running mean of squared gradients.

        s <- rho s + (1 - rho) grad^2;    w <- w - lr * grad / (sqrt(s) + epsilon)

    Parameters
    ----------
    learning_rate : float, sequence of float or schedule, default 1e-3
        Of every step; a sequence has one per stacked network.
    rho : float, default 0.9
        By which the mean forgets, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the first steps finite.

    Raises
    ------
    ValueError
        For a rate that is not positive, or a rho elsewhere.

    References
    ----------
    Tieleman & Hinton, Lecture 6.5, Neural networks for machine learning, 2012.
    """

    learning_rate: Rate = 1e-3
    rho: float = 0.9
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        """Rho 1 would forget nothing and learn nothing."""
        check_rate(self.learning_rate)
        check_range("rho", self.rho, 0.0, 1.0)

    def init(self, point: Array, /) -> Slots:
        """Make the running mean of squares s."""
        return (array_namespace(point).zeros_like(point),)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        squares = running_mean(slots[0], grad * grad, self.rho)
        metric = root_of(squares, pool, self.epsilon)
        return Descent(step_along(point, grad, learning_rate, metric), learning_rate, metric, (squares,))
