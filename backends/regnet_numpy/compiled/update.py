"""A network's share of a stack's strengths, and its update, as the compiled loops take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from regnet.arrays.types import Array
from regnet.mathematics.optimizers import Adam, AdamW
from regnet.mathematics.row_groups import RowGroups
from regnet_numpy.adam import decay_of
from regnet_numpy.compiled.penalty_loops import penalty_value
from regnet_numpy.compiled.plan import part_of
from regnet_numpy.compiled.update_loops import Moments, Penalty, Rule, adam_update
from regnet_numpy.types import Layout, Strengths

__all__ = ["CompiledUpdate", "penalty_of", "rule_of"]


def rule_of(optimizer: Adam | AdamW, dtype: Any, /) -> Rule:
    """Adam or AdamW for points of a type."""
    return Rule(
        float(optimizer.beta1), float(optimizer.beta2), float(optimizer.epsilon), bool(optimizer.epsilon_hat),
        float(decay_of(optimizer)), float(np.finfo(dtype).smallest_normal),
    )  # fmt: skip


def penalty_of(strengths: Strengths, layout: Layout, k: int, point: Array, cuts: Sequence[slice], /) -> Penalty:
    """Network k's strengths on a point, or on a part of one; cuts: the parts whose penalties are added up."""
    size = point.shape[-1]
    l1, l1_subgradient, l2, batch_l2 = (
        None if term is None else _row_of(part_of(term, k)[0], size) for term in strengths[:4]
    )
    group = _rows_of(strengths.group, layout, k, point.dtype)
    order, ends = _lists_of(strengths.members, layout, k)
    bounds = np.asarray([0, *(cut.indices(size)[1] for cut in cuts)])
    return Penalty(l1, l1_subgradient, l2, batch_l2, group, order, ends, np.asarray(layout.shapes), bounds)


def _row_of(strength: Array, size: int) -> Array:
    """A loop over contiguous memory needs a strength for every entry."""
    return strength if strength.shape[0] == size else np.full(size, strength[0], strength.dtype)


def _rows_of(groups: tuple[Array | None, ...], layout: Layout, k: int, dtype: Any) -> Array | None:
    """Network k's group strengths of all rows of all parameter arrays, one after another; None without groups."""
    if not groups:
        return None
    pairs = zip(layout.shapes, groups, strict=True)
    return np.concatenate([
        np.zeros(rows, dtype) if group is None else np.broadcast_to(part_of(group, k)[:, 0], rows)
        for (rows, _), group in pairs
    ])  # fmt: skip


def _lists_of(members: tuple[RowGroups | None, ...], layout: Layout, k: int) -> tuple[Array, Array] | tuple[None, None]:
    """Network k's groups of rows as `Penalty` has them."""
    if not members:
        return None, None
    order, sizes, first = [], [], 0
    for (rows, _), groups in zip(layout.shapes, members, strict=True):
        numbers = np.arange(rows) if groups is None else part_of(groups.source, k)[:, 0]
        order.append(first + np.argsort(numbers, kind="stable"))
        sizes.append(np.unique(numbers, return_counts=True)[1])
        first += rows
    return np.concatenate(order), np.cumsum(np.concatenate(sizes))


@final
class CompiledUpdate:
    """`regnet_numpy.adam.AdamUpdate`, one network of a stack after another: each has the bits that it has alone."""

    spares = 0

    def __init__(
        self, optimizer: Adam | AdamW, layout: Layout, arrays: tuple[Array, ...], strengths: Strengths, spare: Any
    ) -> None:
        """See `AdamUpdate`; spare is not needed."""
        point = arrays[0]
        self._rule, self._shape, self._dtype = rule_of(optimizer, point.dtype), point.shape, point.dtype
        self._networks = [
            (
                Moments(*(part_of(array, k)[0] for array in arrays)),
                penalty_of(strengths, layout, k, point, [slice(None)]),
            )
            for k in range(point.size // point.shape[-1])
        ]

    def step(self, t: int, rate: Array, grad: Array, share: Array | None) -> None:
        """Step number t."""
        for k, (moments, penalty) in enumerate(self._networks):
            own_rate, own_grad = part_of(rate, k).item(), part_of(grad, k)[0]
            adam_update(moments, own_grad, penalty, self._rule, own_rate, float(t), _share_of(share, k))

    def penalty(self, share: Array | None) -> Array:
        """The penalty at the point as it is, (..., 1, 1)."""
        values = [
            penalty_value(moments.point, penalty, _share_of(share, k))
            for k, (moments, penalty) in enumerate(self._networks)
        ]
        return np.asarray(values, self._dtype).reshape(*self._shape[:-1], 1)


def _share_of(share: Array | None, k: int) -> float:
    """Of all rows, in network k's batch; None: all of them."""
    return 1.0 if share is None else float(part_of(share, k).item())
