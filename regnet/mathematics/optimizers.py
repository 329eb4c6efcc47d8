"""Optimizers as pure functions of one array: a step along the gradient, and the metric that it was made in.

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
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array, Schedule

__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Descent", "Optimizer", "Pool", "RMSprop", "Slots"]

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


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value < high:
        raise ValueError(f"{name}={value} must lie in [{low:g}, {high:g}).")


def _check_rate(learning_rate: Rate) -> None:
    initial = learning_rate.initial if isinstance(learning_rate, Schedule) else learning_rate
    for value in initial if isinstance(initial, Iterable) else [initial]:
        if not 0.0 < value < math.inf:
            raise ValueError(f"learning_rate={learning_rate!r} must be positive.")


def _bias_correction(beta: float, t: Array) -> Array:
    """1 - beta^(t + 1), through expm1: the plain difference loses four digits in float32 when beta is 0.999."""
    if beta == 0.0:
        return array_namespace(t).ones_like(t)
    return -array_namespace(t).expm1(math.log(beta) * (t + 1.0))


@final
@dataclass(frozen=True)
class SGD:
    """Gradient descent, plain or with momentum m, Polyak's or Nesterov's.

        u <- m u + (1 - m) grad;     w <- w - lr / (1 - m) * u                         (plain)
                                     w <- w - lr / (1 - m) * (m u + (1 - m) grad)      (Nesterov)

    which is the usual v <- m v + grad, w <- w - lr v, with u = (1 - m) v. So written, the step size is
    lr / (1 - m), and a proximal step of that size solves the penalised problem; one of size lr would solve a
    weaker one.

    Parameters
    ----------
    learning_rate : float, sequence of float or schedule, default 0.01
        Of every step; a sequence has one per stacked network.
    momentum : float, default 0
        The m of the formulas, in [0, 1).
    nesterov : bool, default False
        Whether the momentum is Nesterov's.

    Raises
    ------
    ValueError
        For a rate that is not positive, or a momentum elsewhere.

    References
    ----------
    Polyak, USSR Computational Mathematics and Mathematical Physics 4 (1964); Sutskever et al., ICML 2013.
    """

    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Momentum 1 would never stop."""
        _check_rate(self.learning_rate)
        _check("momentum", self.momentum, 0.0, 1.0)

    def init(self, point: Array, /) -> Slots:
        """Make one slot u if there is momentum, else none."""
        return (array_namespace(point).zeros_like(point),) if self.momentum else ()

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        m = self.momentum
        if not m:
            return Descent(point - learning_rate * grad, learning_rate, None, slots)
        fresh = (1.0 - m) * grad
        average = m * slots[0]
        average += fresh
        scale = learning_rate / (1.0 - m)
        direction = m * average + fresh if self.nesterov else average
        return Descent(point - scale * direction, scale, None, (average,))


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
        _check_rate(self.learning_rate)

    def init(self, point: Array, /) -> Slots:
        """Make the sum of squares s."""
        return (array_namespace(point).zeros_like(point),)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        squares = slots[0] + grad * grad
        metric = _root(squares, pool, self.epsilon)
        return Descent(_move(point, grad, learning_rate, metric), learning_rate, metric, (squares,))


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
        _check_rate(self.learning_rate)
        _check("rho", self.rho, 0.0, 1.0)

    def init(self, point: Array, /) -> Slots:
        """Make the running mean of squares s."""
        return (array_namespace(point).zeros_like(point),)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        squares = _average(slots[0], grad * grad, self.rho)
        metric = _root(squares, pool, self.epsilon)
        return Descent(_move(point, grad, learning_rate, metric), learning_rate, metric, (squares,))


# Below, `a += b` is used on arrays made a line before: a fresh array for every operation costs more than the operation.


def _average(old: Array, new: Array, beta: float) -> Array:
    """Beta * old + (1 - beta) * new."""
    average = beta * old
    average += (1.0 - beta) * new
    return average


def _root(squares: Array, pool: Pool, epsilon: Any) -> Array:
    """sqrt(squares) + epsilon, the squares averaged within groups first."""
    root = array_namespace(squares).sqrt(squares if pool is None else pool(squares))
    root += epsilon
    return root


def _move(point: Array, direction: Array, scale: Array, metric: Array) -> Array:
    """Point - scale * direction / metric."""
    move = direction / metric
    move *= scale
    return point - move


