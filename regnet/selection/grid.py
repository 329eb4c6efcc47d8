"""Which strengths a path goes through: the caller's, or a range from no visible effect to nothing left."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from regnet.estimators.inputs import to_host
from regnet.proximal_newton import is_known
from regnet.selection.fitted import outputs_of
from regnet.sweep.cells import SweepSpec
from regnet.sweep.lanes import train_lanes

__all__ = ["check_lambdas", "find_lambdas"]

SMALLEST_RATIO, SMALLEST_RATIO_WIDE = 1e-3, 1e-2
"""The weakest strength of an automatic range by its strongest, where there are more rows than inputs, and where there

are not: a network that fits few rows without a penalty tells nothing of its inputs (glmnet has 1e-4 and 1e-2)."""


def check_lambdas(lambdas: Any) -> tuple[float, ...]:
    """The caller's strengths, ascending. Raises ValueError; warns where they were in another order."""
    try:
        values = np.asarray(to_host(lambdas), dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise TypeError(f"lambdas={lambdas!r}: give a list of numbers, or None for an automatic range.") from None
    if not len(values):
        raise ValueError("lambdas is empty: give at least one strength, or None for an automatic range.")
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(f"lambdas={lambdas!r}: strengths must be finite numbers of 0 or more.")
    ordered = np.unique(values)
    if len(ordered) != len(values) or not ((ordered == values).all() or (ordered == values[::-1]).all()):
        warnings.warn(
            "lambdas were not sorted, or held a strength twice: they are used as `lambdas_` has them.", stacklevel=4
        )
    return tuple(ordered.tolist())


def find_lambdas(spec: SweepSpec, count: int) -> tuple[float, ...]:
    """`count` strengths in geometric steps, up to the first at which nothing is left; spec: one fold of all rows.

    A linear model has a formula for that strength; a network is trained with strengths that double until its inputs
    are gone (or, under an L2 penalty, until its outputs hardly vary).
    """
    largest = _null_gradient(spec)
    linear = len(spec.network.dense_layers) == 1 and spec.mix.penalty in ("input_l1", "weight_l1")
    if not (linear and is_known(spec.network.loss_object)):
        largest = _search(spec, largest)
    if count == 1:
        return (largest,)
    rows, inputs = spec.folds[0].x.shape
    ratio = SMALLEST_RATIO if rows > inputs else SMALLEST_RATIO_WIDE
    return tuple(np.geomspace(ratio * largest, largest, count).tolist())


def _null_gradient(spec: SweepSpec) -> float:
    """The smallest strength at which a linear model's weights are all 0: the gradient's largest part at constants."""
    fold = spec.folds[0]
    y, share = np.asarray(fold.y, dtype=np.float64), fold.weight
    mean = share @ y
    gradient = np.asarray(fold.x, dtype=np.float64).T @ (share[:, None] * (y - mean))
    groups = spec.mix.penalty == "input_l1"
    parts = np.sqrt((gradient**2).mean(axis=1)) if groups else np.abs(gradient).max(axis=1)
    size = float(np.abs(fold.x).max(initial=0.0)) * float(np.abs(y).max(initial=0.0))
    if not parts.max() > 100.0 * np.finfo(fold.x.dtype).eps * size:  # nothing varies, or nothing goes with the target
        return 1.0
    return float(parts.max()) / max(spec.mix.l1_ratio, 1e-3) * (1.0 + 1e-5)  # beyond rounding


def _search(spec: SweepSpec, scale: float) -> float:
    strengths = scale * 1e-2 * 2.0 ** np.arange(24)
    trial = replace(
        spec,
        name="range",
        lambdas=tuple(strengths.tolist()),
        seeds=spec.seeds[:1],
        warm_start=True,
        factors=None,
        strongest_first=False,
    )
    fold, first, strength = spec.folds[0], math.nan, float(strengths[0])
    for outcome in train_lanes(trial, trial.lanes(), lambda cell: None):
        strength = trial.lambdas[outcome.cell.strength]
        if outcome.diverged_at >= 0:
            return strength
        outputs = outputs_of(spec.network, fold, outcome.point, fold.x)
        spread = float(np.var(outputs, axis=0).sum())
        first = spread if math.isnan(first) else first
        if spec.mix.sparse:
            weights = [np.asarray(array) for array in spec.network.layout.split(outcome.point[None, :])[::2]]
            if any(not weight.any() for weight in weights):
                return strength
        elif spread < 1e-3 * max(first, 1e-12):
            return strength
    return strength
