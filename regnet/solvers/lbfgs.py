"""L-BFGS for a stack of smooth functions: one quasi-Newton direction and one line search each.

Sources: Nocedal, Math. Comp. 35 (1980); Liu & Nocedal, Math. Programming 45 (1989). Rules for the first step, for
skipping an update and for stopping are those of L-BFGS-B without bounds (Zhu, Byrd, Lu, Nocedal, ACM TOMS 23, 1997), so
that iterates are SciPy's up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement
from regnet.display.callbacks import asks_to_stop
from regnet.solvers.line_search import Trial, line_search
from regnet.solvers.solution import Counts, Mask, Numbers, Solution

__all__ = ["lbfgs"]

RUNNING, CONVERGED, LIMIT, ABNORMAL = -1, 0, 1, 2
EPSILON = float(np.finfo(np.float64).eps)


class _Point(NamedTuple):
    """Where all functions stand: x, grad (K, d) on the device; value, grad_max (K,) on the host."""

    x: Array
    grad: Array
    value: Numbers
    grad_max: Numbers


@final
class _Memory:
    """The last pairs s = x' - x, y = grad' - grad, with 1 / (s y) per function: 0 where a pair was not taken."""

    def __init__(self, size: int, put: Callable[[Numbers], Array]) -> None:
        self._size, self._put = size, put
        self._pairs: list[tuple[Array, Array, Numbers]] = []
        self._scale: Any = None

    def push(self, s: Array, y: Array, sy: Numbers, yy: Numbers, taken: Mask) -> None:
        """Keep a pair for the functions where `taken`; their first guess of the curvature becomes y y / s y."""
        rho = np.where(taken, 1.0 / np.where(taken, sy, 1.0), 0.0)
        self._pairs = [*self._pairs[-self._size + 1 :], (s, y, rho)]
        old = np.ones_like(rho) if self._scale is None else self._scale
        self._scale = np.where(taken, np.where(taken, sy, 1.0) / np.where(taken, yy, 1.0), old)

    def filled(self) -> Mask:
        """Whether each function has a pair."""
        return np.any([rho != 0 for _, _, rho in self._pairs], axis=0) if self._pairs else np.asarray(False)

    def forget(self, which: Mask) -> None:
        """Start again from steepest descent for these functions."""
        self._pairs = [(s, y, np.where(which, 0.0, rho)) for s, y, rho in self._pairs]
        self._scale = np.where(which, 1.0, self._scale)

    def direction(self, grad: Array) -> Array:
        """-H grad by the two loops over the pairs, (K, d)."""
        if not self._pairs:
            return -grad
        xp = array_namespace(grad)
        q, alphas = grad, []
        device = [(s, y, self._put(rho[:, None])) for s, y, rho in self._pairs]
        for s, y, rho in reversed(device):
            alphas.append(rho * xp.sum(s * q, axis=-1, keepdims=True))
            q = q - alphas[-1] * y
        q = self._put(self._scale[:, None]) * q
        for (s, y, rho), alpha in zip(device, reversed(alphas), strict=True):
            q = q + (alpha - rho * xp.sum(y * q, axis=-1, keepdims=True)) * s
        return -q


@final
class _Search:
    """All functions' line searches at once: each trial is one evaluation of the whole stack."""

    def __init__(self, value_and_grad: Callable[[Array], tuple[Array, Array]], placement: Placement) -> None:
        self._evaluate, self._placement = value_and_grad, placement

    def at(self, x: Array) -> _Point:
        """Values and gradients at x."""
        value, grad = self._evaluate(x)
        grad_max = array_namespace(grad).max(array_namespace(grad).abs(grad), axis=-1)
        return _Point(x, grad, self.read(value), self.read(grad_max))

    def read(self, values: Array) -> Numbers:
        """One number per function, on the host in float64."""
        return np.asarray(self._placement.backend.to_numpy(values), dtype=np.float64).reshape(-1)

    def dot(self, a: Array, b: Array) -> Numbers:
        """Inner products, (K,), on the host."""
        return self.read(array_namespace(a).sum(a * b, axis=-1))

    def run(
        self, point: _Point, direction: Array, which: Mask, first: Numbers, evaluations: Counts
    ) -> tuple[_Point, Mask]:
        """New points for the functions of `which`, and whose search succeeded; the others stay where they are."""
        xp = array_namespace(direction)
        slopes, count = self.dot(point.grad, direction), len(which)
        steps, success = np.zeros(count), np.zeros(count, dtype=bool)
        running = which & (slopes < 0)
        searches = {k: line_search(Trial(0.0, point.value[k], slopes[k]), first[k]) for k in np.flatnonzero(running)}
        for k, search in searches.items():
            steps[k] = next(search)
        new = point
        while searches:
            going = np.isin(np.arange(count), list(searches))
            moved = self._mix(going, point.x + self._placement.put(steps[:, None]) * direction, new.x)
            trial = self.at(moved)
            evaluations += going
            # A function whose search is over keeps the bits that it ended with.
            grad = self._mix(going, trial.grad, new.grad)
            value = np.where(going, trial.value, new.value)
            new = _Point(moved, grad, value, np.where(going, trial.grad_max, new.grad_max))
            slope = self.read(xp.sum(grad * direction, axis=-1))
            for k in list(searches):
                try:
                    steps[k] = searches[k].send((value[k], slope[k]))
                except StopIteration as end:
                    success[k] = bool(end.value) and np.isfinite(value[k])
                    del searches[k]
        return self.choose(success, new, point), success

    def _mix(self, mask: Mask, new: Array, old: Array) -> Array:
        if mask.all():
            return new
        chosen = self._placement.put(mask[:, None], "int32") > 0
        return array_namespace(new).where(chosen, new, old)

    def choose(self, mask: Mask, new: _Point, old: _Point) -> _Point:
        """New where `mask`, else old."""
        return _Point(
            self._mix(mask, new.x, old.x),
            self._mix(mask, new.grad, old.grad),
            np.where(mask, new.value, old.value),
            np.where(mask, new.grad_max, old.grad_max),
        )