@final
class _AdamTerms(NamedTuple):
    """Adam's step on a point: -lr * rate * m / metric; a proximal step goes by lr * scale / metric.

    With c1, c2 the corrections of the biases of m and v, lr (m / c1) / (sqrt(v / c2) + epsilon) is
    lr (sqrt(c2) / c1) m / (sqrt(v) + epsilon sqrt(c2)): neither m_hat nor v_hat is needed as an array.
    """

    rate: Array
    scale: Array
    metric: Array
    slots: Slots


def _adam(rule: Adam | AdamW, grad: Array, slots: Slots, t: Array, pool: Pool) -> _AdamTerms:
    m = _average(slots[0], grad, rule.beta1)
    v = _average(slots[1], grad * grad, rule.beta2)
    root = array_namespace(t).sqrt(_bias_correction(rule.beta2, t))
    metric = _root(v, pool, rule.epsilon if rule.epsilon_hat else rule.epsilon * root)
    return _AdamTerms(root / _bias_correction(rule.beta1, t), root, metric, (m, v))


@final
@dataclass(frozen=True)
class Adam:
    """Adam: steps along a running mean of gradients, divided by the root of that of their squares.

        m <- b1 m + (1 - b1) grad;    v <- b2 v + (1 - b2) grad^2;    w <- w - lr * m_hat / (sqrt(v_hat) + epsilon)
        m_hat = m / (1 - b1^(t+1));   v_hat = v / (1 - b2^(t+1));     t: steps taken before

    A proximal step that follows has the threshold lr * l1 / (sqrt(v_hat) + epsilon).

    Parameters
    ----------
    learning_rate : float, sequence of float or schedule, default 1e-3
        Of every step; a sequence has one per stacked network.
    beta1, beta2 : float, default 0.9 and 0.999
        By which the means forget, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the first steps finite.
    epsilon_hat : bool, default False
        Add epsilon to sqrt(v) before its bias is corrected, as scikit-learn does (Kingma & Ba, section 2).

    Raises
    ------
    ValueError
        For a rate that is not positive, or a beta elsewhere.

    References
    ----------
    Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015; the proximal form: Yun, Lozano, Yang, Adaptive
    proximal gradient methods for structured neural networks, NeurIPS 2021.
    """

    learning_rate: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        """A decay rate of 1 would divide by zero."""
        _check_rate(self.learning_rate)
        _check("beta1", self.beta1, 0.0, 1.0)
        _check("beta2", self.beta2, 0.0, 1.0)

    def init(self, point: Array, /) -> Slots:
        """Make the moments m and v."""
        zeros = array_namespace(point).zeros_like
        return zeros(point), zeros(point)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        terms = _adam(self, grad, slots, t, pool)
        moved = _move(point, terms.slots[0], learning_rate * terms.rate, terms.metric)
        return Descent(moved, learning_rate * terms.scale, terms.metric, terms.slots)


@final
@dataclass(frozen=True)
class AdamW:
    """Adam whose weights also shrink by w <- (1 - lr * weight_decay) w at every step.

    The decay is not a penalty: no loss is named whose gradient it is, and it does not appear in the loss. It acts on
    every parameter, biases too, as in PyTorch.

    Parameters
    ----------
    learning_rate : float, sequence of float or schedule, default 1e-3
        Of every step; a sequence has one per stacked network.
    beta1, beta2 : float, default 0.9 and 0.999
        See `Adam`.
    epsilon : float, default 1e-7
        See `Adam`.
    weight_decay : float, default 0.01
        The share, of a learning rate of 1, by which a step shrinks the weights; 0 or more.
    epsilon_hat : bool, default False
        See `Adam`.

    Raises
    ------
    ValueError
        For a rate that is not positive, a beta outside [0, 1) or a negative decay.

    References
    ----------
    Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    learning_rate: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7
    weight_decay: float = 0.01
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        """A decay rate of 1 would divide by zero."""
        _check_rate(self.learning_rate)
        _check("beta1", self.beta1, 0.0, 1.0)
        _check("beta2", self.beta2, 0.0, 1.0)
        _check("weight_decay", self.weight_decay, 0.0, math.inf)

    def init(self, point: Array, /) -> Slots:
        """Make the moments m and v."""
        zeros = array_namespace(point).zeros_like
        return zeros(point), zeros(point)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        terms = _adam(self, grad, slots, t, pool)
        kept = point * (1.0 - self.weight_decay * learning_rate)
        moved = _move(kept, terms.slots[0], learning_rate * terms.rate, terms.metric)
        return Descent(moved, learning_rate * terms.scale, terms.metric, terms.slots)


OPTIMIZERS: tuple[type[Any], ...] = (SGD, Adagrad, RMSprop, Adam, AdamW)
"""Our own, as exact types: a subclass with another `descend` is another rule."""
