"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.optimizers.descent import (
    Descent,
    Pool,
    Rate,
    Slots,
    bias_correction,
    check_range,
    check_rate,
    root_of,
    running_mean,
    step_along,
)

__all__ = ["Adam", "AdamW"]


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
    m = running_mean(slots[0], grad, rule.beta1)
    v = running_mean(slots[1], grad * grad, rule.beta2)
    root = array_namespace(t).sqrt(bias_correction(rule.beta2, t))
    metric = root_of(v, pool, rule.epsilon if rule.epsilon_hat else rule.epsilon * root)
    return _AdamTerms(root / bias_correction(rule.beta1, t), root, metric, (m, v))


@dataclass(frozen=True)
class _Moments:
    """What both have: the parameters of the two means, and the slots that hold these."""

    learning_rate: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7

    def _check(self) -> None:
        """A decay rate of 1 would divide by zero."""
        check_rate(self.learning_rate)
        check_range("beta1", self.beta1, 0.0, 1.0)
        check_range("beta2", self.beta2, 0.0, 1.0)

    def init(self, point: Array, /) -> Slots:
        """Make the moments m and v."""
        zeros = array_namespace(point).zeros_like
        return zeros(point), zeros(point)


@final
@dataclass(frozen=True)
class Adam(_Moments):
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

    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        """See `_Moments`."""
        self._check()

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        terms = _adam(self, grad, slots, t, pool)
        moved = step_along(point, terms.slots[0], learning_rate * terms.rate, terms.metric)
        return Descent(moved, learning_rate * terms.scale, terms.metric, terms.slots)


@final
@dataclass(frozen=True)
class AdamW(_Moments):
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

    weight_decay: float = 0.01
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        """A negative decay would blow the weights up."""
        self._check()
        check_range("weight_decay", self.weight_decay, 0.0, math.inf)

    def descend(
        self, point: Array, grad: Array, slots: Slots, t: Array, learning_rate: Array, pool: Pool = None, /
    ) -> Descent:
        """Take one step by the class's formulas."""
        terms = _adam(self, grad, slots, t, pool)
        kept = point * (1.0 - self.weight_decay * learning_rate)
        moved = step_along(kept, terms.slots[0], learning_rate * terms.rate, terms.metric)
        return Descent(moved, learning_rate * terms.scale, terms.metric, terms.slots)
