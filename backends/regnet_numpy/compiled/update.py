"""A network's share of a stack's strengths, and its optimizer, as the compiled loops take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from regnet.arrays.types import Array
from regnet.mathematics.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from regnet.mathematics.row_groups import RowGroups
from regnet_numpy.compiled.plan import part_of
from regnet_numpy.compiled.update_loops import Moments, Penalty, Rule
from regnet_numpy.types import Layout, Strengths

__all__ = ["moments_of", "penalty_of", "rule_of"]


def _adam(own: Any, rule: Rule) -> Rule:
    return rule._replace(
        beta1=own.beta1, rest1=1.0 - own.beta1, beta2=own.beta2, rest2=1.0 - own.beta2, of_m=1.0, of_grad=0.0,
        corrected=True, epsilon=own.epsilon, epsilon_hat=own.epsilon_hat,
    )  # fmt: skip


def _sgd(own: Any, rule: Rule) -> Rule:
    """SGD keeps u = (1 - momentum) v; without momentum it goes along the gradient alone."""
    momentum, rest = own.momentum, 1.0 - own.momentum
    of = {"of_m": momentum, "of_grad": rest} if own.nesterov else {"of_m": 1.0, "of_grad": 0.0}
    return rule._replace(beta1=momentum, rest1=rest, gain=1.0 / rest, **of)


RULES: dict[type, Callable[[Any, Rule], Rule]] = {
    Adam: _adam,
    AdamW: lambda own, rule: _adam(own, rule)._replace(weight_decay=own.weight_decay),
    RMSprop: lambda own, rule: rule._replace(beta2=own.rho, rest2=1.0 - own.rho, epsilon=own.epsilon),
    Adagrad: lambda own, rule: rule._replace(beta2=1.0, rest2=1.0, epsilon=own.epsilon),
    SGD: _sgd,
}
"""What each of ours makes of plain gradient descent."""

OF_SQUARES = (RMSprop, Adagrad)
"""Those whose only slot is of squared gradients."""


def rule_of(optimizer: Any, dtype: Any, /) -> Rule | None:
    """An optimizer for points of a type; None for a class that is not ours."""
    make = RULES.get(type(optimizer))
    if make is None:
        return None
    smallest = float(np.finfo(dtype).smallest_normal)
    plain = Rule(
        beta1=0.0, rest1=1.0, beta2=0.0, rest2=1.0, of_m=0.0, of_grad=1.0, gain=1.0, corrected=False, epsilon=0.0,
        epsilon_hat=False, weight_decay=0.0, smallest=smallest,
    )  # fmt: skip
    made: Any = [value if isinstance(value, bool) else float(value) for value in make(optimizer, plain)]
    return Rule(*made)


def moments_of(optimizer: Any, arrays: Sequence[Array], k: int, /) -> Moments:
    """Network k's part of a point and the optimizer's slots, each of them (size,)."""
    point, *slots = (array.reshape(-1, array.shape[-1])[k] for array in arrays)
    if type(optimizer) in OF_SQUARES:
        slots.insert(0, None)
    return Moments(point, *slots, *[None] * (2 - len(slots)))


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
