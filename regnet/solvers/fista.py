"""Accelerated proximal gradient for a stack of functions: smooth + a penalty that has a proximal step.

    z = prox(y - s u^2 grad(y), s u^2);    y' = z' + momentum * (z' - z);    u: the units of the variables

Sources: Beck & Teboulle, SIAM J. Imaging Sciences 2 (2009); O'Donoghue & Candes, Foundations of Computational
Mathematics 15 (2015), for the restart; Becker, Candes, Grant, TFOCS, Math. Prog. Computation 3 (2011), for a step test
that rounding does not drown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias, final

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement
from regnet.display.callbacks import asks_to_stop
from regnet.solvers.solution import CONVERGED, ENDS, HALTED, LIMIT, NOT_FINITE, RUNNING, STUCK, Mask, Numbers, Solution

__all__ = ["fista"]

SHRINK, GROW = 0.5, 1.1
LEAP, FLAT = 2.0, 16.0
"""How fast a step grows that could be FLAT times as long: a first step says little of the curvature."""

MOST_REJECTED = 100
"""Steps in a row that may be too long, each half the one before."""


Smooth: TypeAlias = Callable[[Array], tuple[Array, Array]]
Prox: TypeAlias = Callable[[Array, Array], Array]
Cost: TypeAlias = Callable[[Array], Array]


class _At(NamedTuple):
    """A point (K, d) with the smooth part's value and gradient, on the device."""

    x: Array
    value: Array
    grad: Array


class _Figures(NamedTuple):
    """What a round tells the host of each function, (K,) each; lengths are in the variables' units."""

    f_ahead: Numbers
    steepest: Numbers  # entry of the gradient where the step starts
    f_tried: Numbers
    cost: Numbers  # the penalty at the point that was tried
    linear: Numbers  # what the gradient promised
    curved: Numbers
    length: Numbers  # of the move, squared
    beyond_rounding: Numbers  # <= 0: no entry moved by more than it is rounded by
    back: Numbers  # > 0: momentum points against the step
    residual: Numbers  # largest entry of a subgradient there


@final
class _Device:
    """The functions where they are computed. units: (K or 1, d), or None where all are 1."""

    def __init__(self, smooth: Smooth, prox: Prox, penalty: Cost, placement: Placement, units: Array | None) -> None:
        self._smooth, self._prox, self._penalty = smooth, prox, penalty
        self._placement, self._units = placement, units
        self._epsilon = float(np.finfo(placement.dtype).eps)

    def at(self, x: Array) -> _At:
        return _At(x, *self._smooth(x))

    def read(self, *columns: Array) -> Numbers:
        """Numbers per function, on the host in float64."""
        xp = array_namespace(columns[0])
        stacked = xp.stack([xp.reshape(column, (-1,)) for column in columns])
        return np.asarray(self._placement.backend.to_numpy(stacked), dtype=np.float64)

    def mix(self, mask: Mask, new: _At, old: _At) -> _At:
        """New where `mask`, else old."""
        if mask.all():
            return new
        if not mask.any():
            return old
        column = self._placement.put(mask[:, None], "int32") > 0
        where = array_namespace(new.x).where
        pairs = zip(new, old, strict=True)
        return _At(*(where(column if a.ndim == 2 else column[:, 0], a, b) for a, b in pairs))

    def start(self, at: _At) -> tuple[Numbers, Numbers]:
        """The objective, and the length of a first step: one that moves by 1, in the variables' units."""
        xp = array_namespace(at.x)
        grad = at.grad if self._units is None else at.grad * self._units
        steepest = xp.max(xp.abs(grad), axis=-1, keepdims=True)
        ratio = grad / xp.where(steepest > 0, steepest, xp.ones_like(steepest))  # whose squares cannot overflow
        value, extra, largest, norm = self.read(
            at.value, self._penalty(at.x), steepest, xp.sqrt(xp.sum(ratio * ratio, axis=-1))
        )
        return value + extra, self.limited(1.0 / np.where(largest > 0, largest * norm, 1.0))

    def limited(self, size: Numbers) -> Numbers:
        """Step sizes that the dtype has room for."""
        smallest = float(np.finfo(self._placement.dtype).tiny) ** 0.5
        return np.clip(size, smallest, 1.0 / smallest)

    def step(self, ahead: _At, size: Numbers, best: _At) -> tuple[_At, _Figures]:
        """A proximal step from `ahead`, and what came of it; best: the last point that was accepted."""
        xp, units = array_namespace(ahead.x), self._units
        step = self._placement.put(size[:, None])
        if units is not None:
            step = step * units * units
        tried = self.at(self._prox(ahead.x - step * ahead.grad, step))
        move, change = tried.x - ahead.x, tried.grad - ahead.grad
        turn = (ahead.x - tried.x, tried.x - best.x)
        own, rest = move, change - move / step
        if units is not None:
            own, turn, rest = move / units, (turn[0] / units, turn[1] / units), rest * units
        figures = self.read(
            ahead.value,
            xp.max(xp.abs(ahead.grad), axis=-1),
            tried.value,
            self._penalty(tried.x),
            xp.sum(ahead.grad * move, axis=-1),
            xp.sum(change * move, axis=-1),
            xp.sum(own * own, axis=-1),
            xp.max(xp.abs(move) - self._epsilon * xp.abs(ahead.x), axis=-1),
            xp.sum(turn[0] * turn[1], axis=-1),
            xp.max(xp.abs(rest), axis=-1),
        )
        return tried, _Figures(*figures)

    def beyond(self, best: _At, previous: _At, weight: Numbers) -> _At:
        """Where momentum leads."""
        return self.at(best.x + self._placement.put(weight[:, None]) * (best.x - previous.x))


