"""A command-line run: a table and a recipe in, lines while it trains, a trained estimator out."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from sklearn.exceptions import ConvergenceWarning

from regnet.commands.recipe import Recipe
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.networks import checkpoint
from regnet.networks.model import Model, in_own_units
from regnet.tables.split import Prepared, prepare_table
from regnet.tables.table import Table
from regnet.training.history import History, Record

__all__ = ["Run", "save_run", "train"]


@final
@dataclass(frozen=True)
class Run:
    """A finished run. data: its name or file; test: scores on the held-out rows, or None; seconds: of training."""

    data: str
    table: Table
    prepared: Prepared
    estimator: MLPClassifier | MLPRegressor
    seed: int
    seconds: float
    test: dict[str, Any] | None

    @property
    def model(self) -> Model:
        """The trained network."""
        return self.estimator.model_

    @property
    def history(self) -> History:
        """The records of the training."""
        history: History = self.estimator.history_
        return history


def train(data: str, table: Table, recipe: Recipe, *, seed: int, **settings: Any) -> Run:
    """Split the table, train the recipe, and print what happens; settings: further ones of the estimator."""
    prepared = prepare_table(
        table,
        test_size=recipe.test_size,
        seed=seed,
        scale_inputs=recipe.standardize,
        scale_target=recipe.standardize,
        shuffled=data == "spiral",
    )
    held_out = (prepared.x_test, prepared.y_test) if len(prepared.x_test) else None
    rows, classes = len(prepared.x_train), len(prepared.classes or ())
    estimator = recipe.estimator(table.task, rows, random_state=seed, **settings)
    widths = (prepared.x_train.shape[1], *recipe.hidden, classes if classes > 2 else 1)
    print(
        f"{data}: {table.task} of {table.target_name!r}, {rows} rows to train and {len(prepared.x_test)} held out, "
        f"network {'-'.join(str(width) for width in widths)}"
    )
    if recipe.standardize:  # as they are, constants may be biases
        print(prepared.left_out, end="")
    metric = "accuracy" if classes else "r2"
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs was asked for
        estimator.fit(
            prepared.x_train,
            prepared.y_train,
            validation_data=held_out,
            callbacks=[lambda record, model: print(_record_line(record, metric))],
            log_every=recipe.log_every,
        )
    seconds = time.perf_counter() - started
    test = None if held_out is None else estimator.model_.evaluate(*held_out)
    run = Run(data, table, prepared, estimator, seed, seconds, test)
    _print_summary(run, metric)
    return run


def _record_line(record: Record, metric: str) -> str:
    """One line of the figures that the origin printed, in 80 columns (a running bar wraps at the terminal's edge)."""
    return (
        f"epoch {record.epoch}: {metric} {record.metric:.4f}, loss {record.loss:.4f} = data {record.data_loss:.4f} "
        f"+ penalty {record.penalty_loss:.4f}, lr {record.learning_rate:.4g}"
    )


def _print_summary(run: Run, metric: str) -> None:
    estimator, placement = run.estimator, run.model.placement
    if run.test is not None:
        print(f"held out: {metric} {run.test[metric]:.4f}  data loss {run.test['loss']:.4f}")
    zeros = ", ".join(f"layer {layer}: {share:.1%}" for layer, share in run.history[-1].zeros.items())
    print(f"weights at exactly zero: {zeros}")
    if estimator.input_l1:
        used = [name for name, used in zip(run.table.feature_names, estimator.selected_features_, strict=True) if used]
        print(f"inputs used: {len(used)} of {len(run.table.feature_names)} ({', '.join(used)})")
    print(
        f"{estimator.n_iter_} epochs in {run.seconds:.1f} s on {placement.backend.name} {placement.device} "
        f"{placement.dtype}"
    )


def save_run(path: Path, run: Run) -> None:
    """The network in the table's own units, with what `regnet predict` needs: names and classes."""
    extra = {
        "feature_names": list(run.table.feature_names),
        "target_name": run.table.target_name,
        "classes": run.prepared.classes,
    }
    checkpoint.save(path, in_own_units(run.model, run.prepared.affine), **extra)
