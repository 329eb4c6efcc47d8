"""What an optimizer is: a step along the gradient, and the metric that it was made in; pure functions of one array.

A step moves by -scale / metric * direction, entry by entry, and a proximal step must go by the same scale / metric:
its threshold is scale / metric * l1. In a stationary point the direction is the gradient itself, so
`w = prox(w - step_size * grad)` holds exactly at the penalised problem's stationary points, whatever the optimizer.
Arrays have the shape of the point that is moved, (..., 1, size) for all parameters of a network at once; learning
rates broadcast to it as (..., 1, 1). `pool` averages squares within each row that is a group, since a group's proximal
step is exact only where the metric is the same within it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeAlias

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array, Schedule

__all__ = [
    "Descent",
    "Optimizer",
    "Pool",
    "Rate",
    "Slots",
    "bias_correction",
    "check_range",
    "check_rate",
    "root_of",
    "running_mean",
    "step_along",
]

Slots: TypeAlias = tuple[Array, ...]
"""What an optimizer remembers, in arrays of the point's shape."""

Pool: TypeAlias = Callable[[Array], Array] | None
"""Averages the entries of each group; None: there is no group."""

Rate: TypeAlias = Any
"""A learning rate: a number, a sequence with one number per stacked network, or a schedule."""


class Descent(NamedTuple):
    """The result of one step: the new point, scale (..., 1, 1), metric (shape of the point; None: 1), the new slots."""

    point: Array
    scale: Array
    metric: Array | None
    slots: Slots

    @property
    def step_size(self) -> Array:
        """By which a proximal step must follow: scale / metric."""
        return self.scale if self.metric is None else self.scale / self.metric


class Optimizer(Protocol):
    """A rule that turns gradients into steps."""

    @property
    def learning_rate(self) -> float | Schedule | Any:
        """A number, one per stacked network, or a schedule."""

    def init(self, point: Array, /) -> Slots:
        """Make the slots, what is remembered from step to step, as they are before the first one.

        Parameters
        ----------
        point : array
            All parameters of a network, (..., 1, size).

        Returns
        -------
        tuple of array
            Of the point's shape.
        """

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step.

        Parameters
        ----------
        point, grad : array
            The parameters and the gradient there, (..., 1, size).
        slots : tuple of array
            Of the step before, or of `init`.
        t : array
            Steps taken before this one, 0-d, floating.
        learning_rate : array
            Of this step, broadcastable to the point as (..., 1, 1).
        pool : callable, optional
            Averages squares within each row that is a group; None: there is no group.

        Returns
        -------
        Descent
            The new point and slots, and the step size by which a proximal step must follow.
        """


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ValueError, naming the parameter, if its value is not in [low, high)."""
    if not low <= value < high:
        raise ValueError(f"{name}={value} must lie in [{low:g}, {high:g}).")


def check_rate(learning_rate: Rate) -> None:
    """Raise ValueError if a rate, or one of a stack's rates, or what a schedule begins with is not positive."""
    initial = learning_rate.initial if isinstance(learning_rate, Schedule) else learning_rate
    for value in initial if isinstance(initial, Iterable) else [initial]:
        if not 0.0 < value < math.inf:
            raise ValueError(f"learning_rate={learning_rate!r} must be positive.")


def bias_correction(beta: float, t: Array) -> Array:
    """1 - beta^(t + 1), through expm1: the plain difference loses four digits in float32 when beta is 0.999."""
    if beta == 0.0:
        return array_namespace(t).ones_like(t)
    return -array_namespace(t).expm1(math.log(beta) * (t + 1.0))


# Below, `a += b` is used on arrays made a line before: a fresh array for every operation costs more than the operation.


def running_mean(old: Array, new: Array, beta: float) -> Array:
    """Beta * old + (1 - beta) * new."""
    average = beta * old
    average += (1.0 - beta) * new
    return average


def root_of(squares: Array, pool: Pool, epsilon: Any) -> Array:
    """sqrt(squares) + epsilon, the squares averaged within groups first."""
    root = array_namespace(squares).sqrt(squares if pool is None else pool(squares))
    root += epsilon
    return root


def step_along(point: Array, direction: Array, scale: Array, metric: Array) -> Array:
    """Point - scale * direction / metric."""
    move = direction / metric
    move *= scale
    return point - move
