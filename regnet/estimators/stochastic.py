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

__all__ = ["Resumable", "ShuffledSampler", "fit_stochastic"]


class Resumable(NamedTuple):
    """What `partial_fit` goes on from: the optimizer's slots, the steps taken, the current rate of 'sgd' or None."""

    slots: list[Array]
    t: int
    rate: float | None


def _batch_size(estimator: Any, n: int, /) -> int:
    """Rows of a batch: `batch_size`, clipped to n with scikit-learn's warning; 'auto' is min(200, n)."""
    if estimator.batch_size == "auto":
        return min(200, n)
    if estimator.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=4
        )
    return min(int(estimator.batch_size), n)


@final
class ShuffledSampler:
    """The batches of scikit-learn's MLP: one permutation is shuffled again and again by one RandomState.

    Where a batch holds all rows their order means nothing: all rows are taken as they lie.
    """

    def __init__(self, problem: Problem, batch_size: int, order: bool, random_state: np.random.RandomState) -> None:
        """order: whether to shuffle."""
        self._problem, self._shuffle, self._rng = problem, order, random_state
        self._order: NDArray[np.int64] = np.arange(problem.train.x.shape[-2])
        self._slices = list(gen_batches(len(self._order), batch_size))
        self._batch_size, self.steps = batch_size, len(self._slices)
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
        table = np.full((self.steps, self._batch_size), -1, dtype=np.int32)
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
    incremental: bool,
    callbacks: Sequence[Callback],
    log_every: int | None,
) -> tuple[Array, Resumable]:
    """Run `max_iter` epochs (one if incremental) or until a rule stops them; returns the point and how to go on.

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
    rule = StoppingRule(estimator, network, problem, scored=scored, incremental=incremental, rate=rate)
    recorded = log_every is not None or bool(callbacks) or by_records
    trainer = Trainer(
        problem,
        network,
        optimizer,
        log_every=(log_every or 1) if recorded else None,
        early_stopping=estimator.early_stopping if by_records else None,
        callbacks=callbacks,
        rule=rule,
    )
    batch_size = _batch_size(estimator, problem.train.x.shape[-2])
    sampler = ShuffledSampler(problem, batch_size, bool(estimator.shuffle), estimator._random_state)
    estimator.n_iter_ = 0
    epochs = 1 if incremental else int(estimator.max_iter)
    with (
        problem.placement.backend.session(problem.placement.device),
        progress_bar(epochs, "epochs", enabled=log_every is not None) as bar,
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
