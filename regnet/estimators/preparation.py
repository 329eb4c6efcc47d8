"""From the arguments of `fit` to a problem on the device: everything that is checked before an estimator trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement, dtype_name
from regnet.estimators import inputs as data
from regnet.estimators import parameters
from regnet.estimators.exposure import as_rates, log_exposure, shifted
from regnet.estimators.fitted import Fitted, Resumable, read_fitted
from regnet.estimators.grouping import factors_of, grouping_of
from regnet.estimators.held_out import by_score, hold_out, scorer
from regnet.estimators.parameters import FULL_BATCH, Parameters
from regnet.estimators.stochastic import Call
from regnet.estimators.targets import Targets
from regnet.estimators.weights import draw_weights, params_of
from regnet.mathematics.optimizers import Optimizer
from regnet.mathematics.weighting import RowWeights, relative_weights
from regnet.networks.network import Network
from regnet.training.assembly import Problem, assemble
from regnet.training.early_stopping import EarlyStopping

__all__ = ["Prepared", "check_call", "prepare"]


class Prepared(NamedTuple):
    """What `_fit` trains, and from where; score, resume, rng: see `fit_stochastic`; host: whether results go back as

    NumPy arrays; log_unit: of the exposures that rates are learnt for, which the last bias is told of before and after.
    """

    start: Fitted
    network: Network
    problem: Problem
    optimizer: Optimizer
    score: Callable[[Array], float] | None
    resume: Resumable | None
    rng: np.random.RandomState
    host: bool
    log_unit: float = 0.0


def check_call(estimator: Parameters, call: Call, validation_data: tuple[Any, ...] | None) -> None:
    """Raise ValueError or TypeError for arguments of `fit` that mean nothing, alone or with the estimator's solver."""
    if validation_data is not None and (
        not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3)
    ):
        raise ValueError("validation_data must be (X, y) or (X, y, sample_weight).")
    log_every: Any = call.log_every
    if log_every is not None and (not isinstance(log_every, (int, np.integer)) or log_every < 1):
        raise ValueError(f"log_every={log_every!r} must be a whole number of epochs, 1 or more.")
    callbacks: Any = call.callbacks
    if not isinstance(callbacks, Iterable):
        raise TypeError("callbacks must be a list of functions: callbacks=[function].")
    if call.checkpoint is not None and estimator.solver in FULL_BATCH:
        raise ValueError(
            f"checkpoint is written between steps, and solver={estimator.solver!r} has none that could be gone on "
            "from: leave it out, or use solver='adam'."
        )
    if validation_data is not None and call.exposed:
        raise ValueError("validation_data has no exposures: leave it out, or give y / exposure with sample_weight.")
    asked = [name for name in ("callbacks", "log_every") if getattr(call, name)]
    asked += [] if validation_data is None else ["validation_data"]
    own = isinstance(estimator.early_stopping, EarlyStopping) or estimator.solver in ("fista", "newton")
    asked += ["early_stopping"] if own and estimator.early_stopping else []  # scikit-learn's lbfgs ignores True
    if asked and estimator.solver in FULL_BATCH:
        raise ValueError(
            f"{asked[0]} watches epochs, and solver={estimator.solver!r} has none: leave it out, or use solver='adam'."
        )


