"""A quadratic under a group penalty, minimised to rounding: Newton's method on the rows that are not 0.

    minimise  1/2 v'Hv - b'v + sum_i g_i ||V_i||_2,        V_i: row i of v as (rows, columns)

Where no row is 0 the objective is smooth; rows enter and leave by a block's own minimisation. Every step lowers the
objective. Sources: Yuan & Lin, JRSS B 68 (2006), for the blocks; Roth & Fischer, The group-lasso for generalized linear
models, ICML 2008, for active sets of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.solvers.active_set import solve_damped

__all__ = ["minimise_groups"]

NEWCOMERS = 10
"""Rows that may join at once, beside as many as there are."""

HALVINGS = 60


class _At(NamedTuple):
    """The point (rows, columns) and the quadratic's gradient there."""

    v: NDArray[np.float64]
    grad: NDArray[np.float64]


def minimise_groups(
    hessian: NDArray[np.float64],
    grad: NDArray[np.float64],
    group: NDArray[np.float64],
    start: NDArray[np.float64],
    /,
    *,
    tol: float,
    max_iter: int = 10_000,
) -> tuple[NDArray[np.float64], int]:
    """The minimum (rows, columns) and the number of systems solved.

    hessian: H (m, m), m = rows * columns, row by row; grad: Hv - b at the start (rows, columns); group: g >= 0,
    (rows,), 0 for rows without a penalty; start: (rows, columns). Ends where no subgradient has an entry beyond tol, or
    where rounding allows no descent.
    """
    at = _At(start.copy(), grad)
    for count in range(max_iter):
        norm, size = _norms(at.v), _norms(at.grad)
        active = (norm > 0.0) | (group == 0.0)
        slope = at.grad + group[:, None] * _directions(at.v, norm)
        rest = np.where(active, np.abs(slope).max(axis=1), size - group)
        if not rest.max(initial=0.0) > tol:
            return at.v, count
        exchanged = _exchange(hessian, group, at, active, size - group)
        moved = _newton(hessian, group, exchanged)
        if moved is at:
            return at.v, count
        at = moved
    return at.v, max_iter


def _norms(v: Any) -> Any:
    return np.sqrt(np.einsum("ij,ij->i", v, v))


def _directions(v: Any, norm: Any) -> Any:
    """Rows by their norms; 0 for rows that are 0."""
    return v / np.where(norm > 0.0, norm, 1.0)[:, None]


def _exchange(hessian: Any, group: Any, at: _At, active: Any, excess: Any) -> _At:
    """Rows whose block is at its minimum in 0 leave, one after another; then rows that should not be 0 join."""
    columns = at.v.shape[1]
    blocks = hessian.reshape(*at.v.shape, *at.v.shape)
    number = np.arange(len(group))
    own = blocks[number, :, number, :]
    without = at.grad - np.einsum("ikl,il->ik", own, at.v)
    leaving = np.flatnonzero(active & (group > 0.0) & (_norms(without) <= group))
    joining = np.flatnonzero(~active & (excess > 0.0))
    room = max(NEWCOMERS, int(active.sum()))
    if len(joining) > room:
        joining = joining[np.argpartition(-excess[joining], room)[:room]]
    if not len(leaving) and not len(joining):
        return at
    v, grad = at.v.copy(), at.grad.reshape(-1).copy()
    for i in (*leaving, *joining):
        block = slice(i * columns, (i + 1) * columns)
        pull = grad[block] - own[i] @ v[i]
        norm = float(np.sqrt(pull @ pull))
        if norm <= group[i]:
            new = np.zeros(columns)
        elif v[i].any():  # it stays after all: Newton's method finds where
            continue
        else:
            new = -pull * ((1.0 - group[i] / norm) / max(float(np.trace(own[i])), 1e-300))
        grad += hessian[:, block] @ (new - v[i])
        v[i] = new
    return _At(v, grad.reshape(v.shape))


