"""Products of a layer, by columns: an array has a row of numbers for each feature, in which the table's rows lie.

So loops run along the table's rows, whatever a layer's widths are. Where either is small BLAS takes longer: it copies
both factors into an order of its own first.
"""

from __future__ import annotations

from typing import Any

from numba.extending import register_jitable

from regnet_numpy.compiled.jit import number, sum_loop, wide_loop

__all__ = ["NARROW", "pad", "padded", "product", "turn", "weight_product"]

NARROW = 16
"""The smaller of a layer's widths up to which products are loops of ours."""

BLOCK = 4
"""Features by features that a loop multiplies at once: each number that it reads is used four times."""


@register_jitable
def padded(features: Any) -> Any:
    """As many features in whole blocks."""
    return (features + BLOCK - 1) // BLOCK * BLOCK


@sum_loop
def turn(table: Any, columns: Any) -> None:
    """The transpose of table, in columns."""
    wide_loop()
    for j in range(table.shape[1]):
        for i in range(table.shape[0]):
            columns[j, i] = table[i, j]


@sum_loop
def pad(weight: Any, turned: Any, memory: Any) -> Any:
    """The weight, or its transpose, in whole blocks with 0 at the end, in the first numbers of memory."""
    rows, columns = (weight.shape[1], weight.shape[0]) if turned else weight.shape
    whole = memory[: padded(rows) * padded(columns)].reshape(padded(rows), padded(columns))
    whole[:] = 0
    for j in range(rows):
        for k in range(columns):
            whole[j, k] = weight[k, j] if turned else weight[j, k]
    return whole


@sum_loop
def product(weight: Any, x: Any, z: Any) -> None:
    """The product weight @ x, in z. weight: of `pad`; x: (k, n); z: (padded(j), n)."""
    wide_loop()
    last, n = x.shape[0] - 1, x.shape[1]
    for j in range(0, weight.shape[0], BLOCK):
        z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
        for k in range(0, weight.shape[1], BLOCK):
            x0, x1, x2, x3 = x[k], x[min(k + 1, last)], x[min(k + 2, last)], x[min(k + 3, last)]
            a0, a1, a2, a3 = weight[j, k], weight[j, k + 1], weight[j, k + 2], weight[j, k + 3]
            b0, b1, b2, b3 = weight[j + 1, k], weight[j + 1, k + 1], weight[j + 1, k + 2], weight[j + 1, k + 3]
            c0, c1, c2, c3 = weight[j + 2, k], weight[j + 2, k + 1], weight[j + 2, k + 2], weight[j + 2, k + 3]
            d0, d1, d2, d3 = weight[j + 3, k], weight[j + 3, k + 1], weight[j + 3, k + 2], weight[j + 3, k + 3]
            for i in range(n):
                p, q, r, s = x0[i], x1[i], x2[i], x3[i]
                a, b = a0 * p + a1 * q + a2 * r + a3 * s, b0 * p + b1 * q + b2 * r + b3 * s
                c, d = c0 * p + c1 * q + c2 * r + c3 * s, d0 * p + d1 * q + d2 * r + d3 * s
                if k:
                    a += z0[i]
                    b += z1[i]
                    c += z2[i]
                    d += z3[i]
                z0[i], z1[i], z2[i], z3[i] = a, b, c, d


@sum_loop
def weight_product(x: Any, dz: Any, grad: Any) -> None:
    """The product x @ dz^T, in grad. x: (k, n); dz: (j, n); grad: (k, j)."""
    wide_loop()
    (inputs, n), outputs = x.shape, dz.shape[0]
    zero = number(x[0, 0], 0.0)
    for k in range(0, inputs, BLOCK):
        k1, k2, k3 = min(k + 1, inputs - 1), min(k + 2, inputs - 1), min(k + 3, inputs - 1)
        x0, x1, x2, x3 = x[k], x[k1], x[k2], x[k3]
        for j in range(0, outputs, BLOCK):
            j1, j2, j3 = min(j + 1, outputs - 1), min(j + 2, outputs - 1), min(j + 3, outputs - 1)
            z0, z1, z2, z3 = dz[j], dz[j1], dz[j2], dz[j3]
            if inputs - k <= 2:  # as of the two coordinates of a point
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
                for i in range(n):
                    p, q = x0[i], x1[i]
                    t, u, v, w = z0[i], z1[i], z2[i], z3[i]
                    a0 += p * t
                    a1 += p * u
                    a2 += p * v
                    a3 += p * w
                    b0 += q * t
                    b1 += q * u
                    b2 += q * v
                    b3 += q * w
                grad[k1, j3], grad[k1, j2], grad[k1, j1], grad[k1, j] = b3, b2, b1, b0
                grad[k, j3], grad[k, j2], grad[k, j1], grad[k, j] = a3, a2, a1, a0
                continue
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            for i in range(n):
                p, q, r, s = x0[i], x1[i], x2[i], x3[i]
                t, u, v, w = z0[i], z1[i], z2[i], z3[i]
                a0 += p * t
                a1 += p * u
                a2 += p * v
                a3 += p * w
                b0 += q * t
                b1 += q * u
                b2 += q * v
                b3 += q * w
                c0 += r * t
                c1 += r * u
                c2 += r * v
                c3 += r * w
                d0 += s * t
                d1 += s * u
                d2 += s * v
                d3 += s * w
            # Beyond the ends a block repeats the last row or column, whose own entries come last.
            grad[k3, j3], grad[k3, j2], grad[k3, j1], grad[k3, j] = d3, d2, d1, d0
            grad[k2, j3], grad[k2, j2], grad[k2, j1], grad[k2, j] = c3, c2, c1, c0
            grad[k1, j3], grad[k1, j2], grad[k1, j1], grad[k1, j] = b3, b2, b1, b0
            grad[k, j3], grad[k, j2], grad[k, j1], grad[k, j] = a3, a2, a1, a0
