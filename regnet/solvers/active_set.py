"""A quadratic under an L1 penalty, minimised exactly: a few Cholesky factorisations instead of many small steps.

    minimise  1/2 v'Hv - b'v + sum_j l_j |v_j|,        H symmetric, positive semidefinite

With the signs of v known the minimum solves a linear system. The signs are found by trial: coefficients whose gradient
exceeds their strength join, those that change sign leave, and every step lowers the objective, so no set of signs
comes twice. Sources: Osborne, Presnell, Turlach, IMA J. Numerical Analysis 20 (2000); Lee, Battle, Raina, Ng,
Efficient sparse coding algorithms, NeurIPS 2006 (one coefficient at a time; here as many as there were).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from regnet.solvers.solution import Counts, Mask, Numbers

__all__ = ["minimise_l1", "solve_damped"]

EPS = float(np.finfo(np.float64).eps)
TINY = 8.0 * EPS
"""Relative to the largest coefficient, what is 0 to rounding."""
NEWCOMERS = 10
"""Coefficients that may join at once, beside as many as there are: of collinear ones most would leave again."""


class _At(NamedTuple):
    """Coefficients, the quadratic's gradient there, and signs: of the coefficients, and of those about to join."""

    v: Numbers
    grad: Numbers
    sign: Numbers


def solve_damped(matrix: Numbers, right: Numbers, /) -> Numbers:
    """The solution of (matrix + D) x = right, for a matrix (m, m) that is positive semidefinite to rounding.

    D is its diagonal times the smallest of eps m, 100 eps m, ... with which Cholesky succeeds: where the matrix is
    singular, x is long in its null space, which takes a step to the next change of sign.
    """
    diagonal = matrix.diagonal()
    unit = np.where(diagonal > 0.0, diagonal, 1.0)
    damping = EPS * len(right)
    while damping < 1e3:
        tried = matrix.copy()
        tried.reshape(-1)[:: len(right) + 1] += damping * unit
        _, x, info = lapack.dposv(tried.T, right, lower=1, overwrite_a=1)
        if info == 0 and math.isfinite(x.sum()):
            return np.asarray(x)
        damping *= 100.0
    return np.zeros_like(right)


def minimise_l1(
    hessian: Numbers,
    grad: Numbers,
    l1: Numbers,
    start: Numbers,
    /,
    *,
    tol: float,
    max_iter: int = 10_000,
) -> tuple[Numbers, int]:
    """The minimum (m,) and the number of systems solved.

    hessian: H (m, m); grad: Hv - b at the start (m,); l1: l >= 0, (m,), 0 for coefficients without a penalty; start:
    (m,). Ends where no subgradient has an entry beyond tol, or where rounding allows no descent.
    """
    free = l1 == 0.0
    at = _At(start, grad, np.sign(start))
    for count in range(max_iter):
        active = (at.sign != 0.0) | free
        slope = at.grad + l1 * at.sign
        rest = np.abs(slope) - np.where(active, 0.0, l1)
        if not rest.max() > tol:
            return at.v, count
        (joining,) = ((rest > 0.0) > active).nonzero()
        if len(joining):
            room = max(NEWCOMERS, int(active.sum()))
            if len(joining) > room:
                joining = joining[np.argpartition(-rest[joining], room)[:room]]
            at = at._replace(sign=at.sign.copy())
            at.sign[joining] = -np.sign(at.grad[joining])
            slope[joining] = at.grad[joining] + l1[joining] * at.sign[joining]
            active[joining] = True
        moved = _step(hessian, l1, at, slope, active)
        if moved is None:
            return at.v, count
        at = moved
    return at.v, max_iter


def _step(hessian: Numbers, l1: Numbers, at: _At, slope: Numbers, active: Mask) -> _At | None:
    """The minimum for these signs, or the best point on the way to it, or None if rounding hides what is better."""
    index, move = _towards(hessian, at, slope, active)
    v, sign, strength = at.v[index], at.sign[index], l1[index]
    end = v + move
    crossing = end * sign < 0.0
    columns = hessian[:, index] if len(index) < len(l1) else hessian
    if not crossing.any():
        change = columns @ move
    else:
        along = _best_on_the_way(v, move, strength, crossing, slope[index], columns[index])
        cut = np.where(crossing, 0.0, end)
        tried = [(one, columns @ (one - v)) for one in (cut, along)]
        gains = [
            float((at.grad[index] + 0.5 * change[index]) @ (one - v) + strength @ (np.abs(one) - np.abs(v)))
            for one, change in tried
        ]
        best = int(gains[1] < gains[0])
        if not gains[best] < 0.0:
            return None
        end, change = tried[best]
    moved = at.v.copy()
    moved[index] = end
    # What rounding leaves of a coefficient has a sign too, and would stand in the way of every step.
    size = np.abs(moved)
    moved[(size <= TINY * size.max()) & (l1 > 0.0)] = 0.0
    return _At(moved, at.grad + change, np.sign(moved))


def _towards(hessian: Numbers, at: _At, slope: Numbers, active: Mask) -> tuple[Counts, Numbers]:
    """Which coefficients move, and by how much, to the minimum for their signs; who would join with the wrong sign

    does not. Of those that join, one has the right sign: the move goes down.
    """
    (index,) = active.nonzero()
    while True:
        matrix = hessian[index[:, None], index] if len(index) < len(slope) else hessian
        move = solve_damped(matrix, -slope[index])
        wrong = (at.v[index] == 0.0) & (move * at.sign[index] < 0.0)
        if not wrong.any():
            return index, move
        index = index[~wrong]


def _best_on_the_way(
    v: Numbers, move: Numbers, strength: Numbers, crossing: Mask, slope: Numbers, hessian: Numbers
) -> Numbers:
    """The best of the points v + t move, 0 < t <= 1, on which the objective is a convex piece of a parabola after

    another: where the slope changes sign, be it in a piece or where a coefficient is 0.
    """
    (number,) = crossing.nonzero()
    times = -v[number] / move[number]
    order = np.argsort(times, kind="stable")
    number, times = number[order], times[order]
    kinks = 2.0 * np.cumsum(strength[number] * np.abs(move[number]))
    start, curve = float(slope @ move), float(move @ (hessian @ move))
    after = start + curve * times + kinks
    first = int(np.argmax(after >= 0.0)) if (after >= 0.0).any() else len(times)
    before = start + (kinks[first - 1] if first else 0.0)
    if first == len(times) or before + curve * times[first] > 0.0:  # between two of them
        return np.asarray(v + min(1.0, -before / curve if curve > 0.0 else 1.0) * move)
    point: Numbers = v + times[first] * move
    point[number[first]] = 0.0
    return point
