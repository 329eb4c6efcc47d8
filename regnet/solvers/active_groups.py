"""A quadratic under a group penalty, minimised to rounding: Newton's method on the groups that are not 0.

    minimise  1/2 v'Hv - b'v + sum_i g_i ||v_i||_2,        v_i: block i of v

Where no block is 0 the objective is smooth; blocks enter and leave by their own minimisation. Every step lowers the
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
"""Blocks that may join at once, beside as many as there are."""

HALVINGS = 60


class _Blocks(NamedTuple):
    """The blocks of a vector, one after another: how long each is, and where it begins; width: of all, or 0."""

    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    width: int

    def inner(self, a: Any, b: Any) -> Any:
        """The inner product of each block, (..., blocks); a, b: (m,) or (t, m), of one shape."""
        if not self.width:
            return np.add.reduceat(a * b, self.starts, axis=-1)
        shape = (*a.shape[:-1], -1, self.width)
        return np.einsum("ij,ij->i" if a.ndim == 1 else "tij,tij->ti", a.reshape(shape), b.reshape(shape))

    def norms(self, v: Any) -> Any:
        return np.sqrt(self.inner(v, v))

    def spread(self, values: Any) -> Any:
        """One number for each entry, from one for each block (..., blocks)."""
        return np.repeat(values, self.width or self.sizes, axis=-1)

    def directions(self, v: Any, norm: Any) -> Any:
        """Blocks by their norms; 0 for blocks that are 0."""
        return v / self.spread(np.where(norm > 0.0, norm, 1.0))

    def slice_of(self, i: int) -> slice:
        return slice(int(self.starts[i]), int(self.starts[i] + self.sizes[i]))

    def some(self, chosen: Any) -> _Blocks:
        """Those of these numbers alone, or by a mask."""
        return _blocks_of(self.sizes[chosen])

    def of_their_own(self, matrix: Any, v: Any) -> Any:
        """The product of each diagonal block of a matrix (m, m) with its part of v, (m,)."""
        if self.width:
            number = np.arange(len(self.sizes))
            four = matrix.reshape(len(number), self.width, len(number), self.width)
            return np.einsum("ikl,il->ik", four[number, :, number, :], v.reshape(-1, self.width)).reshape(-1)
        return np.concatenate([matrix[own, own] @ v[own] for own in map(self.slice_of, range(len(self.sizes)))])

    def add_curves(self, matrix: Any, bend: Any, unit: Any) -> None:
        """Add the second derivatives bend (I - u u') of the norms to a matrix (m, m), in place; unit: u, (m,)."""
        if self.width:
            number, u = np.arange(len(self.sizes)), unit.reshape(-1, self.width)
            curved = bend[:, None, None] * (np.eye(self.width) - u[:, :, None] * u[:, None, :])
            four = matrix.reshape(len(number), self.width, len(number), self.width)
            four[number, :, number, :] += curved
            return
        for i, one in enumerate(bend.tolist()):
            own = self.slice_of(i)
            matrix[own, own] += one * (np.eye(len(unit[own])) - np.outer(unit[own], unit[own]))


def _blocks_of(sizes: Any) -> _Blocks:
    same = len(sizes) > 0 and bool((sizes == sizes[0]).all())
    return _Blocks(sizes, np.cumsum(sizes) - sizes, int(sizes[0]) if same else 0)


class _At(NamedTuple):
    """The point (m,) and the quadratic's gradient there."""

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
    sizes: NDArray[np.int64] | None = None,
    max_iter: int = 10_000,
) -> tuple[NDArray[np.float64], int]:
    """The minimum (rows, columns) and the number of systems solved.

    hessian: H (m, m), m = rows * columns, row by row; grad: Hv - b at the start (rows, columns); group: g >= 0, one for
    each group, 0 for those without a penalty; start: (rows, columns); sizes: how many rows each group has, one after
    another; None: 1. Ends where no subgradient has an entry beyond tol, or where rounding allows no descent.
    """
    blocks = _blocks_of(start.shape[1] * (np.ones(len(start), dtype=np.int64) if sizes is None else sizes))
    at = _At(start.reshape(-1).copy(), grad.reshape(-1))
    for count in range(max_iter):
        norm, size = blocks.norms(at.v), blocks.norms(at.grad)
        active = (norm > 0.0) | (group == 0.0)
        slope = at.grad + blocks.spread(group) * blocks.directions(at.v, norm)
        rest = np.where(active, np.maximum.reduceat(np.abs(slope), blocks.starts), size - group)
        if not rest.max(initial=0.0) > tol:
            return at.v.reshape(start.shape), count
        exchanged = _exchange(hessian, group, at, blocks, active, size - group)
        moved = _newton(hessian, group, exchanged, blocks)
        if moved is at:
            return at.v.reshape(start.shape), count
        at = moved
    return at.v.reshape(start.shape), max_iter


