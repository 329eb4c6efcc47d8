"""Training by batches as scikit-learn's MLP does it: its batches, in its order, under its stopping rules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from regnet.estimators.stopping import StoppingRule, stops_by_score
from regnet.namespace import array_namespace
from regnet.network import Network
from regnet.optimizers import Optimizer
from regnet.problem import Problem
from regnet.progress import progress_bar
from regnet.schedules import as_schedule
from regnet.step import Data, batches_of
from regnet.trainer import Callback, Trainer
from regnet.types import Array

__all__ = ["Call", "Resumable", "ShuffledSampler", "fit_stochastic"]


class Call(NamedTuple):
    """What one call of `fit` or `partial_fit` asks for: one epoch more (incremental), callbacks and records."""

    incremental: bool = False
    callbacks: Sequence[Callback] = ()
    log_every: int | None = None


class Resumable(NamedTuple):
    """What `partial_fit` goes on from: the optimizer's slots, the steps taken, the current rate of 'sgd' or None."""

    slots: list[Array]
    t: int
    rate: float | None


@final
class ShuffledSampler:
    """The batches of scikit-learn's MLP: one permutation is shuffled again and again by one RandomState.

    Where a batch holds all rows their order means nothing: all rows are taken as they lie.
    """

    def __init__(self, problem: Problem, order: bool, random_state: np.random.RandomState) -> None:
        """order: whether to shuffle."""
        self._problem, self._shuffle, self._rng = problem, order, random_state
        self._order: NDArray[np.int64] = np.arange(problem.train.x.shape[-2])
        self._slices = list(gen_batches(len(self._order), problem.batch_rows))
        self.steps = len(self._slices)
        self.fixed = self.steps == 1
        self._batches_of = problem.placement.backend.compile(batches_of)

    def data(self) -> Data:
        """See Sampler. Shuffles even where the order means nothing, so that later draws are scikit-learn's."""
        if self._shuffle:
            shuffled = np.arange(len(self._order))
            self._rng.shuffle(shuffled)
            self._order = self._order[shuffled]
        if self.fixed:
            return self._problem.data
        table = np.full((self.steps, self._problem.batch_rows), -1, dtype=np.int32)
        for row, part in zip(table, self._slices, strict=True):
            row[: part.stop - part.start] = self._order[part]
        data = self._problem.data
        return data._replace(batches=self._batches_of(data.weight, self._problem.placement.put(table, "int32")))


def fit_stochastic(
    estimator: Any,
    network: Network,
    problem: Problem,
    optimizer: Optimizer,
    /,
    *,
    resume: Resumable | None,
    call: Call,
) -> tuple[Array, Resumable]:
    """Run `max_iter` epochs (one if call.incremental) or until a rule stops them; returns the point and how to go on.

    Sets `loss_curve_`, `loss_`, `n_iter_`, `t_` and what belongs to early stopping; `history_` if records are wanted.
    Raises ValueError in scikit-learn's words if the weights or the loss are no longer finite.
    """
    put, to_numpy = problem.placement.put, problem.placement.backend.to_numpy
    rate = float(as_schedule(optimizer.learning_rate).initial) if estimator.solver == "sgd" else None
    state, hyper = problem.state._replace(running_loss=put(np.zeros((1, 1)))), problem.hyper
    if resume is not None:
        rate = resume.rate
        slots = tuple(put(slot) for slot in resume.slots)
        state = state._replace(slots=slots, t=put(np.asarray(resume.t), "int32"))
        hyper = hyper if rate is None else hyper._replace(learning_rate=put(np.full((1, 1), rate)))
    problem = problem._replace(state=state, hyper=hyper)
    scored = stops_by_score(estimator)
    by_records = bool(estimator.early_stopping) and not scored
    rule = StoppingRule(estimator, network, problem, scored=scored, incremental=call.incremental, rate=rate)
    recorded = call.log_every is not None or bool(call.callbacks) or by_records
    trainer = Trainer(
        problem,
        network,
        optimizer,
        log_every=(call.log_every or 1) if recorded else None,
        early_stopping=estimator.early_stopping if by_records else None,
        callbacks=call.callbacks,
        rule=rule,
    )
    sampler = ShuffledSampler(problem, bool(estimator.shuffle), estimator._random_state)
    estimator.n_iter_ = 0
    epochs = 1 if call.incremental else int(estimator.max_iter)
    with (
        problem.placement.backend.session(problem.placement.device),
        progress_bar(epochs, "epochs", enabled=call.log_every is not None) as bar,
    ):
        try:
            trainer.run(sampler, epochs, bar)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        rule.flush()
    state = trainer.state
    point = rule.best_point if trainer.best is None else trainer.best.point
    if point is None:
        point = state.point
        if to_numpy(state.diverged_at)[0, 0] >= 0 or not _all_finite(point):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
    if recorded:
        estimator.history_ = trainer.history
    return point, Resumable(list(state.slots), int(to_numpy(state.t)), rule.rate)


def _all_finite(point: Array) -> bool:
    xp = array_namespace(point)
    return bool(xp.all(xp.isfinite(point)))
