"""An optimizer's update of a network in one pass, in place: gradient of the penalty, optimizer, proximal step.

All our optimizers are one formula, with numbers by which one is another: see `Rule`.

w, grad, m, v and strengths are rows (size,), in which a group is some entries; strengths may be None, and a term that
is None is not compiled in: which is why loops are handed terms one by one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from regnet.arrays.types import Array
from regnet_numpy.compiled.entry_loops import free_step
from regnet_numpy.compiled.group_loops import step_by_groups, step_by_rows
from regnet_numpy.compiled.jit import apart, cut, loop

__all__ = ["Moments", "Penalty", "Rule", "Step", "update_point"]


class Moments(NamedTuple):
    """What a step changes, (size,) each: a network's point, and the averages of its gradient and of that squared.

    None: the optimizer has no such average.
    """

    point: Array
    m: Array | None
    v: Array | None


class Penalty(NamedTuple):
    """A network's strengths; None: that term is absent.

    l1, l1_subgradient, l2, batch_l2: (size,); group: of all rows of all parameter arrays, one after another, 0: no
    group; order: the numbers of all these rows, a group's one after another, and ends: where each group ends in it, or
    both None where every row is one; shapes: (arrays, 2); bounds: the parts of the point whose penalties are added up,
    (parts + 1,).
    """

    l1: Array | None
    l1_subgradient: Array | None
    l2: Array | None
    batch_l2: Array | None
    group: Array | None
    order: Array | None
    ends: Array | None
    shapes: Array
    bounds: Array


class Rule(NamedTuple):
    """An optimizer:

        m <- beta1 m + rest1 grad;  v <- beta2 v + rest2 grad^2;
        w <- (1 - rate weight_decay) w - rate gain (of_m m + of_grad grad) / (sqrt(v) + epsilon)

    without what is None in `Moments`; corrected: whether m and v are divided by 1 - beta^(t + 1), Adam's corrections of
    their bias, v before epsilon is added or, with epsilon_hat, after that; smallest: the smallest normal number of the
    point's type.
    """

    beta1: float
    rest1: float
    beta2: float
    rest2: float
    of_m: float
    of_grad: float
    gain: float
    corrected: bool
    epsilon: float
    epsilon_hat: bool
    weight_decay: float
    smallest: float


class Step(NamedTuple):
    """What a step multiplies by, in the point's type: numba would compute in float64 otherwise.

    rate, scale: of direction / metric and 1 / metric; kept: of the weights, by AdamW; the others: see `Rule`.
    """

    beta1: float
    rest1: float
    beta2: float
    rest2: float
    of_m: float
    of_grad: float
    rate: float
    scale: float
    epsilon: float
    kept: float
    one: float
    two: float
    two_by_share: float
    smallest: float


@loop
def _bias_correction(beta: Any, t: Any) -> Any:
    """1 - beta^(t + 1)."""
    return -math.expm1(math.log(beta) * (t + 1.0)) if beta > 0.0 else 1.0


@loop
def _step_of(point: Any, rule: Any, rate: Any, t: Any, share: Any) -> Any:
    """What step t at this rate multiplies by, on a batch that holds `share` of the rows."""
    to, root, first = point.dtype.type, 1.0, 1.0
    if rule.corrected:
        root, first = math.sqrt(_bias_correction(rule.beta2, t)), _bias_correction(rule.beta1, t)
    scale = rate * rule.gain * root
    return Step(
        to(rule.beta1), to(rule.rest1), to(rule.beta2), to(rule.rest2), to(rule.of_m), to(rule.of_grad),
        to(scale / first), to(scale), to(rule.epsilon if rule.epsilon_hat else rule.epsilon * root),
        to(1.0 - rate * rule.weight_decay), to(1.0), to(2.0), to(2.0 / share), to(rule.smallest),
    )  # fmt: skip


@loop
def _step(
    w: Any, grad: Any, m: Any, v: Any, l1: Any, l1_subgradient: Any, l2: Any, batch_l2: Any, step: Any, group: Any,
    order: Any, ends: Any, shapes: Any,
) -> None:  # fmt: skip
    if group is None:
        free_step(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step)
    elif order is None:
        step_by_rows(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, group, shapes)
    else:
        step_by_groups(w, grad, m, v, l1, l1_subgradient, l2, batch_l2, step, group, order, ends, shapes)


@loop
def update_point(
    moments: Any, grad: Any, penalty: Any, rule: Any, rate: Any, t: Any, share: Any, start: Any, stop: Any
) -> None:  # fmt: skip
    """Step number t of the entries from start to stop, in place, which are all of them where there are groups.

    grad: of the data loss, (size,), overwritten; rate: learning rate; share: of all rows, in the batch; see `Moments`,
    `Penalty`, `Rule`; numbers are float64.
    """
    apart()
    step = _step_of(moments.point, rule, rate, t, share)
    _step(
        moments.point[start:stop], grad[start:stop], cut(moments.m, start, stop), cut(moments.v, start, stop),
        cut(penalty.l1, start, stop), cut(penalty.l1_subgradient, start, stop), cut(penalty.l2, start, stop),
        cut(penalty.batch_l2, start, stop), step, penalty.group, penalty.order, penalty.ends, penalty.shapes,
    )  # fmt: skip
