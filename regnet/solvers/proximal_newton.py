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
from numpy.typing import NDArray

from regnet.display.callbacks import asks_to_stop
from regnet.mathematics.losses import Loss
from regnet.mathematics.penalties import sparse_group_residual
from regnet.networks.strengths import Strengths
from regnet.solvers.active_groups import minimise_groups
from regnet.solvers.active_set import minimise_l1
from regnet.solvers.linear_model import CURVATURES, Smooth, smooth_of
from regnet.solvers.solution import CONVERGED, ENDS, HALTED, LIMIT, NOT_FINITE, RUNNING, STUCK, Solution

__all__ = ["LinearProblem", "Terms", "is_known", "terms_of"]

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


class Terms(NamedTuple):
    """A linear model's penalty: l1, l2 (inputs + 1, outputs), the last row being the bias'; group (inputs + 1,).

    l2, group: None where they are absent.
    """

    l1: NDArray[np.float64]
    l2: NDArray[np.float64] | None = None
    group: NDArray[np.float64] | None = None

    def in_units(self, scale: Any) -> Terms:
        """The same penalty of coefficients that are multiplied by `scale` (inputs + 1, 1)."""
        l2 = None if self.l2 is None else self.l2 / scale**2
        return Terms(self.l1 / scale, l2, None if self.group is None else self.group / scale[:, 0])

    def times(self, strength: float) -> Terms:
        """The penalty that many times."""
        l2 = None if self.l2 is None else self.l2 * strength
        return Terms(self.l1 * strength, l2, None if self.group is None else self.group * strength)

    def value(self, coefficients: Any) -> float:
        """The part without a gradient everywhere: l1 and groups."""
        value = float(np.vdot(self.l1, np.abs(coefficients)))
        if self.group is not None:
            value += float(self.group @ np.sqrt(np.einsum("ij,ij->i", coefficients, coefficients)))
        return value


def is_known(loss: Loss, /) -> bool:
    """Whether the loss is one of those whose second derivatives are known."""
    return type(loss) in CURVATURES


def terms_of(strengths: Strengths, rows: int, outputs: int, /) -> Terms | None:
    """The strengths of one network without hidden layers, as NumPy arrays, for rows = inputs + 1.

    None where there is an L1, be it of the bias alone, beside groups, which is not offered here. A group of one weight
    is an L1.
    """

    def table(*values: Any) -> NDArray[np.float64]:
        total = np.zeros(rows * outputs)
        for value in values:
            if value is not None:
                total = total + np.asarray(value, dtype=np.float64).reshape(-1)
        return total.reshape(rows, outputs)

    l1, l2 = table(strengths.l1, strengths.l1_subgradient), table(strengths.l2, strengths.batch_l2)
    group = np.zeros(rows)
    if strengths.group and strengths.group[0] is not None:
        group[:-1] = np.asarray(strengths.group[0], dtype=np.float64).reshape(-1)
    own_l2 = l2 if l2.any() else None
    if outputs == 1:
        return Terms(l1 + group[:, None], own_l2)
    if not group.any():
        return Terms(l1, own_l2)
    return None if l1.any() else Terms(l1, own_l2, group)


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

    def __init__(self, x: Any, y: Any, weight: Any, loss: Loss, *, free_bias: bool = True) -> None:
        """x: (n, inputs); y: (n, outputs), encoded; weight: (n,), >= 0, not all 0; free_bias: whether no penalty

        acts on it: then inputs are centred, which changes the bias alone, and leaves better numbers.
        """
        weight = np.asarray(weight, dtype=np.float64)
        weight = weight / weight.sum()
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        center, own = _centred(x, weight) if free_bias else (np.zeros(x.shape[1]), x)
        self._center: Any = center
        table = np.concatenate([own, np.ones((len(x), 1))], axis=1)
        self._scale = np.append(_scales(table[:, :-1]), 1.0)[:, None]
        table /= self._scale.T
        units = np.maximum(np.append(_scales(x), 1.0)[:, None], self._scale)
        self._own_part, self._bias_part = self._scale / units, np.append(self._center, 0.0)[:, None] / units
        self._smooth: Smooth = smooth_of(table, y, weight, loss)
        self._meet = type(loss) in CURVATURES and loss.kind == "multiclass"

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
        terms, theta = terms.in_units(self._scale), np.array(start, dtype=np.float64).reshape(terms.l1.shape)
        theta[-1] += self._center @ theta[:-1]
        theta *= self._scale
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not accepted
            at, rest, count, code = self._descend(theta, terms, tol, max_iter, callback)
        found = at.coefficients / self._scale
        found[-1] -= self._center @ found[:-1]
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
        while True:
            rest, objective = self._residual(at, terms), at.value + at.penalty
            falls = objective < lowest - NOISE * abs(objective)  # where a residual rises on the way down
            since = 0 if rest < 0.5 * best or falls else since + 1
            best, lowest = min(best, rest), min(lowest, objective)
            if not np.isfinite(rest):
                return at, rest, count, NOT_FINITE
            if rest <= tol or count >= max_iter or code == HALTED:
                return at, rest, count, CONVERGED if rest <= tol else code if code == HALTED else LIMIT
            moved = self._step(at, terms, 0.1 * tol) if since <= PATIENCE else None
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
            rest = sparse_group_residual(at.coefficients, at.grad, terms.l1, terms.group[:, None])
        else:
            sign = np.sign(at.coefficients)
            nearest = np.maximum(np.minimum(at.grad, terms.l1), -terms.l1)
            rest = at.grad - np.where(sign == 0.0, nearest, -terms.l1 * sign)
        return float(np.abs(rest * self._own_part + self._bias_part * at.grad[-1]).max())

    def _step(self, at: _At, terms: Terms, tol: float) -> _At | None:
        """The quadratic's minimum, or as much of the way as the objective falls on; None if it does not."""
        rows = _working(at, terms)
        hessian = self._smooth.hessian(at.image, rows)
        step = _model(hessian, at.grad[rows], at.coefficients[rows], terms, rows, tol) - at.coefficients[rows]
        if self._meet:  # the same number for all classes changes nothing: it is kept out of rows without a penalty
            free = _free(terms)[rows]
            step[free] -= step[free].mean(axis=1, keepdims=True)
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


