"""What training leaves on an estimator: one record, read from its attributes and written to them here only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.types import Array
from regnet.estimators.grouping import Grouping
from regnet.estimators.targets import Targets
from regnet.mathematics.optimizers import Optimizer
from regnet.training.history import History

__all__ = ["Accounts", "Fitted", "Progress", "Resumable", "SgdRate", "read_fitted", "write_fitted", "write_targets"]


class SgdRate(NamedTuple):
    """The learning rate of solver 'sgd': scikit-learn's schedule by name, its first value, power_t, and where it is."""

    schedule: str
    initial: float
    power: float
    value: float


class Resumable(NamedTuple):
    """What `partial_fit` goes on from, whatever the parameters have been set to since, as in scikit-learn.

    optimizer, its slots, the steps taken; rate: the learning rate of solver 'sgd', or None; baseline: the data loss
    that a training which works does not end far above, as the first call found it; None: it is still to be found.
    """

    optimizer: Optimizer
    slots: list[Array]
    t: int
    rate: SgdRate | None
    baseline: float | None


@dataclass
class Accounts:
    """What scikit-learn's stopping rule keeps: the best loss, or under early stopping the scores; None: the others.

    stale: epochs without improvement; -1 where no rule counts them, so that one which goes on opens its own accounts.
    """

    best_loss: Any = np.inf
    validation_scores: Any = None
    best_validation_score: Any = None
    stale: int = -1


@dataclass
class Progress:
    """How far training has come, kept up to date while it runs.

    n_iter: epochs or iterations of this call; t: rows seen in all calls; loss, None before the first; loss_curve: list
    of one loss an epoch, None where none is kept; accounts: None for solvers that have none; history: if records were
    wanted.
    """

    n_iter: int = 0
    t: int = 0
    loss: Any = None
    loss_curve: Any = None
    accounts: Accounts | None = None
    history: History | None = None


@final
@dataclass(frozen=True)
class Fitted:
    """A trained estimator, or one that is about to be trained from its first weights.

    weights: (in, out) each, biases: (out,) each. kkt_residual: None if it was not measured; kept_inputs: which columns
    of the whole table a compacted network takes, None for all; grouping: of the inputs, None where each is alone.
    """

    targets: Targets
    weights: list[Array]
    biases: list[Array]
    progress: Progress = field(default_factory=Progress)
    kkt_residual: float | None = None
    resumable: Resumable | None = None
    kept_inputs: NDArray[np.bool_] | None = None
    grouping: Grouping | None = None


def write_targets(estimator: Any, targets: Targets, /) -> None:
    """What y means, as attributes of an estimator."""
    estimator._targets, estimator.out_activation_ = targets, targets.out_activation
    if targets.classes is not None:
        estimator.classes_ = targets.classes


def write_fitted(estimator: Any, fitted: Fitted, /) -> None:
    """Make an estimator a fitted one, under scikit-learn's names; what an earlier call left and this one lacks goes."""
    write_targets(estimator, fitted.targets)
    progress, accounts = fitted.progress, fitted.progress.accounts
    estimator.coefs_, estimator.intercepts_ = fitted.weights, fitted.biases
    estimator.n_layers_, estimator.n_outputs_ = len(fitted.weights) + 1, fitted.weights[-1].shape[1]
    estimator.n_iter_, estimator.t_ = progress.n_iter, progress.t
    given = {
        "loss_": progress.loss,
        "loss_curve_": progress.loss_curve,
        "history_": progress.history,
        "kkt_residual_": fitted.kkt_residual,
        "kept_inputs_": fitted.kept_inputs,
        "_resumable": fitted.resumable,
        "_grouping": fitted.grouping,
        "_no_improvement_count": None if accounts is None or accounts.stale < 0 else accounts.stale,
    }
    own = vars(estimator)
    own.update((name, value) for name, value in given.items() if value is not None)
    absent = [name for name, value in given.items() if value is None]
    if accounts is None:
        absent += ["best_loss_", "validation_scores_", "best_validation_score_"]
    else:
        estimator.best_loss_, estimator.validation_scores_ = accounts.best_loss, accounts.validation_scores
        estimator.best_validation_score_ = accounts.best_validation_score
    for name in absent:
        own.pop(name, None)


def read_fitted(estimator: Any, /) -> Fitted | None:
    """The record of a fitted estimator, None for one that is not; lists are the estimator's own."""
    own = vars(estimator)
    if "coefs_" not in own:
        return None
    accounts = None
    if "best_loss_" in own:
        scores, best = own.get("validation_scores_"), own.get("best_validation_score_")
        accounts = Accounts(own["best_loss_"], scores, best, own.get("_no_improvement_count", -1))
    progress = Progress(
        own["n_iter_"], own["t_"], own.get("loss_"), own.get("loss_curve_"), accounts, own.get("history_")
    )
    names = ("kkt_residual_", "_resumable", "kept_inputs_", "_grouping")
    weights, biases = own["coefs_"], own["intercepts_"]
    return Fitted(own["_targets"], weights, biases, progress, *(own.get(name) for name in names))
