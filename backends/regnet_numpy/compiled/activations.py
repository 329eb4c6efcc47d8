"""Our activations as the loops take them: scalar functions, by exact type.

`value(z, own)` is y, `slope(y, own)` the derivative, told from y; own: numbers of the activation's own. A new one is
two functions and a line of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from numba import carray

from regnet.mathematics import activations
from regnet_numpy.compiled.elementary import hyperbolic_tangent
from regnet_numpy.compiled.jit import choose, loop_at, number, scalar, wide_loop

__all__ = ["FORMULAS", "Formula", "activation_loops"]


class Formula(NamedTuple):
    """value, slope: see above; own: of an activation, the numbers that they are handed, one at least."""

    value: Callable[..., Any]
    slope: Callable[..., Any]
    own: Callable[[Any], tuple[float, ...]]


@scalar
def _line_value(z: Any, own: Any) -> Any:
    """Returns z above 0, own[0] z elsewhere: 0 is ReLU, 1 the identity."""
    return choose(z > number(z, 0.0), z, own[0] * z)


@scalar
def _line_slope(y: Any, own: Any) -> Any:
    """1 above 0."""
    return choose(y > number(y, 0.0), number(y, 1.0), own[0])


@scalar
def _tanh_value(z: Any, own: Any) -> Any:
    """Tanh z."""
    return hyperbolic_tangent(z)


@scalar
def _tanh_slope(y: Any, own: Any) -> Any:
    """1 - y^2."""
    return number(y, 1.0) - y * y


@scalar
def _sigmoid_value(z: Any, own: Any) -> Any:
    """(1 + tanh(z / 2)) / 2."""
    half = number(z, 0.5)
    return half + half * hyperbolic_tangent(half * z)


@scalar
def _sigmoid_slope(y: Any, own: Any) -> Any:
    """Y (1 - y)."""
    return y * (number(y, 1.0) - y)


FORMULAS: dict[type, Formula] = {
    activations.Identity: Formula(_line_value, _line_slope, lambda activation: (1.0,)),
    activations.Relu: Formula(_line_value, _line_slope, lambda activation: (0.0,)),
    activations.LeakyRelu: Formula(_line_value, _line_slope, lambda activation: (activation.slope,)),
    activations.Tanh: Formula(_tanh_value, _tanh_slope, lambda activation: (0.0,)),
    activations.Sigmoid: Formula(_sigmoid_value, _sigmoid_slope, lambda activation: (0.0,)),
}


@cache
def activation_loops(value: Callable[..., Any], slope: Callable[..., Any], dtype: Any, /) -> tuple[Any, Any]:
    """In place, z <- f(z + bias); and dy <- dy * f', with its sums over rows. z, dy, y: (features, n)."""

    def activate(z_at: Any, bias: Any, own: Any, features: Any, n: Any) -> None:
        wide_loop()
        z = carray(z_at, (features, n))
        for j in range(features):
            for i in range(n):
                z[j, i] = value(z[j, i] + bias[j], own)

    def multiply_slopes(dy_at: Any, y_at: Any, bias_grad: Any, own: Any, features: Any, n: Any) -> None:
        wide_loop()
        dy, y = carray(dy_at, (features, n)), carray(y_at, (features, n))
        for j in range(features):
            total = number(dy[j, 0], 0.0)
            for i in range(n):
                dz = dy[j, i] * slope(y[j, i], own)
                dy[j, i] = dz
                total += dz
            bias_grad[j] = total

    return loop_at(dtype, 3, activate), loop_at(dtype, 4, multiply_slopes)
