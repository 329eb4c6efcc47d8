"""scikit-learn's decisions after an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.display.warning import warn
from regnet.estimators.fitted import Accounts, Progress, SgdRate
from regnet.estimators.parameters import Parameters
from regnet.training.assembly import Problem
from regnet.training.snapshot import array_of
from regnet.training.step import Hyper, State
from regnet.training.trainer import EpochEnd

__all__ = ["StoppingRule", "first_rate", "stops_by_score"]

SMALLEST_RATE = 1e-12
"""Of the first rate: what `invscaling` may fall to, so that momentum can be expressed in units of the new rate."""


def first_rate(estimator: Parameters, /) -> SgdRate | None:
    """The rate that solver 'sgd' begins with; None for other solvers, whose optimizer has it."""
    if estimator.solver != "sgd":
        return None
    rate = float(estimator.learning_rate_init)
    return SgdRate(estimator.learning_rate, rate, float(estimator.power_t), rate)


def stops_by_score(estimator: Parameters, /) -> bool:
    """Whether `early_stopping` is scikit-learn's, by validation scores; an `EarlyStopping` watches records instead."""
    return isinstance(estimator.early_stopping, (bool, np.bool_)) and bool(estimator.early_stopping)


def _open_accounts(progress: Progress, *, scored: bool) -> Accounts:
    """What a stopping rule goes on with; new, unless an earlier call left it. scored: whether scores decide."""
    accounts = progress.accounts
    if accounts is None or accounts.stale < 0 or progress.loss_curve is None:
        accounts, progress.loss_curve = None, []
    if accounts is None or scored != (accounts.validation_scores is not None):
        accounts = Accounts(None, [], -np.inf, stale=0) if scored else Accounts(stale=0)
    progress.accounts = accounts
    return accounts


@final
class StoppingRule:
    """scikit-learn's decisions after an epoch, with what they go by kept in `progress`.

    Training stops when the running training loss (or, under early stopping, the validation score) has not improved by
    `tol` for more than `n_iter_no_change` epochs; `learning_rate` 'adaptive' divides the rate by 5 instead, until it
    is 1e-6; 'invscaling' sets it to learning_rate_init / (samples seen + 1)^power_t. Only solver 'sgd' has these.
    """

    def __init__(
        self,
        estimator: Parameters,
        progress: Progress,
        problem: Problem,
        score: Callable[[Array], float] | None,
        rate: SgdRate | None,
        *,
        incremental: bool,
        by_records: bool,
    ) -> None:
        """score: of a point on the validation rows, where that decides; by_records: an `EarlyStopping` decides."""
        self._est, self._problem, self._score = estimator, problem, score
        self._progress, self._accounts = progress, _open_accounts(progress, scored=stops_by_score(estimator))
        self._incremental, self._by_records, self.rate = incremental, by_records, rate
        self._rows = problem.rows
        self._pending: list[Array] = []
        self.best_point: Array | None = None
        waits_for_ever = by_records or estimator.n_iter_no_change == np.inf
        falls = rate is not None and rate.schedule == "invscaling"
        # Nothing depends on the losses then: they stay on the device until the end.
        self._lazy = score is None and not estimator.verbose and waits_for_ever and not falls

    def __call__(self, epoch: int, state: State, hyper: Hyper) -> EpochEnd:
        """See the class."""
        est, progress = self._est, self._progress
        self._pending.append(state.running_loss)
        state = state._replace(running_loss=array_namespace(state.point).zeros_like(state.running_loss))
        progress.n_iter += 1
        progress.t += self._rows
        if self._lazy:
            stop = False
        else:
            stop = self._after_loss(state)
            if self.rate is not None and self.rate.schedule == "invscaling":
                state, hyper = self._set_rate(state, hyper, self.rate.initial / (progress.t + 1) ** self.rate.power)
            if not stop and not self._by_records and self._accounts.stale > est.n_iter_no_change:
                stop, state, hyper = self._no_longer_improving(state, hyper)
        if not stop and not self._incremental and progress.n_iter == est.max_iter:
            warn(
                f"Stochastic Optimizer: Maximum iterations ({est.max_iter:d}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
            )
        return EpochEnd(state, hyper, stop)

    def flush(self) -> None:
        """Read the losses of the epochs since the last reading, and keep the accounts that follow from them."""
        progress, accounts, to_numpy = self._progress, self._accounts, self._problem.placement.backend.to_numpy
        for value in self._pending:
            loss = progress.loss = np.float64(to_numpy(value)[0, 0])
            progress.loss_curve.append(loss)
            if self._score is None:
                accounts.stale = accounts.stale + 1 if loss > accounts.best_loss - self._est.tol else 0
                accounts.best_loss = loss if loss < accounts.best_loss else accounts.best_loss
        self._pending.clear()

    def mark(self) -> dict[str, Any]:
        """What a checkpoint holds of the rule, and of the progress that it keeps."""
        self.flush()
        progress, accounts, scores = self._progress, self._accounts, self._accounts.validation_scores
        best = None if self.best_point is None else self._problem.placement.backend.to_numpy(self.best_point)
        return {
            "rate": None if self.rate is None else list(self.rate),
            "best_point": best,
            "n_iter": progress.n_iter,
            "t": progress.t,
            "loss": progress.loss,
            "loss_curve": np.asarray(progress.loss_curve, dtype=np.float64),
            "best_loss": accounts.best_loss,
            "validation_scores": None if scores is None else np.asarray(scores, dtype=np.float64),
            "best_validation_score": accounts.best_validation_score,
            "stale": accounts.stale,
        }

    def go_back(self, mark: dict[str, Any], /) -> None:
        """Be what it was. Raises ValueError or TypeError for what is no mark."""
        progress, accounts, point = self._progress, self._accounts, mark["best_point"]
        self.rate = None if mark["rate"] is None else SgdRate(*mark["rate"])
        if point is not None:
            self.best_point = array_of(point, self._problem.state.point, self._problem.placement)
        progress.n_iter, progress.t, progress.loss_curve = mark["n_iter"], mark["t"], list(mark["loss_curve"])
        progress.loss = None if mark["loss"] is None else np.float64(mark["loss"])
        scores = mark["validation_scores"]
        accounts.best_loss = None if mark["best_loss"] is None else np.float64(mark["best_loss"])
        accounts.validation_scores = None if scores is None else scores.tolist()
        accounts.best_validation_score, accounts.stale = mark["best_validation_score"], mark["stale"]

    def _after_loss(self, state: State) -> bool:
        """Update the count of epochs without improvement; True if the loss is no longer finite."""
        est, progress, accounts = self._est, self._progress, self._accounts
        self.flush()
        if est.verbose:
            print(f"Iteration {progress.n_iter}, loss = {progress.loss:.8f}")
        finite = bool(np.isfinite(progress.loss))
        if self._score is not None:
            value = self._score(state.point) if finite else float("nan")
            accounts.validation_scores.append(value)
            if est.verbose:
                print(f"Validation score: {value:f}")
            improves = not value < accounts.best_validation_score + est.tol
            accounts.stale = 0 if improves else accounts.stale + 1
            if value > accounts.best_validation_score:
                accounts.best_validation_score = value
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
        self._accounts.stale = 0
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
