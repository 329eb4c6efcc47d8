"""Which strengths a path goes through: the caller's, or a range from no visible effect to nothing left."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.backend.given import numbers_of
from regnet.backend.placement import to_host
from regnet.mathematics.losses import Gamma, Huber, Tweedie
from regnet.selection.as_estimator import outputs_of
from regnet.selection.relaxing import EXCLUDED
from regnet.selection.settings import TO_TOLERANCE
from regnet.solvers.proximal_newton import is_known
from regnet.sweep.engine import run_sweep
from regnet.sweep.fold import Fold
from regnet.sweep.lanes import train_lanes
from regnet.sweep.spec import Outcome, SweepSpec

__all__ = ["check_lambdas", "find_lambdas", "longer_range"]

SMALLEST_RATIO, SMALLEST_RATIO_WIDE = 1e-3, 1e-2
"""The weakest strength of an automatic range by its strongest, where there are more rows than inputs, and where there

are not: a network that fits few rows without a penalty tells nothing of its inputs (glmnet has 1e-4 and 1e-2)."""

LONGER = 1e-2
"""What the weakest strength is multiplied by where it has the best score. Of 142 searches it had it in 31; of ten of

those nine gained by a longer range, .017 of R2 on average."""

DOUBLINGS, TOGETHER = 24, 3
"""How often a strength is doubled in search of one that leaves nothing; networks without warm starts, 3 at once."""

BISECTIONS = 60


def check_lambdas(lambdas: Any) -> tuple[float, ...]:
    """The caller's strengths, ascending. Raises ValueError; warns where they were in another order."""
    values = np.asarray(to_host(numbers_of("lambdas", lambdas, text=True)), dtype=np.float64).reshape(-1)
    if not len(values):
        raise ValueError("lambdas is empty: give at least one strength, or None for an automatic range.")
    unusable = values[~(np.isfinite(values) & (values >= 0))]
    if len(unusable):
        raise ValueError(f"lambdas holds {unusable[0]}: strengths must be finite numbers of 0 or more.")
    ordered = np.unique(values)
    if len(ordered) != len(values) or not ((ordered == values).all() or (ordered == values[::-1]).all()):
        warnings.warn(
            "lambdas were not sorted, or held a strength twice: they are used as `lambdas_` has them.", stacklevel=4
        )
    return tuple(ordered.tolist())


def find_lambdas(spec: SweepSpec, count: int, ratio: float | None = None) -> tuple[float, ...]:
    """`count` strengths in geometric steps, up to the first at which nothing is left.

    spec: of the folds that will be trained, the last one of all rows; ratio: of the weakest strength to the strongest,
    None for 1e-3, or 1e-2 where there are as many inputs as rows. A linear model has a formula for that strength,
    which holds for solvers that go on to the minimum; anything else is trained with strengths that double until its
    inputs are gone (or, under an L2 penalty, until its outputs hardly vary). With warm starts that is asked of all
    rows, as glmnet does it; without, a network may need more to lose its first weights in the epochs that it has: all
    folds are asked, and every restart.
    """
    everything = replace(spec, folds=spec.folds[-1:])
    linear = len(spec.network.dense_layers) == 1 and spec.mix.penalty in ("input_l1", "weight_l1")
    known = is_known(spec.network.loss_object) or type(spec.network.loss_object) is Huber
    if linear and known and spec.template.solver in TO_TOLERANCE:
        largest = max(_null_gradient(spec, fold) for fold in (everything if spec.warm_start else spec).folds)
    else:
        largest = _search(everything, _null_gradient(spec, everything.folds[0]))
        if spec.mix.sparse and not spec.warm_start:
            largest = _search_cold(spec, largest)
    if count == 1:
        return (largest,)
    rows, inputs = spec.folds[-1].inputs.shape
    ratio = ratio or (SMALLEST_RATIO if rows > inputs else SMALLEST_RATIO_WIDE)
    return tuple(np.geomspace(ratio * largest, largest, count).tolist())


def longer_range(lambdas: tuple[float, ...], /) -> tuple[float, ...]:
    """As many strengths in geometric steps, up to the same one, from one that is a hundred times as weak."""
    return tuple(np.geomspace(LONGER * lambdas[0], lambdas[-1], len(lambdas)).tolist())


