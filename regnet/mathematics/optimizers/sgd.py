"""Gradient descent with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.optimizers.descent import Descent, Pool, Rate, Slots, check_range, check_rate

__all__ = ["SGD"]


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
        check_rate(self.learning_rate)
        check_range("momentum", self.momentum, 0.0, 1.0)

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
