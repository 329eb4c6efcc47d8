"""Linear models under any of the penalties, to rounding: Newton's method with the penalty left whole.

    step = argmin_d  grad'd + 1/2 d'Hd + penalty(w + d),     then as much of it as the objective falls by

The quadratic's minimum is found exactly, on the coefficients that are not 0 and those that want to leave it. On a
squared error one step does; elsewhere a few, the last ones doubling the digits. Sources: Lee, Sun, Saunders, SIAM J.
Optimization 24 (2014); Yuan, Ho, Lin, An improved GLMNET for L1-regularized logistic regression, JMLR 13 (2012).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np

from regnet.display.callbacks import asks_to_stop
from regnet.mathematics.losses import Loss
from regnet.mathematics.penalties import sparse_group_residual
from regnet.mathematics.row_groups import group_numbers, row_groups
from regnet.solvers.active_groups import minimise_groups
from regnet.solvers.active_set import minimise_l1
from regnet.solvers.free_directions import anchored
from regnet.solvers.linear_model import CURVATURES, Smooth, smooth_of
from regnet.solvers.linear_terms import Terms
from regnet.solvers.solution import CONVERGED, ENDS, HALTED, LIMIT, NOT_FINITE, RUNNING, STUCK, Solution

__all__ = ["LinearProblem", "is_known"]

EPS = float(np.finfo(np.float64).eps)
NOISE = 50.0 * EPS
"""Relative differences between two objectives below which they are rounding."""
HALVINGS = 60
NEWCOMERS = 20
"""Inputs that may join the quadratic at once, beside as many as there are."""
NEAR = 0.2
"""How near to its strength, relatively, a gradient must be for its input to be looked at in the quadratic."""
PATIENCE = 5
"""Steps without an improvement, of the subgradient or the objective, after which rounding is taken to be reached."""


def is_known(loss: Loss, /) -> bool:
    """Whether the loss is one of those whose second derivatives are known."""
    return type(loss) in CURVATURES


def _scales(x: Any) -> Any:
    """Root mean squares of the columns, as powers of 2, whose products are exact; 1 for a column of zeros."""
    largest = np.abs(x).max(axis=0)
    ratio = x / np.where(largest > 0.0, largest, 1.0)
    spread = np.sqrt((ratio * ratio).mean(axis=0)) * largest
    return np.exp2(np.rint(np.log2(np.where(spread > 0.0, spread, 1.0))))


def _centred(x: Any, weight: Any) -> tuple[Any, Any]:
    """Weighted means of the columns, and the columns without them: 0 exactly where they hold one value to rounding."""
    first = x[weight.argmax()]  # deviations from it are 0 in such a column, and so is their mean
    own = x - first
    mean = weight @ own
    own -= mean
    own[:, np.abs(own).max(axis=0) <= 2.0 * EPS * np.abs(x).max(axis=0)] = 0.0
    return first + mean, own


class _At(NamedTuple):
    """A point, its image, the smooth part (L2 included) and its gradient, and the penalty."""

    coefficients: Any
    image: Any
    value: float
    grad: Any
    penalty: float


@final
class LinearProblem:
    """A table and a loss; strengths and starts are given to `minimise`, which they may differ in."""

    def __init__(
        self, x: Any, y: Any, weight: Any, loss: Loss, *, free_bias: bool = True, groups: Any = None
    ) -> None:  # fmt: skip
        """x: (n, inputs); y: (n, outputs), encoded; weight: (n,), >= 0, not all 0; free_bias: whether no penalty

        acts on it: then inputs are centred, which changes the bias alone, and leaves better numbers; groups: one label
        for each input, inputs with the same label being one group; None: each is one.
        """
        weight = np.asarray(weight, dtype=np.float64)
        weight = weight / weight.sum()
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        self._arrange(x.shape[1], groups)
        x = x if self._order is None else x[:, self._order[:-1]]
        center, own = _centred(x, weight) if free_bias else (np.zeros(x.shape[1]), x)
        self._center: Any = center
        table = np.concatenate([own, np.ones((len(x), 1))], axis=1)
        scale = np.append(_scales(table[:, :-1]), 1.0)
        if self._sizes is not None:  # a norm has one unit
            scale = np.repeat(np.maximum.reduceat(scale, np.cumsum(self._sizes) - self._sizes), self._sizes)
        self._scale = scale[:, None]
        table /= self._scale.T
        units = np.maximum(np.append(_scales(x), 1.0)[:, None], self._scale)
        self._own_part, self._bias_part = self._scale / units, np.append(self._center, 0.0)[:, None] / units
        self._smooth: Smooth = smooth_of(table, y, weight, loss)
        self._meet = type(loss) in CURVATURES and loss.kind == "multiclass"

    def _arrange(self, inputs: int, groups: Any) -> None:
        """Rows are looked at in an order that has groups of several in one piece; the bias is the last one."""
        self._order: Any = None
        self._sizes: Any = None
        self._members = None if groups is None else row_groups(groups)
        if self._members is not None:
            numbers = np.append(group_numbers(groups), inputs)
            self._order = np.argsort(numbers, kind="stable")
            self._sizes = np.unique(numbers, return_counts=True)[1]
            self._members = row_groups(numbers[self._order])

    def _arranged(self, terms: Terms) -> Terms:
        if self._order is None:
            return terms
        terms = terms._replace(sizes=None).of_rows(self._order)
        return terms if terms.group is None else terms._replace(sizes=self._sizes)

    def minimise(
        self,
        start: Any,
        terms: Terms,
        /,
        *,
        tol: float,
        max_iter: int,
        callback: Callable[[int, Any], bool | None] | None = None,
    ) -> Solution:
        """The minimum of mean data loss + penalty from `start`, any shape of (inputs + 1) * outputs entries.

        Ends where a subgradient has no entry beyond tol, as if each input had a mean square of about 1; the point is
        (1, (inputs + 1) * outputs), on the host. callback: `callback(iteration, [objective])`; True ends all.
        """
        theta = np.array(start, dtype=np.float64).reshape(terms.l1.shape)
        theta = theta if self._order is None else theta[self._order]
        terms = self._arranged(terms).in_units(self._scale)
        theta[-1] += self._center @ theta[:-1]
        theta *= self._scale
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not accepted
            at, rest, count, code = self._descend(theta, terms, tol, max_iter, callback)
        found = at.coefficients / self._scale
        found[-1] -= self._center @ found[:-1]
        if self._order is not None:
            found[self._order] = found.copy()
        status, words = ENDS[code]
        total = np.nan if code == NOT_FINITE else at.value + at.penalty
        value, residual, steps, state = (np.array([one]) for one in (total, rest, count, status))
        return Solution(found.reshape(1, -1), value, residual, steps, steps + 1, state, (words,))

    def _descend(
        self, theta: Any, terms: Terms, tol: float, max_iter: int, callback: Any
    ) -> tuple[_At, float, int, int]:
        """The last point, its residual, the number of steps to it, and how it ended."""
        at = self._look(theta, self._smooth.image(theta), terms)
        best, lowest, since, count, code = np.inf, np.inf, 0, 0, RUNNING
        free = _without_penalty(terms)
        dependent = bool(free[:-1].any())  # the bias alone depends on nothing
        while True:
            rest, objective = self._residual(at, terms), at.value + at.penalty
            falls = objective < lowest - NOISE * abs(objective)  # where a residual rises on the way down
            since = 0 if rest < 0.5 * best or falls else since + 1
            best, lowest = min(best, rest), min(lowest, objective)
            if not np.isfinite(rest):
                return at, rest, count, NOT_FINITE
            if rest <= tol or count >= max_iter or code == HALTED:
                return at, rest, count, CONVERGED if rest <= tol else code if code == HALTED else LIMIT
            moved = self._step(at, terms, free, dependent, 0.1 * tol) if since <= PATIENCE else None
            if moved is None:
                return at, rest, count, STUCK
            at, count = moved, count + 1
            if callback is not None and asks_to_stop(callback(count, np.array([at.value + at.penalty]))):
                code = HALTED

    def _look(self, theta: Any, image: Any, terms: Terms) -> _At:
        value, pull = self._smooth.look(theta, image)
        grad = self._smooth.grad(pull)
        if terms.l2 is not None:
            own = terms.l2 * theta
            value, grad = value + float(np.vdot(own, theta)), grad + 2.0 * own
        return _At(theta, image, value, grad, terms.value(theta))

    def _residual(self, at: _At, terms: Terms) -> float:
        """The largest entry of the smallest subgradient of uncentred inputs, by their mean squares."""
        if terms.group is not None:
            rest = sparse_group_residual(at.coefficients, at.grad, terms.l1, terms.group[:, None], self._members)
        else:
            sign = np.sign(at.coefficients)
            nearest = np.maximum(np.minimum(at.grad, terms.l1), -terms.l1)
            rest = at.grad - np.where(sign == 0.0, nearest, -terms.l1 * sign)
        return float(np.abs(rest * self._own_part + self._bias_part * at.grad[-1]).max())

    def _step(self, at: _At, terms: Terms, free: Any, dependent: bool, tol: float) -> _At | None:
        """The quadratic's minimum, or as much of the way as the objective falls on; None if it does not.

        free: see `_without_penalty`; dependent: whether inputs are among them.
        """
        rows = _working(at, terms)
        hessian = self._smooth.hessian(at.image, rows)
        theta = at.coefficients[rows]
        kept = free[rows] if dependent else None
        step = _model(hessian, at.grad[rows], theta, terms.of_rows(rows), kept, tol) - theta
        if self._meet:  # the same number for all classes changes nothing: it is kept out of rows without a penalty
            free_rows = free.all(axis=1)[rows]
            step[free_rows] -= step[free_rows].mean(axis=1, keepdims=True)
        along = self._smooth.image(step, rows)
        theta = at.coefficients.copy()
        theta[rows] += step
        before = at.value + at.penalty
        slope = float(np.vdot(at.grad[rows], step)) + terms.value(theta) - at.penalty
        noise = NOISE * abs(before)
        for halving in range(HALVINGS):
            size = 0.5**halving
            if halving:
                theta[rows] = at.coefficients[rows] + size * step
            image = at.image + size * along
            tried = self._look(theta, image, terms)
            if tried.value + tried.penalty <= before + 1e-4 * size * min(slope, 0.0) + noise:
                return tried
        return None


def _without_penalty(terms: Terms) -> Any:
    """The coefficients without any penalty, boolean (inputs, outputs)."""
    bound = terms.l1 > 0.0
    if terms.l2 is not None:
        bound = bound | (terms.l2 > 0.0)
    return ~bound if terms.group is None else ~(bound | (terms.group > 0.0)[:, None])


def _working(at: _At, terms: Terms) -> Any:
    """The rows of groups that are not 0 or that nothing keeps there, and of those nearest to leaving it; or a slice of

    all.
    """
    if len(at.grad) <= NEWCOMERS:
        return slice(None)
    grad = np.abs(at.grad)
    if terms.group is not None:
        strength = terms.strengths
        excess = terms.norms(grad) - strength
    else:
        excess = (grad - terms.l1).max(axis=1)
        strength = terms.l1.min(axis=1)
    inside = terms.of_groups(at.coefficients.any(axis=1), np.logical_or) | (strength == 0.0)
    joining = np.flatnonzero(~inside & (excess > -NEAR * strength))
    room = max(NEWCOMERS, int(inside.sum()))
    if len(joining) > room:
        joining = joining[np.argpartition(-excess[joining], room)[:room]]
    inside[joining] = True
    return np.flatnonzero(terms.of_each_row(inside))


def _model(hessian: Any, grad: Any, theta: Any, terms: Terms, free: Any, tol: float) -> Any:
    """The minimum (w, outputs) of the quadratic with the penalty; hessian: see `Smooth`, without the L2.

    terms: of these rows; free: which of their coefficients have no penalty, None where none depends on others.
    """
    w, outputs = theta.shape
    l1, l2 = terms.l1, None if terms.l2 is None else 2.0 * terms.l2
    if hessian.ndim == 3 and terms.group is None:
        found = np.empty_like(theta)
        for k in range(outputs):
            own = hessian[k] if l2 is None else hessian[k] + np.diag(l2[:, k])
            own = own if free is None else anchored(own, free[:, k])
            found[:, k], _ = minimise_l1(own, grad[:, k], l1[:, k], theta[:, k], tol=tol)
        return found
    if hessian.ndim == 3:
        joint = np.zeros((w, outputs, w, outputs))
        for k in range(outputs):
            joint[:, k, :, k] = hessian[k]
        hessian = joint
    flat = hessian.reshape(w * outputs, w * outputs)
    if l2 is not None:
        flat = flat + np.diag(l2.reshape(-1))
    flat = flat if free is None else anchored(flat, free.reshape(-1))
    if terms.group is not None:
        found, _ = minimise_groups(flat, grad, terms.strengths, theta, tol=tol, sizes=terms.sizes)
        return found
    found, _ = minimise_l1(flat, grad.reshape(-1), l1.reshape(-1), theta.reshape(-1), tol=tol)
    return found.reshape(theta.shape)