@np.errstate(all="ignore")
def lbfgs(
    value_and_grad: Callable[[Array], tuple[Array, Array]],
    start: Array,
    placement: Placement,
    /,
    *,
    max_iter: int,
    max_fun: int = 15_000,
    gtol: float = 1e-5,
    ftol: float = 1e7 * EPSILON,
    memory: int = 10,
    callback: Callable[[int, Any], bool | None] | None = None,
) -> Solution:
    """Minimise K smooth functions of d variables from `start`, (K, d).

    value_and_grad: (K, d) -> values (K,), gradients (K, d), on the device of `placement`. A function is done when its
    largest gradient entry is <= gtol, when an iteration gained less than ftol * max(|f|, |f'|, 1), or at a limit.
    callback: called as `callback(iteration, values)` after every iteration; returning True ends all. A function's
    iterates do not depend on the others in the stack (on NumPy bit for bit). One whose value or gradient is not finite
    at its start ends there, with status 2.
    """
    search = _Search(value_and_grad, placement)
    pairs = _Memory(memory, placement.put)
    point = search.at(start)
    count = len(point.value)
    iterations, evaluations = np.zeros(count, dtype=int), np.ones(count, dtype=int)
    status, reason = np.full(count, RUNNING), ["" for _ in range(count)]

    def end(which: Mask, code: int, message: str) -> None:
        for k in np.flatnonzero(which & (status == RUNNING)):
            status[k], reason[k] = code, message

    finite = np.isfinite(point.value) & np.isfinite(point.grad_max)
    end(~finite, ABNORMAL, "ABNORMAL: THE FUNCTION IS NOT FINITE AT THE START")
    end(point.grad_max <= gtol, CONVERGED, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL")
    while (status == RUNNING).any():
        before, todo = point, status == RUNNING
        while todo.any():
            direction = pairs.direction(before.grad)
            first = np.ones(count)
            if not iterations.any():
                first = np.minimum(1.0 / np.sqrt(search.dot(direction, direction).clip(min=1e-300)), 1.0 / EPSILON)
            moved, success = search.run(before, direction, todo, first, evaluations)
            point = search.choose(todo & success, moved, point)
            failed = todo & ~success
            again = failed & pairs.filled()
            end(failed & ~again, ABNORMAL, "ABNORMAL: ")
            if again.any():
                pairs.forget(again)
            todo = again
        stepped = (iterations < max_iter) & np.asarray([s == RUNNING for s in status])
        iterations += stepped
        if callback is not None and asks_to_stop(callback(int(iterations.max()), point.value)):
            end(stepped, LIMIT, "STOP: CALLBACK REQUESTED HALT")
        end(iterations >= max_iter, LIMIT, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT")
        end(evaluations > max_fun, LIMIT, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT")
        end(point.grad_max <= gtol, CONVERGED, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL")
        scale = np.maximum(np.maximum(np.abs(before.value), np.abs(point.value)), 1.0)
        gained = before.value - point.value
        end(gained <= ftol * scale, CONVERGED, "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH")
        s, y = point.x - before.x, point.grad - before.grad
        sy, yy = search.dot(s, y), search.dot(y, y)
        pairs.push(s, y, sy, yy, stepped & (sy > EPSILON * -search.dot(before.grad, s)))
    return Solution(
        point.x, np.where(finite, point.value, np.nan), point.grad_max, iterations, evaluations, status, tuple(reason)
    )