@final
class _Host:
    """Each function's step size, momentum and accounts, (K,) each; they do not depend on one another."""

    def __init__(self, objective: Numbers, size: Numbers, epsilon: float) -> None:
        count = len(objective)
        self.objective, self.size, self.momentum = objective, size, np.ones(count)
        self.iterations, self.evaluations = np.zeros(count, dtype=int), np.ones(count, dtype=int)
        self.stationarity, self.status = np.full(count, np.inf), np.full(count, RUNNING)
        self._rejected, self._epsilon = np.zeros(count, dtype=int), epsilon

    def judge(self, seen: _Figures, tol: float) -> tuple[Mask, Mask, Numbers]:
        """Which steps are accepted, which start again at the best point, and the weight of the next momentum."""
        alive = self.status == RUNNING
        self.evaluations += alive
        excess = seen.f_tried - seen.f_ahead - seen.linear
        # Differences below this are rounding: an iteration's figures are sums over rows and entries.
        noise = 50.0 * self._epsilon
        rounding = noise * np.maximum(np.abs(seen.f_tried), np.abs(seen.f_ahead))
        bend = np.where(np.abs(excess) > rounding, excess, 0.5 * seen.curved)
        reached = seen.f_tried + seen.cost
        short_enough = np.isfinite(reached + seen.residual) & (bend <= seen.length / (2.0 * self.size))
        lost_way = alive & ~np.isfinite(seen.f_ahead + seen.steepest)  # momentum led to where nothing is finite
        rises = reached > self.objective + np.maximum(rounding, noise * seen.cost)
        accepted = alive & ~lost_way & short_enough & ~rises
        restarted = lost_way | (alive & short_enough & rises)
        too_long = alive & ~lost_way & ~short_enough
        self._rejected = np.where(too_long, self._rejected + 1, 0)
        stuck = too_long & ((seen.beyond_rounding <= 0) | (self._rejected > MOST_REJECTED))
        stuck |= restarted & (self.momentum == 1.0)
        self.objective = np.where(accepted, reached, self.objective)
        self.stationarity = np.where(accepted, seen.residual, self.stationarity)
        self.iterations += accepted
        self.status[stuck] = STUCK
        self.status[accepted & (seen.residual <= tol)] = CONVERGED
        weight = self._next_momentum(accepted, restarted, seen.back > 0)
        self._next_size(accepted, too_long, seen.length, bend)
        return accepted, restarted, weight

    def _next_momentum(self, accepted: Mask, restarted: Mask, against: Mask) -> Numbers:
        """Momentum that points against the step is let go."""
        following = (1.0 + np.sqrt(1.0 + 4.0 * self.momentum**2)) / 2.0
        lost = (accepted & against) | restarted
        weight = np.where(accepted & ~lost, (self.momentum - 1.0) / following, 0.0)
        self.momentum = np.where(lost, 1.0, np.where(accepted, following, self.momentum))
        return weight

    def _next_size(self, accepted: Mask, too_long: Mask, length: Numbers, bend: Numbers) -> None:
        """Half of a step that was too long; more than one that could have been longer."""
        flat = 0.5 * length / np.where(bend > 0, bend, np.inf) / self.size
        factor = np.where((bend <= 0) | (flat > GROW**2), np.where(flat > FLAT, LEAP, GROW), 1.0)
        self.size = self.size * np.where(too_long, SHRINK, np.where(accepted, factor, 1.0))


