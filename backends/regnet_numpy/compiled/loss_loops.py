"""The loss of a tile of rows and its gradient by the outputs. Outputs lie by columns: (outputs, n)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import carray

from regnet_numpy.compiled.elementary import exponential, logarithm_1p
from regnet_numpy.compiled.jit import choose, loop_at, number, wide_loop

__all__ = ["loss_loop"]


@cache
def loss_loop(terms: Callable[..., Any] | None, dtype: Any, /) -> Any:
    """The weighted sum of the rows' losses; its gradient goes to dz.

    z, y, dz: (outputs, n); weight: (n,); scratch: (3, n); own: numbers of the loss.
    """
    if terms is None:
        return loop_at(dtype, 6, _softmax, returns=True)

    def of_outputs(
        z_at: Any, y_at: Any, weight: Any, dz_at: Any, scratch: Any, own: Any, columns: Any, n: Any
    ) -> Any:  # fmt: skip
        wide_loop()
        z, y, dz = carray(z_at, (columns, n)), carray(y_at, (columns, n)), carray(dz_at, (columns, n))
        total = number(z[0, 0], 0.0)
        for column in range(columns):
            for i in range(n):
                value, slope = terms(z[column, i], y[column, i], column, own)
                total += weight[i] * value
                dz[column, i] = weight[i] * slope
        return total

    return loop_at(dtype, 6, of_outputs, returns=True)


def _softmax(
    z_at: Any, y_at: Any, weight: Any, dz_at: Any, scratch_at: Any, own: Any, columns: Any, n: Any
) -> Any:  # fmt: skip
    """The categorical cross-entropy: log(sum of exp(z_k - largest)) - sum of y_k (z_k - largest).

    The largest output's own 1 stays outside of the sum, log1p(others): beside it a sure row's would be rounded away.
    """
    wide_loop()
    z, y, dz = carray(z_at, (columns, n)), carray(y_at, (columns, n)), carray(dz_at, (columns, n))
    scratch = carray(scratch_at, (3, n))
    zero, one, total = number(z[0, 0], 0.0), number(z[0, 0], 1.0), number(z[0, 0], 0.0)
    largest, others, equals = scratch[0], scratch[1], scratch[2]
    for i in range(n):
        largest[i], others[i], equals[i] = z[0, i], zero, -one
    for column in range(1, columns):
        for i in range(n):
            largest[i] = choose(z[column, i] > largest[i], z[column, i], largest[i])
    for column in range(columns):
        for i in range(n):
            below = z[column, i] - largest[i]
            dz[column, i] = exponential(below)
            others[i] += choose(below < zero, dz[column, i], zero)
            equals[i] += choose(below < zero, zero, one)  # as large as the largest: whole numbers
            total -= weight[i] * y[column, i] * below
    for i in range(n):
        others[i] += equals[i]
        total += weight[i] * logarithm_1p(others[i])
        others[i] = one / (one + others[i])
    for column in range(columns):
        for i in range(n):
            dz[column, i] = (dz[column, i] * others[i] - y[column, i]) * weight[i]
    return total
