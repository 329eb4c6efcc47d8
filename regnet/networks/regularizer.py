"""The penalty of a whole network as a function of its point: values, gradients, proximal step, optimality.

Every layer has its own strengths, so a strength is laid out like the point itself; terms that are absent are None and
cost nothing. Groups are made of rows of weights, so their terms split the point into its arrays.
"""

from __future__ import annotations

from collections.abc import Callable

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.penalties import (
    group_prox,
    group_value,
    l1_grad,
    l1_value,
    l2_grad,
    l2_value,
    mean_of_groups,
    soft_threshold,
    sparse_group_residual,
)
from regnet.networks.layout import Layout
from regnet.networks.strengths import Strengths, total_l1

__all__ = [
    "add_penalty_grad",
    "group_mean",
    "penalty_prox",
    "penalty_residual",
    "penalty_terms",
    "penalty_terms_by_array",
]


def _terms(w: Array, strengths: Strengths, share: Array | None) -> dict[str, Array]:
    """The terms that are sums over entries; w: a point or one parameter array, strengths laid out like it."""
    terms = {}
    l1 = total_l1(strengths)
    if l1 is not None:
        terms["l1"] = l1_value(w, l1)
    if strengths.l2 is not None:
        terms["l2"] = l2_value(w, strengths.l2)
    if strengths.batch_l2 is not None:
        value = l2_value(w, strengths.batch_l2)
        terms["alpha"] = value if share is None else value / share
    return terms


def penalty_terms(
    point: Array, strengths: Strengths, layout: Layout, share: Array | None = None, /
) -> dict[str, Array]:
    """The value of each term that is present, (..., 1, 1), by kind: 'l1' (either way of acting), 'l2', 'group',

    and 'alpha' for batch_l2 in a batch that holds `share` of the rows (None: all of them).
    """
    terms = _terms(point, strengths, share)
    if strengths.group:
        pairs = zip(layout.split(point), strengths.groups, strict=True)
        values = [group_value(w, group, members) for w, (group, members) in pairs if group is not None]
        terms["group"] = sum(values[1:], start=values[0])
    return terms


def penalty_terms_by_array(point: Array, strengths: Strengths, layout: Layout, /) -> list[dict[str, Array]]:
    """`penalty_terms` of each parameter array alone, in order."""
    count = len(layout.shapes)
    columns = [
        [None] * count if strength is None else _split(strength, layout)
        for strength in (strengths.l1, strengths.l1_subgradient, strengths.l2, strengths.batch_l2)
    ]
    result = []
    groups = strengths.groups or ((None, None),) * count
    for w, (group, members), *own in zip(layout.split(point), groups, *columns, strict=True):
        terms = _terms(w, Strengths(*own), None)
        result.append(terms if group is None else {**terms, "group": group_value(w, group, members)})
    return result


def add_penalty_grad(grad: Array, point: Array, strengths: Strengths, share: Array | None = None, /) -> Array:
    """`grad` plus the gradients of the terms that act by them: l2, batch_l2, l1_subgradient. Shape of the point.

    share: of the rows, in this batch, (..., 1, 1); None: all of them.
    """
    if strengths.l2 is not None:
        grad = grad + l2_grad(point, strengths.l2)
    if strengths.batch_l2 is not None:
        grad = grad + l2_grad(point, strengths.batch_l2 if share is None else strengths.batch_l2 / share)
    if strengths.l1_subgradient is not None:
        grad = grad + l1_grad(point, strengths.l1_subgradient)
    return grad


def penalty_prox(point: Array, step_size: Array, strengths: Strengths, layout: Layout, /) -> Array:
    """The proximal step of the l1 and group terms: soft threshold, then groups (the order that is exact).

    step_size: >= 0, (..., 1, 1 or size), one number within each group. Returns the shape of the point.
    Source: Simon, Friedman, Hastie, Tibshirani, A sparse-group lasso, JCGS 22 (2013).
    """
    if strengths.l1 is not None:
        point = soft_threshold(point, step_size * strengths.l1)
    if not strengths.group:
        return point
    parts = zip(layout.split(point), _split(step_size, layout), strengths.groups, strict=True)
    return layout.pack([
        w if group is None else group_prox(w, size[..., :1] * group, members) for w, size, (group, members) in parts
    ])  # fmt: skip


def penalty_residual(point: Array, grad: Array, strengths: Strengths, layout: Layout, /) -> Array:
    """The smallest subgradient of the objective at the point, in its shape: 0 where the point is optimal.

    grad: of the smooth part, L2 included. An L1 that acts by its subgradient counts as what it stands for.
    """
    l1 = total_l1(strengths)
    if not strengths.group:
        return sparse_group_residual(point, grad, l1, None)
    l1_parts = [None] * len(layout.shapes) if l1 is None else _split(l1, layout)
    parts = zip(layout.split(point), layout.split(grad), l1_parts, strengths.groups, strict=True)
    return layout.pack([sparse_group_residual(w, own, l1_part, *pair) for w, own, l1_part, pair in parts])


def group_mean(strengths: Strengths, layout: Layout, /) -> Callable[[Array], Array] | None:
    """A function that replaces every entry of a group by the group's mean; None if there is no group.

    A group's proximal step is exact only where the metric is the same within it: adaptive optimizers average their
    squares with this. A row whose strength is 0 is no group.
    """
    if not strengths.group:
        return None

    def mean(values: Array) -> Array:
        xp = array_namespace(values)
        parts = [
            part if group is None else xp.where(group > 0, mean_of_groups(part, members), part)
            for part, (group, members) in zip(layout.split(values), strengths.groups, strict=True)
        ]
        return layout.pack(parts)

    return mean


def _split(values: Array, layout: Layout) -> list[Array]:
    """Values laid out like a point by parameter array; one value for all of them stays what it is."""
    return [values] * len(layout.shapes) if values.shape[-1] == 1 else layout.split(values)