def _free(terms: Terms) -> Any:
    """The rows without any penalty."""
    bound = terms.l1.any(axis=1)
    if terms.l2 is not None:
        bound |= terms.l2.any(axis=1)
    return ~bound if terms.group is None else ~(bound | (terms.group > 0.0))


def _working(at: _At, terms: Terms) -> Any:
    """The rows that are not 0 or that nothing keeps there, and those nearest to leaving it; or a slice of all."""
    if len(at.grad) <= NEWCOMERS:
        return slice(None)
    grad = np.abs(at.grad)
    if terms.group is not None:
        strength, size = terms.group, np.sqrt(np.einsum("ij,ij->i", grad, grad))
        excess = size - strength
    else:
        excess = (grad - terms.l1).max(axis=1)
        strength = terms.l1.min(axis=1)
    inside = at.coefficients.any(axis=1) | (strength == 0.0)
    joining = np.flatnonzero(~inside & (excess > -NEAR * strength))
    room = max(NEWCOMERS, int(inside.sum()))
    if len(joining) > room:
        joining = joining[np.argpartition(-excess[joining], room)[:room]]
    inside[joining] = True
    return np.flatnonzero(inside)


def _model(hessian: Any, grad: Any, theta: Any, terms: Terms, rows: Any, tol: float) -> Any:
    """The minimum (w, outputs) of the quadratic with the penalty; hessian: see `Smooth`, without the L2."""
    w, outputs = theta.shape
    l1 = terms.l1[rows]
    l2 = None if terms.l2 is None else 2.0 * terms.l2[rows]
    if hessian.ndim == 3 and terms.group is None:
        found = np.empty_like(theta)
        for k in range(outputs):
            own = hessian[k] if l2 is None else hessian[k] + np.diag(l2[:, k])
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
    if terms.group is not None:
        found, _ = minimise_groups(flat, grad, terms.group[rows], theta, tol=tol)
        return found
    found, _ = minimise_l1(flat, grad.reshape(-1), l1.reshape(-1), theta.reshape(-1), tol=tol)
    return found.reshape(theta.shape)