@np.errstate(all="ignore")
def fista(
    smooth: Smooth,
    prox: Prox,
    penalty: Cost,
    start: Array,
    placement: Placement,
    /,
    *,
    max_iter: int,
    tol: float,
    units: Array | None = None,
    callback: Callable[[int, Numbers], bool | None] | None = None,
) -> Solution:
    """Minimise smooth(x) + penalty(x) for K functions of d variables from `start`, (K, d).

    smooth: (K, d) -> values (K,), gradients (K, d); prox: (points, step sizes (K, 1), or (K, d) with units) -> points;
    penalty: (K, d) -> (K,); all on the device of `placement`. units: > 0, (1 or K, d), how large a change of each
    variable is a change at all: the problem is solved in x / units, so that it does not depend on them.
    A function is done when a subgradient at its point has no entry beyond tol (with respect to x / units); each has
    its own step size, momentum and restarts, and does not depend on the others (on NumPy bit for bit). One that is not
    finite at its start, or of which no step is short enough, ends where it is, with status 2.
    Where smooth is not convex the objective still never rises: a step that would raise it is taken back, and the
    next one starts without momentum. callback: `callback(iteration, values)`; returning True ends all.
    """
    device = _Device(smooth, prox, penalty, placement, units)
    best = device.at(start)  # the last point that was accepted
    ahead = best  # where the next gradient step starts
    host = _Host(*device.start(best), float(np.finfo(placement.dtype).eps))
    (steepest,) = device.read(array_namespace(start).max(array_namespace(start).abs(best.grad), axis=-1))
    hopeless = ~np.isfinite(host.objective + steepest)
    host.status[hopeless], host.objective[hopeless] = NOT_FINITE, np.nan
    while (host.status == RUNNING).any():
        tried, seen = device.step(ahead, host.size, best)
        accepted, restarted, weight = host.judge(seen, tol)
        host.size = device.limited(host.size)
        previous, best = best, device.mix(accepted, tried, best)
        ahead = device.mix((accepted | restarted) & (weight == 0.0), best, ahead)
        going_on = accepted & (weight > 0.0)
        if going_on.any():
            ahead = device.mix(going_on, device.beyond(best, previous, weight), ahead)
            host.evaluations += going_on
        running = host.status == RUNNING
        host.status[running & (host.iterations >= max_iter)] = LIMIT
        if accepted.any() and callback is not None:
            answer = callback(int(host.iterations.max()), host.objective)
            host.status[(host.status == RUNNING) & asks_to_stop(answer)] = HALTED
    ends = [ENDS[int(code)] for code in host.status]
    status, messages = np.asarray([code for code, _ in ends]), tuple(words for _, words in ends)
    return Solution(best.x, host.objective, host.stationarity, host.iterations, host.evaluations, status, messages)
