"""Training by batches as scikit-learn's MLP does it: its batches, in its order, under its stopping rules."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.display.progress import Bar, progress_bar
from regnet.display.warning import warn
from regnet.estimators.fitted import Progress, Resumable
from regnet.estimators.full_batch import NOT_FINITE
from regnet.estimators.parameters import Parameters
from regnet.estimators.stopping import StoppingRule, first_rate
from regnet.mathematics.optimizers import Optimizer
from regnet.networks.network import Network
from regnet.training.assembly import Problem
from regnet.training.checkpoint import Checkpoint
from regnet.training.divergence import explain_divergence, report_divergence
from regnet.training.early_stopping import EarlyStopping
from regnet.training.interruption import Interrupted, finish_steps, stop_if_requested
from regnet.training.samplers import ShuffledSampler
from regnet.training.sheet import computed_by, digest, sheet_of
from regnet.training.snapshot import random_state_of
from regnet.training.trainer import Callback, Trainer

__all__ = ["Call", "fit_stochastic"]

UNDECISIVE = ("max_iter", "max_fun", "random_state", "verbose", "warm_start")
"""Parameters that change no number of an epoch; what random_state draws is compared itself."""


class Call(NamedTuple):
    """What one call of `fit` or `partial_fit` asks for: one epoch more (incremental), callbacks and records.

    held_out: whether it was given validation rows, which are recorded; offset, exposure: see `log_exposure`;
    checkpoint: a file's name or None, and epochs between its writings, None: by time.
    """

    incremental: bool = False
    callbacks: Sequence[Callback] = ()
    log_every: int | None = None
    held_out: bool = False
    offset: Any = None
    exposure: Any = None
    checkpoint: Any = None
    checkpoint_every: int | None = None

    @property
    def exposed(self) -> bool:
        """Whether rows have exposures."""
        return self.offset is not None or self.exposure is not None


def fit_stochastic(
    estimator: Parameters,
    network: Network,
    problem: Problem,
    optimizer: Optimizer,
    score: Callable[[Array], float] | None,
    progress: Progress,
    /,
    *,
    resume: Resumable | None,
    rng: np.random.RandomState,
    call: Call,
) -> tuple[Array, Resumable, Checkpoint | None]:
    """Run `max_iter` epochs (one if call.incremental) or until a rule stops them; returns the point, how to go on, and
    the checkpoint's file.

    score: of a point on the validation rows, if that decides; progress: is kept up to date; rng: shuffles the rows.
    Raises ValueError in scikit-learn's words if the weights or the loss are no longer finite, unless early stopping has
    better ones; warns DivergenceWarning of that, and of a loss that has exploded, whose last good point it returns, and
    ConvergenceWarning of one that is far worse than that of outputs that are 0.
    """
    put, to_numpy = problem.placement.put, problem.placement.backend.to_numpy
    rate = first_rate(estimator) if resume is None else resume.rate
    state, hyper = problem.state._replace(running_loss=put(np.zeros((1, 1)))), problem.hyper
    if resume is not None:
        # Copies: a step consumes them, and a copy of the estimator goes on from the same ones.
        slots = tuple(array_namespace(slot).asarray(slot, copy=True) for slot in map(put, resume.slots))
        state = state._replace(slots=slots, t=put(np.asarray(resume.t), "int32"))
        hyper = hyper if rate is None else hyper._replace(learning_rate=put(np.full((1, 1), rate.value)))
    problem = problem._replace(state=state, hyper=hyper)
    by_records = isinstance(estimator.early_stopping, EarlyStopping)
    recorded = call.log_every is not None or bool(call.callbacks) or by_records or call.held_out
    rule = StoppingRule(estimator, progress, problem, score, rate, incremental=call.incremental, by_records=by_records)
    steps_before = 0 if resume is None else resume.t
    sampler = ShuffledSampler(problem, steps_before, bool(estimator.shuffle), rng)
    log_every = (call.log_every or 1) if recorded else None
    file, kept = _open(estimator, problem, network, optimizer, sampler, log_every, call)
    trainer = Trainer(
        problem,
        network,
        optimizer,
        log_every=log_every,
        early_stopping=estimator.early_stopping if by_records else None,
        callbacks=call.callbacks,
        rule=rule,
        baseline=None if resume is None or resume.baseline is None else np.asarray([resume.baseline]),
        file=file,
        kept=kept,
    )
    progress.history = trainer.history if recorded else None
    epochs = 1 if call.incremental else int(estimator.max_iter)
    with (
        problem.placement.backend.session(problem.placement.device),
        progress_bar(epochs, "epochs", enabled=call.log_every is not None) as bar,
    ):
        _run(trainer, sampler, epochs, bar, file)
        rule.flush()
        verdict = trainer.finish(rule.best_point)
    state = trainer.state
    point = rule.best_point if trainer.best is None else trainer.best.point
    lost = point is None and bool(verdict.infinite[0])
    point = state.point if point is None else point
    if lost or not verdict.finite[0] or not _all_finite(point):
        error = ValueError(NOT_FINITE)  # scikit-learn's words, and ours below them
        error.add_note(" ".join(explain_divergence(verdict, optimizer, network.loss_object)))
        raise error
    report_divergence(verdict, optimizer, network.loss_object, stack=False, incremental=call.incremental, warn=warn)
    resumable = Resumable(optimizer, list(state.slots), int(to_numpy(state.t)), rule.rate, float(trainer.baseline[0]))
    return point, resumable, file


def _open(
    estimator: Any, problem: Problem, network: Network, optimizer: Optimizer, sampler: ShuffledSampler,
    log_every: int | None, call: Call,
) -> tuple[Checkpoint | None, dict[str, Any] | None]:  # fmt: skip
    """The file of the checkpoint, if one is asked for, and what it held."""
    if call.checkpoint is None:
        return None, None
    file = Checkpoint(call.checkpoint, call.checkpoint_every)
    told = {name: value for name, value in estimator.get_params(deep=False).items() if name not in UNDECISIVE}
    mark = random_state_of(sampler.mark()["generator"])
    settings = told | {"random_state": digest(np.frombuffer(mark.encode(), dtype=np.uint8)), "log_every": log_every}
    sheet = sheet_of(problem, network, optimizer, settings)
    return file, file.open(sheet, computed_by(problem.placement.backend))


def _run(trainer: Trainer, sampler: ShuffledSampler, epochs: int, bar: Bar, file: Checkpoint | None) -> None:
    """Train; Ctrl-C ends it after a step, with what has been learnt, or with a checkpoint in Interrupted."""
    if file is not None:
        with finish_steps(signal.SIGINT, signal.SIGTERM):
            trainer.run(sampler, epochs, bar)
        return
    own: tuple[int, ...] = ()
    try:
        with finish_steps(signal.SIGINT) as own:
            trainer.run(sampler, epochs, bar)
            stop_if_requested()
    except Interrupted as stop:
        if stop.number not in own or stop.at_once:
            raise
        warn("Training interrupted by user.")
    except KeyboardInterrupt:  # a callback's own
        warn("Training interrupted by user.")


def _all_finite(point: Array) -> bool:
    xp = array_namespace(point)
    return bool(xp.all(xp.isfinite(point)))
