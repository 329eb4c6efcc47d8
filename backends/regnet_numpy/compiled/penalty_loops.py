"""The penalty of a network at its point, as a run that reports the objective needs it before every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet_numpy.compiled.jit import apart, cut, loop, sum_loop
from regnet_numpy.compiled.norm_loops import norm_of

__all__ = ["penalty_value"]


@sum_loop
def _terms(w: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, two_by_share: Any) -> Any:
    """Sum of (l1 + l1_subgradient) |w| + l2 w^2 + batch_l2 / share w^2 over a row (size,); two_by_share: 2 / share."""
    linear, square = w[0] * 0, w[0] * 0
    for i in range(w.shape[0]):
        if l1 is not None:
            linear += l1[i] * abs(w[i])
        if l1_subgradient is not None:
            linear += l1_subgradient[i] * abs(w[i])
        if l2 is not None:
            square += l2[i] * w[i] * w[i]
        if batch_l2 is not None:
            linear += two_by_share / 2 * batch_l2[i] * w[i] * w[i]
    return linear + square


@loop
def _row_norms(w: Any, group: Any, shapes: Any) -> Any:
    """Sum of group * ||row|| over the rows of all parameter arrays, in float64."""
    value, start, row = 0.0, 0, 0
    for rows, columns in shapes:
        for _ in range(rows):
            if group[row] > 0:
                squares = w[0] * 0
                for j in range(start, start + columns):
                    squares += w[j] * w[j]
                value += group[row] * norm_of(squares, w, start, start + columns)
            start += columns
            row += 1
    return value


@loop
def _joint_norms(w: Any, group: Any, order: Any, ends: Any, shapes: Any) -> Any:
    """Sum of group * ||rows|| over the groups of all parameter arrays, in float64."""
    value, origin, first, place, number = 0.0, 0, 0, 0, 0
    for rows, columns in shapes:
        while place < first + rows:
            one, norm = group[order[place]], w[0] * 0
            while place < ends[number]:
                start, squares = origin + (order[place] - first) * columns, w[0] * 0
                for j in range(start, start + columns):
                    squares += w[j] * w[j]
                norm = np.hypot(norm, norm_of(squares, w, start, start + columns))
                place += 1
            value += one * norm
            number += 1
        origin += rows * columns
        first += rows
    return value


@loop
def _group_norms(w: Any, group: Any, order: Any, ends: Any, shapes: Any) -> Any:
    """Sum of group * ||rows|| over all groups; see `Penalty`."""
    value = 0.0
    if group is not None:
        value = _row_norms(w, group, shapes) if order is None else _joint_norms(w, group, order, ends, shapes)
    return value


@loop
def _penalty_by_parts(
    w: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, two_by_share: Any, bounds: Any, norms: Any
) -> Any:  # fmt: skip
    """norms: of the groups; where there are any, the point is one part."""
    value = w.dtype.type(0.0)
    for part in range(len(bounds) - 1):
        start, stop = bounds[part], bounds[part + 1]
        own = _terms(
            w[start:stop], cut(l1, start, stop), cut(l1_subgradient, start, stop), cut(l2, start, stop),
            cut(batch_l2, start, stop), two_by_share,
        )  # fmt: skip
        value += w.dtype.type(float(own) + norms)
    return value


@loop
def penalty_value(point: Any, penalty: Any, share: Any) -> Any:
    """The penalty at a point (size,), of its type; share: of all rows, in the batch, float64."""
    apart()
    norms = _group_norms(point, penalty.group, penalty.order, penalty.ends, penalty.shapes)
    return _penalty_by_parts(
        point, penalty.l1, penalty.l1_subgradient, penalty.l2, penalty.batch_l2, point.dtype.type(2.0 / share),
        penalty.bounds, norms,
    )  # fmt: skip
