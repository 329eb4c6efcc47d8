"""scikit-learn's decisions after an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.display.warning import warn
from regnet.training.assembly import Problem
from regnet.training.step import Hyper, State
from regnet.training.trainer import EpochEnd

__all__ = ["SgdRate", "StoppingRule", "first_rate", "open_accounts", "stops_by_score"]

SMALLEST_RATE = 1e-12
"""Of the first rate: what `invscaling` may fall to, so that momentum can be expressed in units of the new rate."""


class SgdRate(NamedTuple):
    """The learning rate of solver 'sgd': scikit-learn's schedule by name, its first value, power_t, and where it is."""

    schedule: str
    initial: float
    power: float
    value: float


def first_rate(estimator: Any, /) -> SgdRate | None:
    """The rate that solver 'sgd' begins with; None for other solvers, whose optimizer has it."""
    if estimator.solver != "sgd":
        return None
    rate = float(estimator.learning_rate_init)
    return SgdRate(estimator.learning_rate, rate, float(estimator.power_t), rate)


def stops_by_score(estimator: Any, /) -> bool:
    """Whether `early_stopping` is scikit-learn's, by validation scores; an `EarlyStopping` watches records instead."""
    return isinstance(estimator.early_stopping, (bool, np.bool_)) and bool(estimator.early_stopping)


def open_accounts(estimator: Any, /) -> None:
    """Set the attributes that a stopping rule keeps, unless an earlier call that is continued left them."""
    if hasattr(estimator, "_no_improvement_count"):
        return
    scored = stops_by_score(estimator)
    estimator.loss_curve_ = []
    estimator._no_improvement_count = 0
    estimator.validation_scores_ = [] if scored else None
    estimator.best_validation_score_ = -np.inf if scored else None
    estimator.best_loss_ = None if scored else np.inf


@final
class StoppingRule:
    """scikit-learn's decisions after an epoch, kept in the estimator's own attributes.

    Training stops when the running training loss (or, under early stopping, the validation score) has not improved by
    `tol` for more than `n_iter_no_change` epochs; `learning_rate` 'adaptive' divides the rate by 5 instead, until it
    is 1e-6; 'invscaling' sets it to learning_rate_init / (samples seen + 1)^power_t. Only solver 'sgd' has these.
    """

    def __init__(
        self,
        estimator: Any,
        problem: Problem,
        score: Callable[[Array], float] | None,
        rate: SgdRate | None,
        *,
        incremental: bool,
        by_records: bool,
    ) -> None:
        """score: of a point on the validation rows, where that decides; by_records: an `EarlyStopping` decides."""
        self._est, self._problem, self._score = estimator, problem, score
        self._incremental, self._by_records, self.rate = incremental, by_records, rate
        self._rows = problem.train.x.shape[-2]
        self._pending: list[Array] = []
        self.best_point: Array | None = None
        waits_for_ever = by_records or estimator.n_iter_no_change == np.inf
        falls = rate is not None and rate.schedule == "invscaling"
        # Nothing depends on the losses then: they stay on the device until the end.
        self._lazy = score is None and not estimator.verbose and waits_for_ever and not falls

    def __call__(self, epoch: int, state: State, hyper: Hyper) -> EpochEnd:
        """See the class."""
        est = self._est
        self._pending.append(state.running_loss)
        state = state._replace(running_loss=array_namespace(state.point).zeros_like(state.running_loss))
        est.n_iter_ += 1
        est.t_ += self._rows
        if self._lazy:
            stop = False
        else:
            stop = self._after_loss(state)
            if self.rate is not None and self.rate.schedule == "invscaling":
                state, hyper = self._set_rate(state, hyper, self.rate.initial / (est.t_ + 1) ** self.rate.power)
            if not stop and not self._by_records and est._no_improvement_count > est.n_iter_no_change:
                stop, state, hyper = self._no_longer_improving(state, hyper)
        if not stop and not self._incremental and est.n_iter_ == est.max_iter:
            warn(
                f"Stochastic Optimizer: Maximum iterations ({est.max_iter:d}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
            )
        return EpochEnd(state, hyper, stop)

    def flush(self) -> None:
        """Read the losses of the epochs since the last reading, and keep the accounts that follow from them."""
        est, to_numpy = self._est, self._problem.placement.backend.to_numpy
        for value in self._pending:
            est.loss_ = np.float64(to_numpy(value)[0, 0])
            est.loss_curve_.append(est.loss_)
            if self._score is None:
                est._no_improvement_count = est._no_improvement_count + 1 if est.loss_ > est.best_loss_ - est.tol else 0
                est.best_loss_ = est.loss_ if est.loss_ < est.best_loss_ else est.best_loss_
        self._pending.clear()

    def _after_loss(self, state: State) -> bool:
        """Update the count of epochs without improvement; True if the loss is no longer finite."""
        est = self._est
        self.flush()
        if est.verbose:
            print(f"Iteration {est.n_iter_}, loss = {est.loss_:.8f}")
        finite = bool(np.isfinite(est.loss_))
        if self._score is not None:
            value = self._score(state.point) if finite else float("nan")
            est.validation_scores_.append(value)
            if est.verbose:
                print(f"Validation score: {value:f}")
            improves = not value < est.best_validation_score_ + est.tol
            est._no_improvement_count = 0 if improves else est._no_improvement_count + 1
            if value > est.best_validation_score_:
                est.best_validation_score_ = value
                self.best_point = array_namespace(state.point).asarray(state.point, copy=True)
        return not finite

    def _no_longer_improving(self, state: State, hyper: Hyper) -> tuple[bool, State, Hyper]:
        est = self._est
        what = "Training loss" if self._score is None else "Validation score"
        message = f"{what} did not improve more than tol={est.tol:f} for {est.n_iter_no_change} consecutive epochs."
        rate = self.rate
        if rate is None or rate.schedule != "adaptive" or rate.value <= 1e-6:
            if est.verbose:
                adaptive = rate is not None and rate.schedule == "adaptive"
                print(message + (" Learning rate too small. Stopping." if adaptive else " Stopping."))
            return True, state, hyper
        state, hyper = self._set_rate(state, hyper, rate.value / 5.0)
        if est.verbose:
            print(f"{message} Setting learning rate to {rate.value / 5.0:f}")
        est._no_improvement_count = 0
        return False, state, hyper

    def _set_rate(self, state: State, hyper: Hyper, value: float) -> tuple[State, Hyper]:
        """A new rate for later gradients only: past steps stay in the momentum with the rate they were made at."""
        if self.rate is None:
            raise AssertionError("only solver 'sgd' changes its rate")
        value = max(value, SMALLEST_RATE * self.rate.initial)
        ratio = self.rate.value / value
        self.rate = self.rate._replace(value=value)
        learning_rate = self._problem.placement.put(np.full((1, 1), value))
        slots = tuple(slot * ratio for slot in state.slots)
        return state._replace(slots=slots), hyper._replace(learning_rate=learning_rate)
