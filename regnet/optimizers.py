"""Optimizers as pure functions of one parameter array: a step along the gradient, and the size of the step.

`descend` returns the stepped weight before any proximal step, and the step size s of the metric it moved in, by
which a proximal step must go: threshold s * l1. In a stationary point the direction is the gradient itself, so
`w = prox_s(w - s * grad)` holds exactly at the penalised problem's stationary points, whatever the optimizer.
All arrays of a weight's shape (..., in, out); learning rates broadcast to it as (..., 1, 1). `by_row` asks for one
metric per row, the mean of the elements' squares: a group lasso's proximal step is exact only in such a metric.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, final

from regnet.namespace import array_namespace
from regnet.types import Array, Schedule

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Descent", "Optimizer", "RMSprop", "Slots"]

Slots: TypeAlias = tuple[Array, ...]
"""What an optimizer remembers of one parameter array, in arrays of its shape."""

Rate: TypeAlias = Any
"""A learning rate: a number, a sequence with one number per stacked network, or a schedule."""


class Descent(NamedTuple):
    """The result of one step: weight (..., in, out), step_size broadcastable to it, and the new slots."""

    weight: Array
    step_size: Array
    slots: Slots


class Optimizer(Protocol):
    """A rule that turns gradients into steps."""

    @property
    def learning_rate(self) -> float | Schedule | Any:
        """A number, one per stacked network, or a schedule."""

    def init(self, weight: Array, /) -> Slots:
        """The slots before the first step."""

    def descend(
        self, weight: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool, /
    ) -> Descent:
        """One step; t: steps taken before this one, 0-d floating array; by_row: step_size is one per row."""


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value < high:
        raise ValueError(f"{name}={value} must lie in [{low:g}, {high:g}).")


def _bias_correction(beta: float, t: Array) -> Array:
    """1 - beta^(t + 1), through expm1: the plain difference loses four digits in float32 when beta is 0.999."""
    if beta == 0.0:
        return array_namespace(t).ones_like(t)
    return -array_namespace(t).expm1(math.log(beta) * (t + 1.0))


@final
@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum m, plain or Nesterov's.

        u <- m u + (1 - m) grad;     w <- w - lr / (1 - m) * u                         (plain)
                                     w <- w - lr / (1 - m) * (m u + (1 - m) grad)      (Nesterov)

    which is the usual v <- m v + grad, w <- w - lr v, with u = (1 - m) v. So written, the step size is
    lr / (1 - m), and a proximal step of that size solves the penalised problem; one of size lr would solve a
    weaker one. Sources: Polyak 1964; Sutskever et al., ICML 2013.
    """

    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Momentum 1 would never stop."""
        _check("momentum", self.momentum, 0.0, 1.0)

    def init(self, weight: Array, /) -> Slots:
        """One slot u if there is momentum, else none."""
        return (array_namespace(weight).zeros_like(weight),) if self.momentum else ()

    def descend(
        self, weight: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool, /
    ) -> Descent:
        """See the class."""
        m = self.momentum
        if not m:
            return Descent(weight - learning_rate * grad, learning_rate, slots)
        fresh = (1.0 - m) * grad
        average = m * slots[0] + fresh
        step_size = learning_rate / (1.0 - m)
        direction = m * average + fresh if self.nesterov else average
        return Descent(weight - step_size * direction, step_size, (average,))


@final
@dataclass(frozen=True)
class Adagrad:
    """s <- s + grad^2;  w <- w - lr * grad / (sqrt(s) + epsilon). Source: Duchi, Hazan, Singer, JMLR 2011."""

    learning_rate: Rate = 0.01
    epsilon: float = 1e-7

    def init(self, weight: Array, /) -> Slots:
        """The sum of squares s."""
        return (array_namespace(weight).zeros_like(weight),)

    def descend(
        self, weight: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool, /
    ) -> Descent:
        """See the class."""
        squares = slots[0] + grad * grad
        step_size = learning_rate / (_root(squares, by_row) + self.epsilon)
        return Descent(weight - step_size * grad, step_size, (squares,))


@final
@dataclass(frozen=True)
class RMSprop:
    """s <- rho s + (1 - rho) grad^2;  w <- w - lr * grad / (sqrt(s) + epsilon). Source: Tieleman & Hinton 2012."""

    learning_rate: Rate = 1e-3
    rho: float = 0.9
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        """Rho 1 would forget nothing and learn nothing."""
        _check("rho", self.rho, 0.0, 1.0)

    def init(self, weight: Array, /) -> Slots:
        """The average of squares s."""
        return (array_namespace(weight).zeros_like(weight),)

    def descend(
        self, weight: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool, /
    ) -> Descent:
        """See the class."""
        squares = self.rho * slots[0] + (1.0 - self.rho) * (grad * grad)
        step_size = learning_rate / (_root(squares, by_row) + self.epsilon)
        return Descent(weight - step_size * grad, step_size, (squares,))


def _root(squares: Array, by_row: bool) -> Array:
    """Square roots of the elements, or of each row's mean, (..., in, 1)."""
    xp = array_namespace(squares)
    return xp.sqrt(xp.mean(squares, axis=-1, keepdims=True) if by_row else squares)


