"""From the parameters that a user set to the spec of a sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet.backend.config import get_config
from regnet.backend.placement import Placement
from regnet.display.warning import warn
from regnet.estimators.parameters import (
    check_newton,
    check_smooth,
    make_network,
    make_optimizer,
    widths_of,
)
from regnet.mathematics.losses import in_units
from regnet.mathematics.penalties import Penalty
from regnet.mathematics.schedules import as_schedule
from regnet.networks.network import Network
from regnet.selection.columns import columns_of
from regnet.selection.settings import TO_TOLERANCE, Estimator, SweepSettings
from regnet.sweep.fold import Fold
from regnet.sweep.path_penalty import Mix
from regnet.sweep.spec import SweepSpec
from regnet.training.evasion import exits_of

__all__ = ["make_spec"]


ITERATIONS = {"fista": 20_000, "newton": 1000}
"""max_iter of these solvers where it is left open."""

MOST_DENSE = 1000
"""Weights, none of them 0, up to which 'auto' is 'newton': time grows with their cube, memory with their square."""

STEPS_PER_STRENGTH = 200
ALL_ROWS = 2048


def _settle_newton(settings: SweepSettings, template: Estimator, placement: Placement, weights: int) -> None:
    """'auto' leaves linear models to 'fista' where networks have a device of their own ('newton' works on the host),

    and where no weight becomes 0 and there are many: 'newton' factorises a matrix of as many rows.

    Raises ValueError where 'newton' was asked for, and the model is not linear or its loss not known.
    """
    check_newton(template, template._targets.loss)
    elsewhere = placement.backend.free_bytes(placement.device) is not None
    dense = settings.penalty == "weight_l2" and weights > MOST_DENSE
    if settings.solver == "auto" and (elsewhere or dense):
        template.solver = "fista"


def make_spec(
    settings: SweepSettings,
    template: Estimator,
    folds: list[Fold],
    placement: Placement,
    lambdas: tuple[float, ...],
    seeds: tuple[int, ...],
    name: str,
) -> SweepSpec:
    """The sweep over `lambdas`; what was left open follows from the number of rows.

    With warm starts a strength is trained for 200 steps, on all rows where there are at most 2048, else in batches of
    256 rows or of a 200th part. Cold ones train for 200 epochs of 200 rows, as scikit-learn's MLP does.
    """
    if template.solver == "newton":
        _settle_newton(settings, template, placement, folds[0].n_inputs * folds[0].y.shape[1])
    if settings.penalty == "neuron_l1" and not widths_of(settings.hidden_layer_sizes):
        raise ValueError(
            "penalty='neuron_l1', but hidden_layer_sizes=() has no hidden layer whose neurons it could act on: use "
            "'input_l1' or 'weight_l1'."
        )
    if np.ndim(as_schedule(make_optimizer(template).learning_rate).initial):
        raise ValueError("solver: give an optimizer with one learning rate; a sweep has its own axes.")
    check_smooth(template.solver, template._targets.loss)
    rows = max(fold.n_rows for fold in folds)
    warm = bool(settings.warm_start)
    widths = [folds[0].n_inputs, *widths_of(settings.hidden_layer_sizes), folds[0].y.shape[1]]
    loss = in_units(template._targets.loss, float(folds[0].affine.y_scale[0, 0]))
    network = make_network(template, widths, loss, dropout=template.dropout)
    batch: int | None
    to_tolerance = template.solver in TO_TOLERANCE
    if to_tolerance:
        batch = None
    elif settings.batch_size != "auto":
        batch = int(settings.batch_size)
    elif warm:
        batch = None if rows <= ALL_ROWS else max(256, rows // STEPS_PER_STRENGTH)
    else:
        batch = 200
    if batch is not None and batch >= rows and len({fold.n_rows for fold in folds}) == 1:
        batch = None
    steps = 1 if batch is None else -(-min(fold.n_rows for fold in folds) // batch)
    if settings.max_iter is not None:
        epochs = int(settings.max_iter)
    elif to_tolerance:
        epochs = ITERATIONS[template.solver]
    else:
        epochs = max(1, round(STEPS_PER_STRENGTH / steps)) if warm else 200
    if to_tolerance:
        if template.dropout:
            raise ValueError(
                f"dropout={template.dropout} needs batches, and solver={template.solver!r} has none: use 'adam'."
            )
        tol = 1e-8 if placement.dtype == "float64" else 1e-5
        template.tol = tol if settings.tol is None else float(settings.tol)
    mix = Mix(settings.penalty, float(settings.l1_ratio), float(settings.companion_l2))
    _tell_of_evasion(mix, network)
    inputs, columns = widths[0], columns_of(settings, template, folds)
    return SweepSpec(
        name=name,
        template=template,
        network=network,
        optimizer=make_optimizer(template),
        mix=mix,
        lambdas=lambdas,
        folds=tuple(folds),
        seeds=seeds,
        epochs=epochs,
        batch_rows=batch,
        warm_start=warm,
        dtype=placement.dtype,
        backend=placement.backend.name,
        device=placement.device,
        fast=get_config().fast,
        factors=columns.factors,
        groups=columns.grouping,
        screen=warm and not to_tolerance and mix.penalty == "input_l1" and inputs >= 256,
        strongest_first=warm and template.solver == "newton",
    )


def _tell_of_evasion(mix: Mix, network: Network) -> None:
    """Warn where the companion was switched off without which the penalty is evaded."""
    terms: list[dict[str, Any]] = [{**mix.terms(layer)} for layer in range(len(network.dense_layers))]
    exits = exits_of(network, [Penalty(**own) for own in terms])
    if exits is not None:
        warn(
            f"companion_l2=0: the network can evade {mix.penalty} by moving the scale of Dense layers "
            f"{list(exits.penalised)} to those without a penalty, {list(exits.free)}, so that strengths mean little. "
            "Leave companion_l2 out, or give it a positive number."
        )