def prepare(
    estimator: Any, X: Any, y: Any, sample_weight: Any, call: Call, validation_data: tuple[Any, ...] | None
) -> Prepared:
    """Everything that training needs, checked and on the device."""
    hidden, stochastic = parameters.widths_of(estimator.hidden_layer_sizes), estimator.solver not in FULL_BATCH
    before = read_fitted(estimator) if estimator.warm_start or call.incremental else None
    if before is not None and before.kept_inputs is not None:
        X = data.select_columns(X, before.kept_inputs)
    given = data.check_fit_inputs(
        estimator, X, y, sample_weight, reset=before is None, numeric=estimator._targets_class.numeric
    )
    names, count = getattr(estimator, "feature_names_in_", None), given.x.shape[1]
    grouping = grouping_of(estimator.input_groups, names, count)
    factors = factors_of(estimator.penalty_factor, names, count, grouping)
    penalties = parameters.make_penalties(estimator, factors, grouping)
    targets: Targets = estimator._targets_of(given.y, incremental=call.incremental, rates=call.exposed)
    placement = _placement(estimator, given.placement, before)
    table = data.dense_rows(given.x, placement)
    logs = log_exposure(call.offset, call.exposure, given.x.shape[0], targets.loss)
    rates = as_rates(given.y, given.weight, logs, targets.loss, given.placement)
    rows = (table, targets.encode(rates.y), data.check_weight(targets.weigh(given.y, rates.weight)))
    rng = check_random_state(estimator.random_state)
    network = _network(estimator, targets, [table.shape[1], *hidden, rows[1].shape[1]])
    start = _start(estimator, targets, network, rng, given.placement.dtype, before)
    start = replace(start, grouping=grouping)
    if factors is not None and not np.isfinite(factors).all():  # a column of zeros leaves weights of 0 where they are
        used = np.isfinite(factors)[:, None]
        rows = (_without(table, used.T), *rows[1:])
        start = replace(start, weights=[_without(start.weights[0], used), *start.weights[1:]])
        if start.resumable is not None:  # nor does what earlier steps gathered move them
            first = np.repeat(used[:, 0], start.weights[0].shape[1])
            point = np.concatenate([first, np.ones(network.layout.size - first.size, dtype=bool)])
            slots = [_without(slot, point) for slot in start.resumable.slots]
            start = replace(start, resumable=start.resumable._replace(slots=slots))
    if call.incremental and estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    rows, held_out, numbers = hold_out(estimator, targets, placement, rows, validation_data, rng)
    count = rows[0].shape[0] if numbers is None else len(numbers)
    resume = start.resumable if call.incremental else None
    optimizer = parameters.make_optimizer(estimator) if resume is None else resume.optimizer
    problem = assemble(
        network,
        placement,
        data.make_rows(placement, *rows),
        None if held_out is None else data.make_rows(placement, *held_out),
        optimizer=optimizer,
        penalties=penalties,
        batch_size=parameters.batch_rows(estimator, count) if stochastic else None,
        params=params_of(
            network, placement, start.weights, shifted(start.biases, 0.0 if before is None else rates.log_unit)
        ),
        seed=int(rng.randint(np.iinfo(np.int32).max)) if network.has_dropout else 0,
        batch_l2=_batch_l2(estimator, rows[0], rows[2]),
        numbers=numbers,
    )
    score = None if held_out is None or not by_score(estimator) else scorer(targets, network, placement, held_out)
    return Prepared(start, network, problem, optimizer, score, resume, rng, given.host, rates.log_unit)


def _network(estimator: Parameters, targets: Targets, widths: list[int]) -> Network:
    """The network to train. Raises ValueError for one that the solver cannot train."""
    parameters.check_smooth(estimator.solver, targets.loss)
    network = parameters.make_network(estimator, widths, targets.loss, dropout=estimator.dropout)
    if estimator.solver == "newton":
        parameters.check_newton(estimator, targets.loss)
    if network.has_dropout and estimator.solver in FULL_BATCH:
        raise ValueError(
            f"dropout={estimator.dropout} needs batches, and solver={estimator.solver!r} has none: use 'adam'."
        )
    return network


def _start(
    estimator: Parameters,
    targets: Targets,
    network: Network,
    rng: np.random.RandomState,
    dtype: str,
    before: Fitted | None,
) -> Fitted:
    """First weights, or those of an earlier call. Raises ValueError where those are of other widths."""
    if before is None:
        return Fitted(targets, *draw_weights(estimator, network, rng, dtype))
    parameters.check_widths(before.weights, [network.in_features, *(one.out_features for one in network.dense_layers)])
    progress = replace(before.progress, n_iter=0, history=None)
    return replace(before, targets=targets, progress=progress, kkt_residual=None)


def _without(values: Array, used: NDArray[np.bool_]) -> Array:
    """The values, and 0 in rows or columns that are not used; used: broadcastable to them."""
    xp = array_namespace(values)
    return xp.where(xp.asarray(used, device=device_of(values)), values, xp.zeros_like(values))


def _placement(estimator: Parameters, given: Placement, before: Fitted | None) -> Placement:
    """Where to compute: in the type of X, or of the weights that are trained further.

    L-BFGS computes in float64 on NumPy, as SciPy's does.
    """
    dtype = given.dtype if before is None else dtype_name(before.weights[0]) or given.dtype
    in_float64 = estimator.solver == "lbfgs" and given.backend.name == "numpy"
    return given._replace(dtype="float64" if in_float64 else dtype)


def _batch_l2(estimator: Parameters, table: Array, weight: RowWeights) -> float:
    """scikit-learn's alpha / (2 * sum of the weights), which a step divides by the batch's share of the rows."""
    alpha: float = parameters.alpha_of(estimator)
    if weight is None or not alpha:
        return alpha / (2.0 * float(table.shape[0]))
    with np.errstate(over="ignore"):
        strength = alpha / 2.0 / weight.max() / relative_weights(weight).sum()
    if not strength < np.finfo(np.float32).max:
        raise ValueError(
            f"alpha={alpha!r} / (2 * the sum of sample_weight) is {strength:.3g}: such weights leave nothing beside "
            "the penalty. Multiply them by a number, or use weight_l2, which means the same whatever their sum."
        )
    return float(strength)