def _adam(
    rule: Adam | AdamW, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool
) -> tuple[Array, Array, Slots]:
    """Direction m_hat, step size lr / (sqrt(v_hat) + epsilon), new slots (m, v).

    With c the correction of v's bias, the step size is lr sqrt(c) / (sqrt(v) + epsilon sqrt(c)): v_hat is not needed.
    """
    m = rule.beta1 * slots[0] + (1.0 - rule.beta1) * grad
    v = rule.beta2 * slots[1] + (1.0 - rule.beta2) * (grad * grad)
    root = array_namespace(t).sqrt(_bias_correction(rule.beta2, t))
    epsilon = rule.epsilon if rule.epsilon_hat else rule.epsilon * root
    return m / _bias_correction(rule.beta1, t), learning_rate * root / (_root(v, by_row) + epsilon), (m, v)


@final
@dataclass(frozen=True)
class Adam:
    """m <- b1 m + (1 - b1) grad;  v <- b2 v + (1 - b2) grad^2;  w <- w - lr * m_hat / (sqrt(v_hat) + epsilon),

    m_hat = m / (1 - b1^(t+1)), v_hat = v / (1 - b2^(t+1)). Sources: Kingma & Ba, ICLR 2015; its proximal form:
    Yun, Lozano, Yang, Adaptive proximal gradient methods, NeurIPS 2021 (threshold lr * l1 / (sqrt(v_hat) + eps)).
    epsilon_hat: add epsilon to sqrt(v) before its bias is corrected, as scikit-learn does (Kingma & Ba, section 2).
    """

    learning_rate: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        """A decay rate of 1 would divide by zero."""
        _check("beta1", self.beta1, 0.0, 1.0)
        _check("beta2", self.beta2, 0.0, 1.0)

    def init(self, weight: Array, /) -> Slots:
        """The moments m and v."""
        zeros = array_namespace(weight).zeros_like
        return zeros(weight), zeros(weight)

    def descend(
        self, weight: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool, /
    ) -> Descent:
        """See the class."""
        direction, step_size, slots = _adam(self, grad, slots, t, learning_rate, by_row)
        return Descent(weight - step_size * direction, step_size, slots)


@final
@dataclass(frozen=True)
class AdamW:
    """Adam whose weights also shrink by w <- (1 - lr * weight_decay) w at every step.

    The decay is not a penalty: no loss is named whose gradient it is, and it does not appear in the loss. It acts on
    every parameter array, biases too, as in PyTorch. Source: Loshchilov & Hutter, ICLR 2019.
    """

    learning_rate: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float = 0.01
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        """A decay rate of 1 would divide by zero."""
        _check("beta1", self.beta1, 0.0, 1.0)
        _check("beta2", self.beta2, 0.0, 1.0)
        _check("weight_decay", self.weight_decay, 0.0, math.inf)

    def init(self, weight: Array, /) -> Slots:
        """The moments m and v."""
        zeros = array_namespace(weight).zeros_like
        return zeros(weight), zeros(weight)

    def descend(
        self, weight: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, by_row: bool, /
    ) -> Descent:
        """See the class."""
        direction, step_size, slots = _adam(self, grad, slots, t, learning_rate, by_row)
        kept = weight * (1.0 - self.weight_decay * learning_rate)
        return Descent(kept - step_size * direction, step_size, slots)
