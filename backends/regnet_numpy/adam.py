"""Adam's step with the penalty's gradient before it and its proximal step after it, in place."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from regnet.mathematics.optimizers import AdamW
from regnet.mathematics.penalties import group_norms, mean_of_groups

__all__ = ["AdamUpdate", "decay_of"]

FLUSH_EVERY = 16
"""Steps between two looks for weights below the smallest normal number (see `networks.kernels.flush_subnormal`): it is
in thousands of steps that weights get there."""

NO_BATCH = object()
"""A share of the rows that no batch has; an update itself in its place would be a circle, and keep its arrays."""


@final
class AdamUpdate:
    """What `networks.kernels.update` computes for Adam and AdamW, on arrays that it owns.

    point, m, v: (..., 1, size), or a part of the entries of one where there are no groups.
    """

    spares = 2

    def __init__(self, optimizer: Any, layout: Any, arrays: tuple[Any, ...], strengths: Any, spare: Any) -> None:
        """arrays: point, m, v; spare: two arrays of the point's shape."""
        self.point, self._m, self._v = arrays
        self._optimizer, self._spare = optimizer, spare
        self._l1, self._l1_subgradient, l2, self._batch_l2 = (_narrow(term) for term in strengths[:4])
        self._l2 = None if l2 is None else 2.0 * l2
        self._share: Any = NO_BATCH
        self._decay = self._l2
        self._smallest = float(np.finfo(self.point.dtype).smallest_normal)
        self._groups = []
        if strengths.group:
            columns = zip(*(layout.split(a) for a in (self.point, self._v, spare[0])), strengths.groups, strict=True)
            self._groups = [(*arrays, *pair, pair[0] > 0) for *arrays, pair in columns if pair[0] is not None]

    def step(self, t: int, rate: Any, grad: Any, share: Any) -> None:
        """Step number t; overwrites grad, of the data loss.

        rate: learning rates, (..., 1, 1), float64; share: of all rows, in this batch, or None.
        """
        rule, point, m, v = self._optimizer, self.point, self._m, self._v
        one, two = self._spare
        decay = self._decay_at(share)
        if decay is not None:
            grad += np.multiply(decay, point, out=one)
        if self._l1_subgradient is not None:
            grad += np.multiply(self._l1_subgradient, np.sign(point, out=one), out=one)
        m *= rule.beta1
        m += np.multiply(grad, 1.0 - rule.beta1, out=one)
        np.multiply(grad, grad, out=grad)
        grad *= 1.0 - rule.beta2
        v *= rule.beta2
        v += grad
        root = math.sqrt(_bias_correction(rule.beta2, t))
        metric = np.sqrt(v, out=one)
        for _, squares, rows, _, members, present in self._groups:
            np.copyto(rows, np.sqrt(mean_of_groups(squares, members)), where=present)
        metric += rule.epsilon if rule.epsilon_hat else rule.epsilon * root
        np.divide(m, metric, out=two)
        two *= self._scaled(rate, root / _bias_correction(rule.beta1, t))
        if decay_of(rule):
            point *= 1.0 - self._scaled(rate, decay_of(rule))
        point -= two
        if decay is not None and t % FLUSH_EVERY == FLUSH_EVERY - 1:
            np.abs(point, out=two)
            point *= np.greater_equal(two, self._smallest, out=two, casting="unsafe")
        self._prox(self._scaled(rate, root), metric, two)

    def penalty(self, share: Any) -> Any:
        """The penalty at the point as it is, (..., 1, 1)."""
        spare, value = self._spare[0], np.zeros_like(self.point[..., :1])
        for l1 in (self._l1, self._l1_subgradient):
            if l1 is not None:
                value += _sum(np.multiply(np.abs(self.point, out=spare), l1, out=spare))
        decay = self._decay_at(share)
        if decay is not None:
            value += 0.5 * _sum(np.multiply(np.multiply(self.point, self.point, out=spare), decay, out=spare))
        for rows, _, _, group, members, _ in self._groups:
            share = group if members is None else group * members.share
            value += np.sum(group_norms(rows, members) * share, axis=(-2, -1), keepdims=True)
        return value

    def _decay_at(self, share: Any) -> Any:
        """What the point is multiplied by in the gradient of the L2 terms; changes with the batch's share only."""
        if self._batch_l2 is not None and not _equal(share, self._share):
            batch = 2.0 * (self._batch_l2 if share is None else self._batch_l2 / share)
            self._decay, self._share = batch if self._l2 is None else self._l2 + batch, share
        return self._decay

    def _scaled(self, rate: Any, factor: float) -> Any:
        """The learning rates times a factor, (..., 1, 1), computed in float64 and rounded once."""
        return (rate * factor).astype(self.point.dtype)

    def _prox(self, scale: Any, metric: Any, spare: Any) -> None:
        """`regnet.networks.regularizer.penalty_prox` with step size scale / metric."""
        point = self.point
        if self._l1 is not None:
            threshold = np.divide(scale, metric, out=spare)
            threshold *= self._l1
            shrunk = np.subtract(np.abs(point), threshold, out=threshold)
            np.maximum(shrunk, 0, out=shrunk)
            np.multiply(np.sign(point, out=point), shrunk, out=point)
        for rows, _, own, group, members, _ in self._groups:
            norms = group_norms(rows, members)
            left = norms - (scale / own[..., :1]) * group
            rows *= np.maximum(left, 0, out=left) / np.where(norms > 0, norms, 1)


def decay_of(optimizer: Any, /) -> float:
    """AdamW's decay of the weights, which Adam has none of."""
    return optimizer.weight_decay if type(optimizer) is AdamW else 0.0


def _equal(share: Any, other: Any) -> bool:
    return share is other or (
        isinstance(share, np.ndarray) and isinstance(other, np.ndarray) and (share == other).all()
    )


def _narrow(strength: Any) -> Any:
    """A strength that is the same everywhere as (1, 1): one array less to read, and to keep twice of."""
    if strength is None or strength.ndim > 2 or not (strength == strength[:, :1]).all():
        return strength
    return strength[:, :1]


def _sum(values: Any) -> Any:
    return np.sum(values, axis=-1, keepdims=True)


def _bias_correction(beta: float, t: int) -> float:
    """1 - beta^(t + 1)."""
    return -math.expm1(math.log(beta) * (t + 1)) if beta else 1.0
