"""Products of a layer, by columns: an array has a row of numbers for each feature, in which the table's rows lie.

So vectors run along the table's rows, whatever a layer's widths are. Where either is small BLAS takes longer: it copies
both factors into an order of its own first.
"""

from __future__ import annotations

from typing import Any

from numba.extending import register_jitable

from regnet_numpy.compiled.jit import sum_loop, wide_loop
from regnet_numpy.compiled.vector_blocks import (
    BLOCK,
    gradient_of_four,
    gradient_of_two,
    lanes,
    line_product,
    line_rows,
    many_product,
    many_rows,
    turn_block,
)  # fmt: skip

__all__ = ["product", "turn", "weight_product", "whole_lines"]

WHOLE = 16
"""Rows of a tile are a multiple of it: whole cache lines, of float32 one, of float64 two."""


@register_jitable
def whole_lines(rows: Any) -> Any:
    """Rows of a tile with those that fill its lines up."""
    return (rows + WHOLE - 1) // WHOLE * WHOLE


@sum_loop
def turn(table: Any, columns: Any) -> None:
    """The transpose of table, in columns; where these are longer, the last row again."""
    wide_loop()
    (n, width), step = table.shape, lanes(columns)
    if table.dtype == columns.dtype and min(n, width) >= step:
        for i in range(0, n, step):
            for j in range(0, width, step):
                turn_block(table, columns, min(i, n - step), min(j, width - step))
    else:
        for j in range(width):
            for i in range(n):
                columns[j, i] = table[i, j]
    for j in range(width):
        for i in range(n, columns.shape[1]):
            columns[j, i] = columns[j, n - 1]


@sum_loop
def product(weight: Any, turned: Any, x: Any, z: Any, first: Any, stop: Any) -> None:
    """The outputs from first to stop of weight^T @ x if `turned`, else of weight @ x, in z.

    x: (inputs, n); z: (outputs, n); n: of whole cache lines.
    """
    wide_loop()
    outputs, inputs = (1, weight.shape[1]) if turned else (weight.shape[1], 1)
    n, many = x.shape[1], many_rows(x)
    for j in range(first, stop, BLOCK):
        for i in range(0, n - many + 1, many):
            many_product(weight, outputs, inputs, x, z, j, stop - 1, i)
        for i in range(n - n % many, n, line_rows(x)):
            line_product(weight, outputs, inputs, x, z, j, stop - 1, i)


@sum_loop
def weight_product(x: Any, dz: Any, grad: Any) -> None:
    """The product x @ dz^T, in grad. x: (k, n); dz: (j, n); grad: (k, j); n: of whole cache lines."""
    wide_loop()
    for k in range(0, grad.shape[0], BLOCK):
        for j in range(0, grad.shape[1], BLOCK):
            if grad.shape[0] - k <= 2:  # as of the two coordinates of a point
                gradient_of_two(x, dz, grad, k, j)
            else:
                gradient_of_four(x, dz, grad, k, j)