def _null_gradient(spec: SweepSpec, fold: Fold) -> float:
    """The smallest strength at which a linear model's penalised weights are all 0: the gradient's largest part where

    nothing but the others is there.
    """
    y, share, factors = np.asarray(fold.y, dtype=np.float64), fold.weight, spec.factors
    free = factors is not None and not factors.all() and len(spec.network.dense_layers) == 1
    residual = _residual_of_free(spec, fold) if free else _residual_of_constants(spec, fold)
    weighted, gradient, largest = share[:, None] * residual, np.zeros((fold.n_inputs, y.shape[1])), 0.0
    for rows, part in fold.inputs.parts():
        gradient += np.asarray(part, dtype=np.float64).T @ weighted[rows]
        largest = max(largest, float(np.abs(part).max(initial=0.0)))
    parts = np.abs(gradient).max(axis=1)
    if spec.mix.penalty == "input_l1":
        squares, numbers = (gradient**2).mean(axis=1), spec.group_numbers()
        if numbers is not None:
            squares = (np.bincount(numbers, squares) / np.bincount(numbers))[numbers]
        parts = np.sqrt(squares)
    if factors is not None:
        parts = parts[factors > 0] / factors[factors > 0]
    rounding = 100.0 * np.finfo(fold.inputs.dtype).eps * largest * float(np.abs(y).max(initial=0.0))
    if not parts.max() > rounding:  # nothing varies, or nothing goes with the target
        return 1.0
    return float(parts.max()) / max(spec.mix.l1_ratio, 1e-3) * (1.0 + 1e-5)  # beyond rounding


def _residual_of_constants(spec: SweepSpec, fold: Fold) -> NDArray[np.float64]:
    """What the best constants leave of the targets, as the loss's gradient has it, (n, outputs)."""
    y, share, loss = np.asarray(fold.y, dtype=np.float64), fold.weight, spec.network.loss_object
    if type(loss) is Huber:
        return np.clip(y - _location(y, share, loss.delta), -loss.delta, loss.delta)
    mean = share @ y
    if type(loss) in (Gamma, Tweedie):  # whose slopes are no plain residuals
        return -np.asarray(loss.value_and_grad(np.broadcast_to(np.log(mean), y.shape), y)[1])
    return np.asarray(y - mean)


def _residual_of_free(spec: SweepSpec, fold: Fold) -> NDArray[np.float64]:
    """The same of the best linear model on the inputs that are not penalised."""
    bound = np.where(spec.factors > 0, EXCLUDED, 0.0)
    alone = replace(
        spec,
        name="range",
        lambdas=(1.0,),
        folds=(fold,),
        seeds=spec.seeds[:1],
        factors=bound,
        mix=replace(spec.mix, l1_ratio=1.0),
    )
    (outcome,) = train_lanes(alone, alone.lanes(), lambda cell: None)
    network = spec.network
    outputs = network.apply(network.unpack(outcome.point[None, :].astype(np.float64)), np.asarray(fold.x, np.float64))
    _, gradient = network.loss_object.value_and_grad(outputs, np.asarray(fold.y, dtype=np.float64))
    return -np.asarray(gradient)


def _location(y: NDArray[np.float64], share: NDArray[np.float64], delta: float) -> NDArray[np.float64]:
    """The constant of each column (n, outputs) of least Huber loss, by bisection of its gradient, (outputs,)."""
    low, high = y.min(axis=0), y.max(axis=0)
    for _ in range(BISECTIONS):
        middle = low + (high - low) / 2.0
        above = share @ np.clip(middle - y, -delta, delta) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(low + (high - low) / 2.0)


def _search_cold(spec: SweepSpec, largest: float) -> float:
    """The first of `largest` times 1, 2, 4, ... at which training from first weights leaves no network anything."""
    for start in range(0, DOUBLINGS, TOGETHER):
        strengths = largest * 2.0 ** np.arange(start, start + TOGETHER)
        trial = replace(spec, name="range", lambdas=tuple(strengths.tolist()))
        left = np.zeros(TOGETHER, dtype=bool)

        def note(outcome: Outcome, left: NDArray[np.bool_] = left) -> None:
            left[outcome.cell.strength] |= outcome.diverged_at < 0 and not _is_empty(spec, outcome.point)

        run_sweep(trial, note)
        if not left.all():
            return float(strengths[np.flatnonzero(~left)[0]])
    return float(strengths[-1])


def _is_empty(spec: SweepSpec, point: NDArray[Any]) -> bool:
    """Whether a layer has no penalised weight left: the first one, where inputs are to be gone."""
    weights = [np.asarray(array) for array in spec.network.layout.split(point[None, :])[::2]]
    if spec.factors is not None:
        weights[0] = weights[0][spec.factors > 0]
    empty = [not weight.any() for weight in weights]
    return any(empty) if spec.mix.penalty == "neuron_l1" else empty[0]


def _search(spec: SweepSpec, scale: float) -> float:
    strengths = scale * 1e-2 * 2.0 ** np.arange(DOUBLINGS)
    trial = replace(
        spec,
        name="range",
        lambdas=tuple(strengths.tolist()),
        seeds=spec.seeds[:1],
        warm_start=True,
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
            if _is_empty(spec, outcome.point):
                return strength
        elif spread < 1e-3 * max(first, 1e-12):
            return strength
    return strength
