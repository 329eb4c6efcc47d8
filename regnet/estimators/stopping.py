"""scikit-learn's decisions after an epoch."""

from __future__ import annotations

import warnings
from typing import Any, final

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.model import score
from regnet.namespace import array_namespace
from regnet.network import Network
from regnet.problem import Problem
from regnet.step import Hyper, State
from regnet.trainer import EpochEnd
from regnet.types import Array

__all__ = ["StoppingRule", "stops_by_score"]


def stops_by_score(estimator: Any, /) -> bool:
    """Whether `early_stopping` is scikit-learn's, by validation scores; an `EarlyStopping` watches records instead."""
    return isinstance(estimator.early_stopping, (bool, np.bool_)) and bool(estimator.early_stopping)


@final
class StoppingRule:
    """scikit-learn's decisions after an epoch, kept in the estimator's own attributes.

    Training stops when the running training loss (or, under early stopping, the validation score) has not improved by
    `tol` for more than `n_iter_no_change` epochs; `learning_rate` 'adaptive' divides the rate by 5 instead, until it
    is 1e-6; 'invscaling' sets it to learning_rate_init / (samples seen + 1)^power_t. Only solver 'sgd' has these.
    """

    def __init__(
        self, estimator: Any, network: Network, problem: Problem, *, scored: bool, incremental: bool, rate: float | None
    ) -> None:
        """scored: whether problem.validation decides; rate: the rate to go on with, None for the optimizer's own."""
        self._est, self._network, self._problem = estimator, network, problem
        self._scored, self._incremental, self.rate = scored, incremental, rate
        self._rows = problem.train.x.shape[-2]
        self._pending: list[Array] = []
        self.best_point: Array | None = None
        # Nothing depends on the losses then: they stay on the device until the end.
        self._lazy = not scored and not estimator.verbose and estimator.n_iter_no_change == np.inf

    def __call__(self, epoch: int, state: State, hyper: Hyper) -> EpochEnd:
        """See the class."""
        est, put = self._est, self._problem.placement.put
        self._pending.append(state.running_loss)
        state = state._replace(running_loss=put(np.zeros((1, 1))))
        est.n_iter_ += 1
        est.t_ += self._rows
        if self._lazy:
            stop = False
        else:
            stop = self._after_loss(state)
            if self.rate is not None and est.learning_rate == "invscaling":
                state, hyper = self._set_rate(state, hyper, est.learning_rate_init / (est.t_ + 1) ** est.power_t)
            if not stop and est._no_improvement_count > est.n_iter_no_change:
                stop, state, hyper = self._no_longer_improving(state, hyper)
        if not stop and not self._incremental and est.n_iter_ == est.max_iter:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({est.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=6,
            )
        return EpochEnd(state, hyper, stop)

    def flush(self) -> None:
        """Read the losses of the epochs since the last reading, and keep the accounts that follow from them."""
        est, to_numpy = self._est, self._problem.placement.backend.to_numpy
        for value in self._pending:
            est.loss_ = float(to_numpy(value)[0, 0])
            est.loss_curve_.append(est.loss_)
            if not self._scored:
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
        if self._scored:
            value = self._validation_score(state) if finite else float("nan")
            est.validation_scores_.append(value)
            if est.verbose:
                print(f"Validation score: {value:f}")
            improves = not value < est.best_validation_score_ + est.tol
            est._no_improvement_count = 0 if improves else est._no_improvement_count + 1
            if value > est.best_validation_score_:
                est.best_validation_score_ = value
                self.best_point = array_namespace(state.point).asarray(state.point, copy=True)
        return not finite

    def _validation_score(self, state: State) -> float:
        """Accuracy or R2 on the validation rows; NaN where an output is not finite."""
        problem, network = self._problem, self._network
        backend = problem.placement.backend
        if problem.validation is None:
            raise AssertionError("a scored rule is made with validation rows")
        loss, metric = score(network, backend, network.unpack(state.point), problem.validation)
        finite = np.isfinite(float(backend.to_numpy(loss)[0, 0]))
        return float(backend.to_numpy(metric)[0, 0]) if finite else float("nan")

    def _no_longer_improving(self, state: State, hyper: Hyper) -> tuple[bool, State, Hyper]:
        est = self._est
        what = "Validation score" if self._scored else "Training loss"
        message = f"{what} did not improve more than tol={est.tol:f} for {est.n_iter_no_change} consecutive epochs."
        adaptive = self.rate is not None and est.learning_rate == "adaptive"
        if not adaptive or self.rate is None or self.rate <= 1e-6:
            if est.verbose:
                print(message + (" Learning rate too small. Stopping." if adaptive else " Stopping."))
            return True, state, hyper
        state, hyper = self._set_rate(state, hyper, self.rate / 5.0)
        if est.verbose:
            print(f"{message} Setting learning rate to {self.rate:f}")
        est._no_improvement_count = 0
        return False, state, hyper

    def _set_rate(self, state: State, hyper: Hyper, rate: float) -> tuple[State, Hyper]:
        """A new rate for later gradients only: past steps stay in the momentum with the rate they were made at."""
        ratio = float(self.rate or rate) / rate
        self.rate = rate
        slots = tuple(slot * ratio for slot in state.slots)
        return state._replace(slots=slots), hyper._replace(
            learning_rate=self._problem.placement.put(np.full((1, 1), rate))
        )