def _exchange(hessian: Any, group: Any, at: _At, blocks: _Blocks, active: Any, excess: Any) -> _At:
    """Blocks that are at their minimum in 0 leave, one after another; then those that should not be 0 join."""
    without = at.grad - blocks.of_their_own(hessian, at.v)
    leaving = np.flatnonzero(active & (group > 0.0) & (blocks.norms(without) <= group))
    joining = np.flatnonzero(~active & (excess > 0.0))
    room = max(NEWCOMERS, int(active.sum()))
    if len(joining) > room:
        joining = joining[np.argpartition(-excess[joining], room)[:room]]
    if not len(leaving) and not len(joining):
        return at
    v, grad = at.v.copy(), at.grad.copy()
    for i in (*leaving, *joining):
        block = blocks.slice_of(i)
        own = hessian[block, block]
        pull = grad[block] - own @ v[block]
        norm = float(np.sqrt(pull @ pull))
        if norm <= group[i]:
            new = np.zeros(len(pull))
        elif v[block].any():  # it stays after all: Newton's method finds where
            continue
        else:
            new = -pull * ((1.0 - group[i] / norm) / max(float(np.trace(own)), 1e-300))
        grad += hessian[:, block] @ (new - v[block])
        v[block] = new
    return _At(v, grad)


def _newton(hessian: Any, group: Any, at: _At, blocks: _Blocks) -> _At:
    """The best point that Newton's method on the blocks which are not 0 offers; the point itself if none is better."""
    norm = blocks.norms(at.v)
    chosen = np.flatnonzero((norm > 0.0) | (group == 0.0))
    if not len(chosen):
        return at
    inside = np.zeros(len(group), dtype=bool)
    inside[chosen] = True
    index = np.flatnonzero(blocks.spread(inside))
    v, strength, own = at.v[index], group[chosen], blocks.some(chosen)
    plain = hessian[np.ix_(index, index)]
    unit = own.directions(v, norm[chosen])
    slope = at.grad[index] + own.spread(strength) * unit
    bend = strength / np.where(norm[chosen] > 0.0, norm[chosen], 1.0)
    ends = _ends(_Model(plain, bend, unit, slope, v, own), strength > 0.0)
    steps = ends - v
    changes = steps @ plain
    gains = np.einsum("ij,ij->i", at.grad[index] + 0.5 * changes, steps)
    gains += _growth(own, v, steps, strength)
    best = int(gains.argmin())
    if not gains[best] < 0.0:
        return at
    moved = at.v.copy()
    moved[index] = ends[best]
    return _At(moved, at.grad + hessian[:, index] @ steps[best])


class _Model(NamedTuple):
    """The objective around v to second order: H and the norms' own part, bend (I - unit unit'), block by block."""

    plain: Any
    bend: Any
    unit: Any
    slope: Any
    v: Any
    blocks: _Blocks

    def solve(self, staying: Any) -> Any:
        """Newton's step of the blocks that stay while the others go to 0."""
        entries = self.blocks.spread(staying)
        step, index = np.where(entries, 0.0, -self.v), np.flatnonzero(entries)
        if len(index):
            matrix = self.plain[np.ix_(index, index)]
            self.blocks.some(staying).add_curves(matrix, self.bend[staying], self.unit[index])
            right = self.slope[index] + self.plain[index] @ step
            step[index] = solve_damped(matrix, -right)
        return step


def _ends(model: _Model, penalised: Any) -> Any:
    """Where Newton's step leads, (candidates, m): one, if it takes no block through 0.

    Else such blocks end in 0, and the others have their step beside them; or all go part of the way, 0 being the end of
    those that would pass it.
    """
    v, blocks = model.v, model.blocks
    step = model.solve(np.ones(len(penalised), dtype=bool))
    beyond = penalised & (blocks.inner(v + step, v) <= 0.0)
    if not beyond.any():
        return v + 0.25 ** np.arange(8)[:, None] * step
    ends = []
    staying = ~beyond
    while True:
        cut = model.solve(staying)
        more = staying & penalised & (blocks.inner(v + cut, v) <= 0.0)
        if not more.any():
            break
        staying &= ~more
    for way in (step, cut):
        along, square = blocks.inner(way, v), blocks.inner(v, v)
        times = np.unique(-square[along < 0.0] / along[along < 0.0])
        times = np.concatenate([times[times < 1.0][:16], 0.5 ** np.arange(30)])
        reached = v + times[:, None] * way
        inside = ~penalised | (square + times[:, None] * along > 1e-12 * square)
        ends.append(np.where(blocks.spread(inside), reached, 0.0))
    return np.concatenate(ends)


def _growth(blocks: _Blocks, v: Any, steps: Any, strength: Any) -> Any:
    """The sum of g (||v + s|| - ||v||) for each of the steps, without the cancellation."""
    before, after = blocks.norms(v), blocks.norms(v + steps)
    total = np.where(before + after > 0.0, before + after, 1.0)
    return (blocks.inner(2.0 * v + steps, steps) / total) @ strength
