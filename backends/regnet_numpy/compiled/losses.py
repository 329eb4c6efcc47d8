"""Our losses as the loops take them: scalar functions, by exact type.

`terms(z, y, column, own)` is the loss of one output and its derivative; own: numbers of the loss's own. A new loss is a
function and a line of the table; one that is no sum over outputs, as the categorical cross-entropy, has a loop of its
own in `loss_loops`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from regnet.mathematics import losses
from regnet_numpy.compiled.elementary import exponential, logarithm, logarithm_1p
from regnet_numpy.compiled.jit import choose, number, scalar

__all__ = ["FORMULAS", "Formula"]


class Formula(NamedTuple):
    """terms: see above, or None: of all outputs together; own: of a loss and a number of outputs, its numbers."""

    terms: Callable[..., Any] | None
    own: Callable[[Any, int], Any]


@scalar
def _logistic(z: Any, y: Any, column: Any, own: Any) -> Any:
    """log(1 + exp(z)) - y z, from exp(-|z|)."""
    small, zero, one = exponential(-abs(z)), number(z, 0.0), number(z, 1.0)
    value = choose(z > zero, z, zero) - y * z + logarithm_1p(small)
    return value, choose(z < zero, small, one) / (one + small) - y


@scalar
def _squared(z: Any, y: Any, column: Any, own: Any) -> Any:
    """(z - y)^2 / 2."""
    residual = z - y
    return number(z, 0.5) * residual * residual, residual


@scalar
def _huber(z: Any, y: Any, column: Any, own: Any) -> Any:
    """With c = r limited to [-delta, delta], c (r - c / 2)."""
    residual, delta = z - y, own[0]
    limited = choose(residual < -delta, -delta, choose(residual > delta, delta, residual))
    return limited * (residual - number(z, 0.5) * limited), limited


@scalar
def _pinball(z: Any, y: Any, column: Any, own: Any) -> Any:
    """The slope times z - y; a column has two slopes, where z < y and where z > y; it is 0 where they are equal."""
    residual, zero = z - y, number(z, 0.0)
    slope = choose(residual > zero, own[2 * column + 1], choose(residual < zero, own[2 * column], zero))
    return slope * residual, slope


@scalar
def _poisson(z: Any, y: Any, column: Any, own: Any) -> Any:
    """exp(z) - y + y (log y - z), with 0 log 0 = 0."""
    residual = exponential(z) - y
    return residual + y * (logarithm(choose(y > number(y, 0.0), y, number(y, 1.0))) - z), residual


@scalar
def _gamma(z: Any, y: Any, column: Any, own: Any) -> Any:
    """Y exp(-z) - 1 - log(y exp(-z)); the slope is 1 - y exp(-z)."""
    slope = number(z, 1.0) - y * exponential(-z)
    return z - logarithm(y) - slope, slope


@scalar
def _tweedie(z: Any, y: Any, column: Any, own: Any) -> Any:
    """With a = power - 1, b = 2 - power: exp(b z) / b + y exp(-a z) / a - y^b / (a b)."""
    a, b, zero = own[0], own[1], number(z, 0.0)
    falling, rising = y * exponential(-a * z), exponential(b * z)
    power = choose(y > zero, exponential(b * logarithm(choose(y > zero, y, number(z, 1.0)))), zero)
    return rising / b + falling / a - power / (a * b), rising - falling


def _slopes(levels: Any, columns: int) -> Any:
    """Of quantiles: -level and 1 - level, for each column."""
    levels = np.broadcast_to(np.asarray(levels, np.float64), (columns,))
    return np.stack([-levels, 1.0 - levels], axis=1).reshape(-1)


FORMULAS: dict[type, Formula] = {
    losses.CategoricalCrossEntropy: Formula(None, lambda loss, columns: [0.0]),
    losses.BinaryCrossEntropy: Formula(_logistic, lambda loss, columns: [0.0]),
    losses.SquaredError: Formula(_squared, lambda loss, columns: [0.0]),
    losses.AbsoluteError: Formula(_pinball, lambda loss, columns: 2.0 * _slopes(0.5, columns)),
    losses.Huber: Formula(_huber, lambda loss, columns: [loss.delta]),
    losses.Quantile: Formula(_pinball, lambda loss, columns: _slopes(loss.level, columns)),
    losses.Quantiles: Formula(_pinball, lambda loss, columns: _slopes(loss.levels, columns)),
    losses.Poisson: Formula(_poisson, lambda loss, columns: [0.0]),
    losses.Gamma: Formula(_gamma, lambda loss, columns: [0.0]),
    losses.Tweedie: Formula(_tweedie, lambda loss, columns: [loss.power - 1.0, 2.0 - loss.power]),
}
