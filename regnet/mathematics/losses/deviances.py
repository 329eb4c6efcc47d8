"""Losses of values of 0 or more, by half their deviance; the outputs are logarithms of the mean.

A deviance is twice the log-likelihood that a model with the mean exp(z) loses to one that knows every value: 0 or more,
and 0 only where they are equal. Each stands for how the variance grows with the mean m: Poisson m, Gamma m^2, Tweedie
m^power. Source: McCullagh & Nelder, Generalized Linear Models, 1989, sections 2.3 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.reductions import sum_outputs
from regnet.arrays.types import Array
from regnet.mathematics.locations import log_mean

__all__ = ["Gamma", "Poisson", "Tweedie"]


class _OfLogarithms:
    """What they share: the outputs are logarithms of the predictions."""

    metric: ClassVar[str] = "r2"
    kind: ClassVar[str] = "nonnegative"

    def predict(self, outputs: Array, /) -> Array:
        """Return exp(outputs): the expected values."""
        return array_namespace(outputs).exp(outputs)


@final
@dataclass(frozen=True)
class Poisson(_OfLogarithms):
    """Half the Poisson deviance of counts y with mean exp(z): exp(z) - y + y (log y - z), summed over outputs.

    It is 0 or more; its gradient is exp(z) - y. Targets are 0 or more.

    References
    ----------
    McCullagh & Nelder, Generalized Linear Models, 1989, section 2.3.
    """

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient, with 0 log 0 = 0."""
        xp = array_namespace(outputs)
        residual = xp.exp(outputs) - targets
        log_targets = xp.log(xp.where(targets > 0, targets, xp.ones_like(targets)))
        return sum_outputs(residual + targets * (log_targets - outputs)), residual

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the logarithm of the mean."""
        return log_mean(targets, share)


@final
@dataclass(frozen=True)
class Gamma(_OfLogarithms):
    """Half the gamma deviance of values y with mean exp(z): y exp(-z) - 1 - log(y exp(-z)), summed over outputs.

    A factor between y and the prediction costs the same at every size, as suits amounts and durations. Its gradient is
    1 - y exp(-z). Targets are above 0.

    References
    ----------
    McCullagh & Nelder, Generalized Linear Models, 1989, section 8.3.
    """

    kind: ClassVar[str] = "positive"

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient by the class's formulas."""
        xp = array_namespace(outputs)
        slope = 1.0 - targets * xp.exp(-outputs)
        return sum_outputs(outputs - xp.log(targets) - slope), slope

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the logarithm of the mean."""
        return log_mean(targets, share)


@final
@dataclass(frozen=True)
class Tweedie(_OfLogarithms):
    """Half the Tweedie deviance of values y with mean m = exp(z), whose variance is m^p, summed over outputs.

    It is

        y^(2 - p) / ((1 - p) (2 - p)) - y m^(1 - p) / (1 - p) + m^(2 - p) / (2 - p)

    With p between 1 and 2, values are sums of a Poisson number of gamma ones, many of them 0: claims, rainfall. Its
    gradient is m^(2 - p) - y m^(1 - p). Targets are 0 or more.

    Parameters
    ----------
    power : float, default 1.5
        The exponent p of the variance, above 1 (which is Poisson) and below 2 (which is Gamma).

    Raises
    ------
    ValueError
        If power is not between 1 and 2.

    References
    ----------
    Jorgensen, Exponential dispersion models, JRSS B 49 (1987).
    """

    power: float = 1.5

    def __post_init__(self) -> None:
        """At its ends the formula divides by 0, and beyond them targets are other ones."""
        if not 1 < self.power < 2:
            raise ValueError(
                f"Tweedie(power={self.power}): power must be above 1 and below 2; use Poisson() for 1, Gamma() for 2."
            )

    def value_and_grad(self, outputs: Array, targets: Array, /) -> tuple[Array, Array]:
        """Compute loss and gradient; with the targets' own part it is 0 where y = m, for 0 too."""
        xp, a, b = array_namespace(outputs), self.power - 1.0, 2.0 - self.power
        falling, rising = targets * xp.exp(-a * outputs), xp.exp(b * outputs)
        return sum_outputs(rising / b + falling / a - targets**b / (a * b)), rising - falling

    def constant(self, targets: Any, share: Any, /) -> NDArray[np.float64]:
        """See `HasConstant`: the logarithm of the mean."""
        return log_mean(targets, share)