def _newton(hessian: Any, group: Any, at: _At) -> _At:
    """The best point that Newton's method on the rows which are not 0 offers; the point itself if none is better."""
    norm = _norms(at.v)
    rows = np.flatnonzero((norm > 0.0) | (group == 0.0))
    if not len(rows):
        return at
    v, strength, columns = at.v[rows], group[rows], at.v.shape[1]
    index = (rows[:, None] * columns + np.arange(columns)).reshape(-1)
    plain = hessian[np.ix_(index, index)]
    unit = _directions(v, norm[rows])
    slope = at.grad[rows] + strength[:, None] * unit
    bend = strength / np.where(norm[rows] > 0.0, norm[rows], 1.0)
    curved = bend[:, None, None] * (np.eye(columns) - unit[:, :, None] * unit[:, None, :])
    ends = _ends(plain, curved, slope, v, strength > 0.0)
    steps = (ends - v).reshape(len(ends), -1)
    changes = steps @ plain
    gains = np.einsum("ij,ij->i", at.grad[rows].reshape(-1) + 0.5 * changes, steps)
    gains += _growth(v, steps.reshape(ends.shape), strength)
    best = int(gains.argmin())
    if not gains[best] < 0.0:
        return at
    moved = at.v.copy()
    moved[rows] = ends[best]
    return _At(moved, at.grad + (hessian[:, index] @ steps[best]).reshape(at.grad.shape))


def _ends(plain: Any, curved: Any, slope: Any, v: Any, penalised: Any) -> Any:
    """Where Newton's step leads, (candidates, rows, columns): one, if it takes no row through 0.

    Else such rows end in 0, and the others have their step beside them; or all go part of the way, 0 being the end of
    those that would pass it.
    """
    step = _solve(plain, curved, slope, v, np.ones(len(v), dtype=bool))
    beyond = penalised & (np.einsum("ij,ij->i", v + step, v) <= 0.0)
    if not beyond.any():
        return v + 0.25 ** np.arange(8)[:, None, None] * step
    ends = []
    staying = ~beyond
    while True:
        cut = _solve(plain, curved, slope, v, staying)
        more = staying & penalised & (np.einsum("ij,ij->i", v + cut, v) <= 0.0)
        if not more.any():
            break
        staying &= ~more
    for way in (step, cut):
        along, square = np.einsum("ij,ij->i", way, v), np.einsum("ij,ij->i", v, v)
        times = np.unique(-square[along < 0.0] / along[along < 0.0])
        times = np.concatenate([times[times < 1.0][:16], 0.5 ** np.arange(30)])
        reached = v + times[:, None, None] * way
        inside = ~penalised | (square + times[:, None] * along > 1e-12 * square)
        ends.append(np.where(inside[:, :, None], reached, 0.0))
    return np.concatenate(ends)


def _solve(plain: Any, curved: Any, slope: Any, v: Any, staying: Any) -> Any:
    """Newton's step of the rows that stay while the others go to 0."""
    columns, number = v.shape[1], np.flatnonzero(staying)
    step = np.where(staying[:, None], 0.0, -v)
    if len(number):
        index = (number[:, None] * columns + np.arange(columns)).reshape(-1)
        matrix = plain[np.ix_(index, index)]
        blocks = matrix.reshape(len(number), columns, len(number), columns)
        blocks[np.arange(len(number)), :, np.arange(len(number)), :] += curved[number]
        right = slope.reshape(-1)[index] + plain[index] @ step.reshape(-1)
        step[number] = solve_damped(matrix, -right).reshape(-1, columns)
    return step


def _growth(v: Any, steps: Any, strength: Any) -> Any:
    """The sum of g (||V + S|| - ||V||) for each of the steps, without the cancellation."""
    before, after = _norms(v), np.sqrt(np.einsum("tij,tij->ti", v + steps, v + steps))
    total = np.where(before + after > 0.0, before + after, 1.0)
    return (np.einsum("tij,tij->ti", 2.0 * v + steps, steps) / total) @ strength
