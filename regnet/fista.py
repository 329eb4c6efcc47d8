"""Accelerated proximal gradient for a stack of functions: smooth + a penalty that has a proximal step.

    z = prox(y - s grad(y), s);    y' = z' + momentum * (z' - z)

Sources: Beck & Teboulle, SIAM J. Imaging Sciences 2 (2009); O'Donoghue & Candes, Foundations of Computational
Mathematics 15 (2015), for the restart; Becker, Candes, Grant, TFOCS, Math. Prog. Computation 3 (2011), for a step test
that rounding does not drown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from regnet.namespace import array_namespace
from regnet.registry import Placement
from regnet.solution import Solution
from regnet.types import Array

__all__ = ["fista"]

SHRINK, GROW = 0.5, 1.1
SMALLEST_STEP = 1e-18


class _At(NamedTuple):
    """A point (K, d) with the smooth part's value and gradient, on the device."""

    x: Array
    value: Array
    grad: Array


def fista(
    smooth: Callable[[Array], tuple[Array, Array]],
    prox: Callable[[Array, Array], Array],
    penalty: Callable[[Array], Array],
    start: Array,
    placement: Placement,
    /,
    *,
    max_iter: int,
    tol: float,
    callback: Callable[[int, Any], bool | None] | None = None,
) -> Solution:
    """Minimise smooth(x) + penalty(x) for K functions of d variables from `start`, (K, d).

    smooth: (K, d) -> values (K,), gradients (K, d); prox: (points, step sizes (K, 1)) -> points; penalty: (K, d) ->
    (K,); all on the device of `placement`. A function is done when a subgradient at its point has no entry beyond
    tol; each has its own step size, momentum and restarts, and does not depend on the others (on NumPy bit for bit).
    Where smooth is not convex the objective still never rises: a step that would raise it is taken back, and the
    next one starts without momentum. callback: `callback(iteration, values)`; returning True ends all.
    """
    xp = array_namespace(start)

    def read(*columns: Array) -> Any:
        stacked = xp.stack([xp.reshape(column, (-1,)) for column in columns])
        return np.asarray(placement.backend.to_numpy(stacked), dtype=np.float64)

    def mix(mask: Any, new: Any, old: Any) -> Any:
        if mask.all():
            return new
        if not mask.any():
            return old
        column = placement.put(mask[:, None], "int32") > 0
        pairs = zip(new, old, strict=True)
        return _At(*(xp.where(column if a.ndim == 2 else column[:, 0], a, b) for a, b in pairs))

    best = _At(start, *smooth(start))  # the last point that was accepted
    ahead = best  # where the next gradient step starts
    value, extra = read(best.value, penalty(best.x))
    objective, count = value + extra, len(value)
    size = 1.0 / np.maximum(read(xp.sqrt(xp.sum(best.grad * best.grad, axis=-1)))[0], 1e-12)
    momentum = np.ones(count)
    iterations, evaluations = np.zeros(count, dtype=int), np.ones(count, dtype=int)
    stationarity, status = np.full(count, np.inf), np.full(count, -1)
    # Differences below this are rounding: an iteration's figures are sums over rows and entries.
    noise = 50.0 * float(np.finfo(placement.dtype).eps)
    round_ = 0
    while (status < 0).any():
        alive = status < 0
        put_size = placement.put(size[:, None])
        tried_x = prox(ahead.x - put_size * ahead.grad, put_size)
        tried = _At(tried_x, *smooth(tried_x))
        evaluations += alive
        move = tried.x - ahead.x
        change = tried.grad - ahead.grad
        f_ahead, f_tried, cost, linear, curved, length, back, residual = read(
            ahead.value,
            tried.value,
            penalty(tried.x),
            xp.sum(ahead.grad * move, axis=-1),
            xp.sum(change * move, axis=-1),
            xp.sum(move * move, axis=-1),
            xp.sum((ahead.x - tried.x) * (tried.x - best.x), axis=-1),
            xp.max(xp.abs(change - move / put_size), axis=-1),
        )
        excess = f_tried - f_ahead - linear
        rounding = noise * np.maximum(np.abs(f_tried), np.abs(f_ahead))
        bend = np.where(np.abs(excess) > rounding, excess, 0.5 * curved)
        short_enough = np.isfinite(f_tried) & (bend <= length / (2.0 * size))
        rises = f_tried + cost > objective + rounding
        accepted = alive & short_enough & ~rises
        too_long = alive & ~short_enough
        restarted = alive & short_enough & rises
        objective = np.where(accepted, f_tried + cost, objective)
        stationarity = np.where(accepted, residual, stationarity)
        iterations += accepted
        done = accepted & (residual <= tol)
        stuck = (too_long & (size < SMALLEST_STEP)) | (restarted & (momentum == 1.0))
        previous, best = best, mix(accepted, tried, best)
        # Momentum that points against the step is let go.
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        lost = (accepted & (back > 0)) | restarted
        weight = np.where(accepted & ~lost, (momentum - 1.0) / following, 0.0)
        momentum = np.where(lost, 1.0, np.where(accepted, following, momentum))
        flat = 0.5 * length / np.where(bend > 0, bend, np.inf)
        grown = np.where((bend <= 0) | (flat > GROW**2 * size), GROW * size, size)
        size = np.where(too_long, SHRINK * size, np.where(accepted, grown, size))
        at_best = (accepted | restarted) & (weight == 0.0)
        ahead = mix(at_best, best, ahead)
        going_on = accepted & (weight > 0.0)
        if going_on.any():
            point = best.x + placement.put(weight[:, None]) * (best.x - previous.x)
            ahead = mix(going_on, _At(point, *smooth(point)), ahead)
            evaluations += going_on
        status[done] = 0
        status[~done & alive & stuck] = 2
        status[(status < 0) & (iterations >= max_iter)] = 1
        round_ += 1
        if accepted.any() and callback is not None and callback(int(iterations.max()), objective):
            status[status < 0] = 1
    words = {
        0: "CONVERGENCE: SUBGRADIENT <= TOL",
        1: "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT",
        2: "ABNORMAL: ROUNDING ERRORS PREVENT PROGRESS",
    }
    messages = tuple(words[int(code)] for code in status)
    return Solution(best.x, objective, stationarity, iterations, evaluations, status, messages)
