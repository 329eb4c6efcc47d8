"""The strengths of a network's penalties, laid out like its point."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.types import Array
from regnet.backend.placement import Placement
from regnet.mathematics.penalties import Penalty
from regnet.mathematics.row_groups import RowGroups, row_groups
from regnet.networks.network import Network

__all__ = ["Strengths", "over_batches", "place_strengths", "total_l1"]


def place_strengths(
    network: Network, placement: Placement, penalties: Sequence[Penalty], networks: int | None, batch_l2: Any
) -> Strengths:
    """The strengths as a point has them; a strength that is 0 in every network is left out of the computation.

    batch_l2: see `Strengths`; on all weights alike, whatever the factors of a Penalty: it is no term of that.
    """
    shapes = network.layout.shapes
    factors = [
        _row_factor(number, layer.in_features, penalty)
        for number, (layer, penalty) in enumerate(zip(network.dense_layers, penalties, strict=True))
    ]

    def column(value: Any) -> Any:
        return np.asarray(value, dtype=np.float64).reshape(-1, 1, 1)

    def spread(of: Callable[[Penalty], tuple[Any, Any]], factors: Sequence[Any] = factors) -> Array | None:
        """(weight strength, bias strength) of every layer, laid out like a point."""
        values = []
        for penalty, factor in zip(penalties, factors, strict=True):
            weight, bias = of(penalty)
            values += [column(weight) * factor, column(bias)]
        if not any(one.any() for one in values):
            return None
        flat = [
            np.broadcast_to(one, (one.shape[0], *shape)).reshape(-1, 1, math.prod(shape))
            for one, shape in zip(values, shapes, strict=True)
        ]
        count = max(len(one) for one in flat)
        point = np.concatenate([np.broadcast_to(one, (count, *one.shape[1:])) for one in flat], axis=-1)
        return placement.put(point[0] if networks is None else point)

    def l1_of(step: str) -> Callable[[Penalty], tuple[Any, Any]]:
        return lambda penalty: (penalty.weight_l1, penalty.bias_l1) if penalty.l1_step == step else (0.0, 0.0)

    groups: list[Array | None] = []
    members: list[RowGroups | None] = []
    for number, (layer, penalty, factor) in enumerate(zip(network.dense_layers, penalties, factors, strict=True)):
        strength = column(penalty.group_l1) * math.sqrt(layer.out_features) * factor
        rows = _rows_together(number, layer.in_features, penalty, networks)
        if rows is not None:
            strength = strength * np.sqrt(1.0 / rows.share)
        present = bool(strength.any())
        groups += [placement.put(strength[0] if networks is None else strength) if present else None, None]
        members += [_placed(rows, placement) if present and rows is not None else None, None]
    return Strengths(
        l1=spread(l1_of("proximal")),
        l1_subgradient=spread(l1_of("subgradient")),
        l2=spread(lambda penalty: (penalty.weight_l2, penalty.bias_l2)),
        batch_l2=spread(lambda _: (batch_l2, 0.0), [1.0] * len(factors)),
        group=tuple(groups) if any(group is not None for group in groups) else (),
        members=tuple(members) if any(one is not None for one in members) else (),
    )


def _rows_together(number: int, in_features: int, penalty: Penalty, networks: int | None) -> RowGroups | None:
    """A layer's groups of several rows, with a leading axis in a stack; None if there are none."""
    if penalty.groups is None:
        return None
    labels = np.asarray(penalty.groups)
    if labels.shape[-1] != in_features:
        raise ValueError(
            f"groups of Dense layer {number} has {labels.shape[-1]} labels, but the layer takes {in_features} inputs: "
            "give one per input."
        )
    if labels.ndim > 1 and (labels == labels[0]).all():
        labels = labels[0]
    return row_groups(labels if networks is None or labels.ndim > 1 else labels[None])


def _placed(rows: RowGroups, placement: Placement) -> RowGroups:
    return RowGroups(
        placement.put(rows.members, "int32"), placement.put(rows.source, "int32"), placement.put(rows.share)
    )


def _row_factor(number: int, in_features: int, penalty: Penalty) -> Any:
    """The factors of a layer's rows as (1 or K, in, 1), or 1."""
    if penalty.penalty_factor is None:
        return 1.0
    factor = np.asarray(penalty.penalty_factor, dtype=np.float64)
    if factor.shape[-1] != in_features:
        raise ValueError(
            f"penalty_factor of Dense layer {number} has {factor.shape[-1]} entries, but the layer takes "
            f"{in_features} inputs: give one per input."
        )
    return factor.reshape(-1, in_features, 1)


class Strengths(NamedTuple):
    """The strengths on a point (..., 1, size); None: that term is absent.

    l1, l1_subgradient, l2, batch_l2: (..., 1, size), or (..., 1, 1) where all parameters have the same.
    l1 acts by its proximal step and leaves exact zeros; l1_subgradient is l1 acting by its subgradient, as in
    textbooks, which leaves none; l2 acts by its gradient. batch_l2 is divided by the share of the rows that the batch
    holds: scikit-learn's alpha, an L2 that grows as batches shrink.
    group: one entry per parameter array, each (..., 1 or rows, 1) or None; () for no groups at all. It holds the root
    of the number of a group's weights already and acts by its proximal step.
    members: likewise, which rows are one group; None: each row is one; () for no group of several rows.
    """

    l1: Array | None = None
    l1_subgradient: Array | None = None
    l2: Array | None = None
    batch_l2: Array | None = None
    group: tuple[Array | None, ...] = ()
    members: tuple[RowGroups | None, ...] = ()

    @property
    def groups(self) -> tuple[tuple[Array | None, RowGroups | None], ...]:
        """(strengths, members) of each parameter array; () for no groups at all."""
        return tuple(zip(self.group, self.members or (None,) * len(self.group), strict=True))


def total_l1(strengths: Strengths, /) -> Array | None:
    """The L1 that the objective has, whichever way each part of it acts: proximal on some layers, say, and by its

    subgradient on others.
    """
    if strengths.l1 is None or strengths.l1_subgradient is None:
        return strengths.l1 if strengths.l1_subgradient is None else strengths.l1_subgradient
    return strengths.l1 + strengths.l1_subgradient


def over_batches(strengths: Strengths, rows: int, batch_rows: int, /) -> Strengths:
    """The strengths of what an epoch's steps minimise on average, as those of all rows at once.

    A step adds batch_l2 * rows / B to the loss of its batch of B rows, so the steps together, the last one's smaller
    batch among them, minimise the mean loss of all rows with batch_l2 times the mean of rows / B.
    """
    if strengths.batch_l2 is None or batch_rows >= rows:
        return strengths
    full, rest = divmod(rows, batch_rows)
    sizes = [batch_rows] * full + ([rest] if rest else [])
    return strengths._replace(batch_l2=strengths.batch_l2 * (sum(rows / size for size in sizes) / len(sizes)))
