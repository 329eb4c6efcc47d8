"""`fit`: train one network, or a stack of them, and keep a history."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from regnet.arrays.types import Tree
from regnet.display.progress import progress_bar
from regnet.mathematics.optimizers import Adam, Optimizer
from regnet.mathematics.penalties import Penalty
from regnet.networks.model import Model
from regnet.networks.network import Network
from regnet.training.assembly import prepare
from regnet.training.checkpoint import Checkpoint
from regnet.training.divergence import report_divergence
from regnet.training.early_stopping import EarlyStopping
from regnet.training.history import History
from regnet.training.interruption import finish_steps
from regnet.training.samplers import RandomSampler
from regnet.training.sheet import computed_by, sheet_of
from regnet.training.trainer import Callback, Trainer

__all__ = ["FitResult", "fit"]


@final
@dataclass(frozen=True)
class FitResult:
    """What `fit` returns.

    Parameters
    ----------
    model : Model
        The trained network (the best parameters under early stopping).
    history : History
        One record every `log_every` epochs.
    epochs : int
        How many were run.
    best_epoch : int or None
        Of the restored parameters under early stopping; an array (K,) for a stack.
    diverged_at : int or None
        The step at which the loss stopped being finite, or the last one if the loss had exploded by then: the network
        has the last good parameters that it is known to have had; an array (K,) for a stack, -1 where a network did
        not diverge.
    seconds : float
        Wall time of training.
    """

    model: Model
    history: History
    epochs: int
    best_epoch: Any
    diverged_at: Any
    seconds: float

    def __repr__(self) -> str:
        """The network, how long it was trained, and what became of it."""
        told = [f"{self.epochs} epochs in {self.seconds:.3g} s", repr(self.history)]
        if isinstance(self.best_epoch, int):
            told.append(f"best in epoch {self.best_epoch}")
        if isinstance(self.diverged_at, int):
            told.append(f"diverged at step {self.diverged_at}")
        return f"FitResult({self.model!r}; {'; '.join(told)})"


def fit(
    network: Network,
    x: Any,
    y: Any,
    *,
    optimizer: Optimizer | None = None,
    penalties: Penalty | Sequence[Penalty | None] | None = None,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    sample_weight: Any = None,
    validation_data: tuple[Any, ...] | None = None,
    early_stopping: EarlyStopping | None = None,
    params: Tree | None = None,
    seed: int | Sequence[int] = 0,
    log_every: int | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> FitResult:
    """Minimise the mean data loss plus the penalty of every layer.

    A stack of K networks is trained at once if any of these has K entries: seed, the optimizer's learning rate,
    a strength in penalties, or a leading axis of x, y and sample_weight. Parameters, scores and histories then have
    a leading axis K, and on NumPy each network has the bits that it would have alone.

    Parameters
    ----------
    network : Network
        Layers and loss.
    x : array-like
        The rows, (n, in). Arrays of PyTorch, JAX or CuPy are computed on where they are; NumPy arrays, lists and frames
        go where REGNET_BACKEND, REGNET_DEVICE (or `config_context`) say, in their own dtype if it is float32 or
        float64, else in REGNET_DTYPE (default float32, but float64 for integers beyond 2^24, which float32 would
        round).
    y : array-like
        What the network's loss takes (class numbers, 0/1, counts, values), (n,) or (n, out).
    optimizer : Optimizer, optional
        It holds the learning rate; default Adam().
    penalties : Penalty or sequence of Penalty or None, optional
        One for every Dense layer, or a sequence with one (or None) per Dense layer.
    epochs : int, default 100
        How often training goes through the rows.
    batch_size : int, optional
        Rows of a step; None: all of them.
    shuffle : bool, default True
        Whether every epoch's batches are drawn anew.
    sample_weight : array-like, optional
        Weights of the rows, (n,), 0 or more; a weight of 2 counts a row twice.
    validation_data : tuple, optional
        The rows (x, y) or (x, y, sample_weight), measured at every record.
    early_stopping : EarlyStopping, optional
        When to stop before the last epoch; the best parameters are restored.
    params : tuple, optional
        Parameters to start from (as `model.params`), instead of drawing them.
    seed : int or sequence of int, default 0
        Draws first weights, batches and dropout.
    log_every : int, optional
        Epochs between records, when values are read from the device; default 1, or a hundredth of the epochs if every
        step takes all rows.
    callbacks : sequence of callable, optional
        Each is called as `callback(record, model)` after every record; returning True (and nothing else) ends the
        training.
    progress : bool, default True
        Whether to show a bar, in a terminal or a notebook.
    checkpoint : str or path, optional
        A file in which the training is kept while it runs, and from which it goes on if the file exists, with the bits
        that it would have without a stop. More epochs may be asked for than it was begun with; anything else must be
        the same. Ctrl-C and SIGTERM then end the training once it is written.
    checkpoint_every : int, optional
        Epochs between two writings; None: every 30 seconds, and after every portion of steps that takes longer than a
        second, as far as writing takes no more than 2 % of the time. The last of `epochs` is written always.

    Returns
    -------
    FitResult
        The trained network, its history, and how training ended.

    Raises
    ------
    ValueError, TypeError
        For an argument that cannot be, naming it.
    BackendError
        Where the backend cannot be used.
    CheckpointError
        For a checkpoint that is damaged, or of another version of regnet (ValueError: of another training).
    CheckpointWriteError
        If the last checkpoint could not be written; its `result` is what would have been returned.
    Interrupted
        If a signal that is caught (see `catch_signals`) ended the training.

    Warns
    -----
    CheckpointWarning
        If a checkpoint could not be written: the file stays as it was, and the training goes on.
    DivergenceWarning
        If a loss became infinite or NaN, or ended more than ten times as large as that of outputs that are all 0 and
        more than twice as large as at the start. The last good parameters are given back.
    ConvergenceWarning
        scikit-learn's, if a loss ended more than ten times as large as that of outputs that are all 0, where it did
        not begin lower: a network that has learnt nothing.
    """
    optimizer = Adam() if optimizer is None else optimizer
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("log_every", log_every)):
        if value is not None and (int(value) != value or value < 1):
            raise ValueError(f"{name}={value!r} must be a whole number of 1 or more.")
    _check_objects(optimizer, penalties, early_stopping)
    if log_every is None:
        log_every = 1 if batch_size is not None else max(1, epochs // 100)
    problem = prepare(
        network,
        x,
        y,
        optimizer=optimizer,
        penalties=penalties,
        batch_size=batch_size,
        sample_weight=sample_weight,
        validation_data=validation_data,
        params=params,
        seed=seed,
    )
    started, backend = time.perf_counter(), problem.placement.backend
    file, kept = None if checkpoint is None else Checkpoint(checkpoint, checkpoint_every), None
    if file is not None:
        settings = {
            "seed": np.asarray(seed).tolist(), "shuffle": bool(shuffle), "log_every": log_every,
            "early_stopping": early_stopping,
        }  # fmt: skip
        kept = file.open(sheet_of(problem, network, optimizer, settings), computed_by(backend))
    trainer = Trainer(
        problem, network, optimizer, log_every=log_every, early_stopping=early_stopping, callbacks=callbacks,
        file=file, kept=kept,
    )  # fmt: skip
    with (
        backend.session(problem.placement.device),
        progress_bar(epochs, "epochs", enabled=progress) as bar,
        finish_steps(*(() if file is None else (signal.SIGINT, signal.SIGTERM))),
    ):
        done = trainer.run(RandomSampler(problem, shuffle), epochs, bar)
        verdict = trainer.finish()
    report_divergence(verdict, optimizer, network.loss_object, stack=problem.networks is not None)
    diverged_at = verdict.diverged_at
    best = trainer.best
    point = trainer.state.point if best is None else best.point
    best_epoch = None if best is None else best.epoch if problem.networks else int(best.epoch[0])
    model = Model(network, network.unpack(point), problem.placement)
    if problem.networks is None:
        diverged_at = int(diverged_at[0]) if diverged_at[0] >= 0 else None
    result = FitResult(model, trainer.history, done, best_epoch, diverged_at, time.perf_counter() - started)
    if file is not None:
        file.check_written(result)
    return result


def _check_objects(optimizer: Any, penalties: Any, early_stopping: Any) -> None:
    if not hasattr(optimizer, "descend"):
        raise TypeError(f"optimizer={optimizer!r}: give an optimizer, such as Adam(0.001).")
    one = penalties is None or isinstance(penalties, Penalty)
    if not one and (isinstance(penalties, (dict, str)) or not isinstance(penalties, Sequence)):
        raise TypeError(f"penalties={penalties!r}: give a Penalty, such as Penalty(weight_l1=0.001), or one per layer.")
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        raise TypeError(
            f"early_stopping={early_stopping!r}: give an EarlyStopping, such as EarlyStopping(patience=10)."
        )
