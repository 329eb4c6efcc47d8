"""The loop over epochs that every training goes through: steps, records, callbacks, early stopping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, final

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.display.callbacks import asks_to_stop
from regnet.display.progress import Bar, Pace
from regnet.mathematics.optimizers import Optimizer
from regnet.networks.model import Model
from regnet.networks.network import Network
from regnet.networks.strengths import over_batches
from regnet.training.assembly import Problem
from regnet.training.checkpoint import Checkpoint
from regnet.training.early_stopping import Best, EarlyStopping
from regnet.training.evaluation import Evaluator
from regnet.training.history import History, Record
from regnet.training.interruption import Interrupted, finishing, requested
from regnet.training.judgement import FAR_WORSE, baseline_of, data_losses, exploded, idle_losses, largest
from regnet.training.recovery import Memory
from regnet.training.samplers import Sampler
from regnet.training.snapshot import array_of, records_of, state_of, told_mark, told_records, told_state
from regnet.training.step import Hyper, State, make_run

__all__ = ["Callback", "EpochEnd", "EpochRule", "Trainer", "Verdict"]

Callback: TypeAlias = Callable[[Record, Model], bool | None]
"""`callback(record, model)`, called after every record; returning True (and nothing else) ends the training."""


class EpochEnd(NamedTuple):
    """What an epoch rule decides: the state and hyperparameters to go on with, and whether to stop."""

    state: State
    hyper: Hyper
    stop: bool


class EpochRule(Protocol):
    """What decides after every epoch."""

    def __call__(self, epoch: int, state: State, hyper: Hyper, /) -> EpochEnd:
        """Decide after epoch number `epoch` (1: the first)."""

    def mark(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""

    def go_back(self, mark: dict[str, Any], /) -> None:
        """Be what it was."""


class Verdict(NamedTuple):
    """What became of each network, (K,) each.

    diverged_at: step at which it was found to have diverged, or -1; infinite: whether a loss that is not finite said
    so; exploded: whether a loss at the end did, far worse than before; unfinished: whether it has not diverged, and yet
    is far worse than outputs that are all 0; start, idle, ended, kept: data losses at the start, of outputs that are
    all 0, where training ended, and of the point that is left. steps: of an epoch; largest: absolute values of inputs
    and targets, where something is to be told.
    """

    diverged_at: Any
    infinite: Any
    exploded: Any
    unfinished: Any
    start: Any
    idle: Any
    ended: Any
    kept: Any
    steps: int
    largest: tuple[float, float] | None

    @property
    def finite(self) -> Any:
        """Whether the loss of the point that is left is, (K,)."""
        return np.isfinite(self.kept)


@final
class Trainer:
    """Runs epochs and keeps the history.

    log_every: epochs between records, None for no records (then there are no callbacks and no early stopping);
    rule: asked after every epoch; baseline: data losses, (K,), that a training which works does not end far above, see
    `baseline_of`; None: as they are at the start; file: of the checkpoint, opened, and kept: what it held, None where
    nothing has been written.
    history, best: what was recorded; state: where training stands.
    """

    def __init__(
        self,
        problem: Problem,
        network: Network,
        optimizer: Optimizer,
        *,
        log_every: int | None,
        early_stopping: EarlyStopping | None = None,
        callbacks: Sequence[Callback] = (),
        rule: EpochRule | None = None,
        baseline: Any = None,
        file: Checkpoint | None = None,
        kept: dict[str, Any] | None = None,
    ) -> None:
        """Nothing runs yet."""
        backend = problem.placement.backend

        def losses(point: Any) -> Any:  # no method: what is in a circle keeps its table until garbage is collected
            return data_losses(network, problem.placement, point, problem.train)

        self._losses = losses
        self._memory = Memory(make_run(backend, network, optimizer), optimizer.init, losses, problem.placement)
        self.baseline, self._steps = baseline, 1
        self._start: Any = None
        self._idle: Any = None
        self._problem, self._network, self._log_every, self._rule = problem, network, log_every, rule
        self._evaluator = Evaluator(backend, network, optimizer.learning_rate, problem.train, problem.validation)
        self._callbacks, self._file, self._kept = callbacks, file, kept
        self._pace, self._data = Pace(), problem.data
        self._mark: dict[str, Any] | None = None
        self.best = None if early_stopping is None else Best(early_stopping, problem.placement)
        self.history = History(network.metric.name)
        self.state, self.hyper = problem.state, problem.hyper

    def run(self, sampler: Sampler, epochs: int, bar: Bar) -> int:
        """Train for `epochs` epochs, or until something stops it; returns the number of epochs run.

        Between portions of steps it writes its checkpoint, if there is one, and raises Interrupted if a signal asks
        for the end. A checkpoint goes on after the steps that it has, before anything was made of them.
        """
        self._sampler, self._epochs, self._steps = sampler, epochs, sampler.steps
        position, stop = 0, False
        self._set_baseline()
        if self._kept is None:
            stop = self._log_every is not None and self._record(0)
        else:
            position = self._go_back(self._kept)
            stop = self._end_of_epoch(position, bar)
        while position < epochs * sampler.steps and not stop:
            position += self._portion(position)
            self._keep(position)
            stop = self._end_of_epoch(position, bar)
        return position // sampler.steps

    def _portion(self, position: int) -> int:
        """Run about as many steps as a fifth of a second takes, within an epoch or up to what is due after it."""
        sampler, backend, every = self._sampler, self._problem.placement.backend, None
        if position % sampler.steps == 0:
            needed = self._file is not None and self._memory.opens(self.hyper, new=True)
            self._mark = sampler.mark() if needed else None  # which takes as long as a short epoch
            self._data = sampler.data()
        several = sampler.fixed and self._rule is None
        limit = sampler.steps - position % sampler.steps
        if several:
            every = self._file and self._file.every
            limit = min(one - position % one for one in (self._log_every or self._epochs, every) if one)
            limit = min(limit, self._epochs - position)
        steps = min(self._pace.next(), limit)
        self.state = self._memory.advance(self.state, self._data, self.hyper, steps, self._mark)
        at_once = several or steps < limit
        self._pace.wait(lambda: backend.synchronize(self.state.loss), at_once=at_once)
        return steps

    def _end_of_epoch(self, position: int, bar: Bar) -> bool:
        """What is made of an epoch whose steps are done; whether to stop."""
        epoch, within = divmod(position, self._sampler.steps)
        if within:
            return False
        stop = False
        if self._rule is not None:
            self.state, self.hyper, stop = self._rule(epoch, self.state, self.hyper)
        bar.update(epoch)
        if self._log_every is not None and (epoch % self._log_every == 0 or epoch == self._epochs or stop):
            stop = self._record(epoch) or stop
            bar.update(epoch, f"loss {np.mean(self.history[-1].loss):.4f}")
        return stop

    def _keep(self, position: int) -> None:
        file, steps, number = self._file, self._sampler.steps, requested()
        if file is not None:
            due = file.is_due() if file.every is None else position % (file.every * steps) == 0
            if due or number is not None or position == self._epochs * steps:
                with finishing():
                    file.write(self._snapshot(position), position / steps)
                number = requested()  # one that came meanwhile finds all that there is written
        if number is not None:
            raise Interrupted(number)

    def _snapshot(self, position: int) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "position": position,
            "state": told_state(self.state, self._problem.placement),
            "rate": self._problem.placement.backend.to_numpy(self.hyper.learning_rate),
            "sampler": told_mark(self._sampler.mark()),
            "memory": self._memory.mark(self.hyper),
            "history": told_records(self.history),
            "best": None if self.best is None else self.best.mark(),
        }
        return parts if self._rule is None else parts | {"rule": self._rule.mark()}

    def _go_back(self, kept: dict[str, Any]) -> int:
        """Be where a checkpoint is; returns how many steps it has."""
        file, placement, like, hyper = self._file, self._problem.placement, self.state, self.hyper
        if file is None:
            raise AssertionError("what was kept comes from a file")
        try:
            position, rate = int(kept["position"]), array_of(kept["rate"], hyper.learning_rate, placement)
            if position < 1:
                raise ValueError(f"its position is {position}")
            self.hyper = hyper._replace(learning_rate=rate)
            self._data = self._memory.go_back(kept["memory"], self._sampler, like, self.hyper)
            self._sampler.go_back(kept["sampler"])
            self.state = state_of(kept["state"], like, placement)
            self.history.records[:] = records_of(kept["history"])
            if self.best is not None:
                self.best.go_back(kept["best"], like.point)
            if self._rule is not None:
                self._rule.go_back(kept["rule"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            raise file.damaged(error) from error
        done = file.epochs = position / self._sampler.steps
        if done > self._epochs:
            raise ValueError(
                f"checkpoint={str(file.path)!r} is of a training that has run {done:g} epochs already, and "
                f"{self._epochs} are asked for: ask for as many or more, or give another file."
            )
        return position

    def finish(self, kept: Array | None = None) -> Verdict:
        """What became of each network. Call it once, after `run`: one that diverged is then at its last good point.

        kept: the point that is taken instead of where training stands, if a rule of the caller's chose one.
        """
        ended, before = self._losses(self.state.point), self.state
        kept = self.best.point if kept is None and self.best is not None else kept
        bad = ~np.isfinite(ended)
        over = np.zeros_like(bad) if kept is not None else exploded(ended, self.baseline)
        self.state = self._memory.settle(before, bad | over)
        losses = ended
        if kept is not None or self.state is not before:
            losses = self._losses(self.state.point if kept is None else kept)
        diverged_at: Any = self._memory.diverged_at
        noticed = np.asarray(self._problem.placement.backend.to_numpy(before.diverged_at)).reshape(-1) >= 0
        infinite = noticed | ~np.isfinite(ended)
        over = (over | exploded(losses, self.baseline)) & ~infinite
        far = losses > FAR_WORSE * (np.inf if self._idle is None else self._idle)
        told = infinite | over | far
        return Verdict(
            diverged_at, infinite, over, far & ~infinite & ~over, self._start, self._idle, ended, losses, self._steps,
            self._largest() if told.any() else None,
        )  # fmt: skip

    def _largest(self) -> tuple[float, float]:
        rows, placement = self._problem.train, self._problem.placement
        return largest(rows.x, placement), largest(rows.y, placement)

    def _set_baseline(self) -> None:
        if self.baseline is None:
            self._start = self._losses(self.state.point)
            self._idle = idle_losses(self._network, self._problem.placement, self._problem.train)
            self.baseline = baseline_of(self._start, self._idle)
        self._memory.limit = FAR_WORSE * self.baseline

    def _record(self, epoch: int) -> bool:
        record = self._measured(epoch)
        if not np.isfinite(record.data_loss).all():
            before = self.state
            self.state = self._memory.settle(before, ~np.isfinite(np.atleast_1d(record.data_loss)))
            record = record if self.state is before else self._measured(epoch)
        self.history.records.append(record)
        stop = self.best is not None and self.best.update(record, self.state.point)
        answers: list[bool] = []
        if self._callbacks:  # which may keep the model, while the next steps consume the state
            point = array_namespace(self.state.point).asarray(self.state.point, copy=True)
            model = Model(self._network, self._network.unpack(point), self._problem.placement)
            answers = [asks_to_stop(callback(record, model)) for callback in self._callbacks]
        diverged_at = self._memory.diverged_at
        everything_diverged = diverged_at is not None and bool((diverged_at >= 0).all())
        return stop or any(answers) or everything_diverged

    def _measured(self, epoch: int) -> Record:
        strengths = over_batches(self.hyper.strengths, self._problem.rows, self._problem.batch_rows)
        hyper = self.hyper._replace(strengths=strengths)
        return self._evaluator.record(epoch, self.state, hyper, self._problem.networks)
