"""A command-line run: a table and a recipe in, a trained estimator out; who listens is told how it goes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from sklearn.exceptions import ConvergenceWarning

from regnet.commands.inputs import Inputs
from regnet.commands.recipe import Recipe
from regnet.commands.signals import deferred
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.networks.model import Model
from regnet.tables.split import Prepared
from regnet.tables.table import Table
from regnet.training.checkpoint import CheckpointWriteError
from regnet.training.history import History, Record

__all__ = ["Listener", "Run", "train"]


@final
@dataclass(frozen=True)
class Run:
    """A finished run. data: its name or file; test: scores on the held-out rows, or None; seconds: of training.

    unwritten: that the last checkpoint could not be written.
    """

    data: str
    inputs: Inputs
    prepared: Prepared
    estimator: MLPClassifier | MLPRegressor
    seed: int
    seconds: float
    test: dict[str, Any] | None
    unwritten: CheckpointWriteError | None = None

    @property
    def table(self) -> Table:
        """The table, with the inputs that were not left out."""
        return self.inputs.table

    @property
    def model(self) -> Model:
        """The trained network."""
        return self.estimator.model_

    @property
    def history(self) -> History:
        """The records of the training."""
        history: History = self.estimator.history_
        return history


class Listener(Protocol):
    """What is told of a run while it goes on."""

    def begin(self, prepared: Prepared, /) -> None:
        """Rows are split, and the training begins."""

    def record(self, record: Record, model: Model, /) -> None:
        """A record of the training; see `Callback`."""


def train(
    data: str,
    inputs: Inputs,
    prepared: Prepared,
    recipe: Recipe,
    *,
    seed: int,
    listeners: Sequence[Listener] = (),
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    **settings: Any,
) -> Run:
    """Train the recipe on a prepared table; settings: further ones of the estimator."""
    unwritten = None
    weight_test = () if prepared.weight_test is None else (prepared.weight_test,)
    held_out = (prepared.x_test, prepared.y_test, *weight_test) if len(prepared.x_test) else None
    settings |= {"input_groups": inputs.labels, "penalty_factor": inputs.factors}
    estimator = recipe.estimator(inputs.table.task, len(prepared.x_train), random_state=seed, **settings)
    for listener in listeners:
        listener.begin(prepared)
    started = time.perf_counter()
    with warnings.catch_warnings(), deferred(checkpoint=checkpoint is not None):
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs was asked for
        try:
            estimator.fit(
                prepared.x_train,
                prepared.y_train,
                prepared.weight_train,
                validation_data=held_out,
                callbacks=[listener.record for listener in listeners],
                log_every=recipe.log_every,
                checkpoint=checkpoint,
                checkpoint_every=checkpoint_every,
            )
        except CheckpointWriteError as error:  # the estimator is fitted all the same
            unwritten = error
    seconds = time.perf_counter() - started
    test = None if held_out is None else estimator.model_.evaluate(*held_out)
    return Run(data, inputs, prepared, estimator, seed, seconds, test, unwritten)
