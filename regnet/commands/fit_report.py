"""What the command line reports of a run: lines while it trains and after it, its figures, its picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from regnet.commands.constants import Constant, constant_of
from regnet.commands.fit_run import Run
from regnet.commands.recipe import Recipe
from regnet.commands.saving import save_model
from regnet.commands.terminal import say
from regnet.display.plots import Regions, training_figure
from regnet.estimators.parameters import make_penalties
from regnet.networks.model import Model, in_own_units
from regnet.tables.split import Prepared
from regnet.tables.table import Table
from regnet.training.evasion import Evasion, evasion_of
from regnet.training.history import Record

__all__ = ["Lines", "constant_of_run", "curves_figure", "evaded", "json_figures", "print_summary", "save_run"]

PENALTIES = ("weight_l1", "weight_l2", "bias_l1", "bias_l2", "input_l1", "neuron_l1")
"""Strengths that a saved model names."""


@final
@dataclass(frozen=True)
class Lines:
    """Prints a run while it goes on."""

    data: str
    table: Table
    recipe: Recipe

    def begin(self, prepared: Prepared, /) -> None:
        """What is trained on what, and the inputs that are left out."""
        table, rows, classes = self.table, len(prepared.x_train), len(prepared.classes or ())
        widths = (prepared.x_train.shape[1], *self.recipe.hidden, classes if classes > 2 else 1)
        say(
            f"{self.data}: {table.task} of {table.target_name!r}, {rows} rows to train and {len(prepared.x_test)} held "
            f"out, network {'-'.join(str(width) for width in widths)}"
        )
        if self.recipe.standardize:  # as they are, constants may be biases
            say(prepared.left_out, end="")

    def record(self, record: Record, model: Model, /) -> None:
        """A line of the figures that the origin printed, in 80 columns (a running bar wraps at the terminal's edge)."""
        say(
            f"epoch {record.epoch}: {model.network.metric.name} {record.metric:.4f}, loss {record.loss:.4f} = data "
            f"{record.data_loss:.4f} + penalty {record.penalty_loss:.4f}, lr {record.learning_rate:.4g}"
        )


def print_summary(run: Run) -> None:
    """The held-out result, what is zero, and how long it took."""
    estimator, placement, metric = run.estimator, run.model.placement, run.history.metric_name
    if run.test is not None:
        say(f"held out: {metric} {run.test[metric]:.4f}  data loss {run.test['loss']:.4f}")
        if (same := constant_of_run(run)) is not None:
            say(f"always {same.label!r}: accuracy {same.accuracy:.4f}; the classes' shares: loss {same.log_loss:.4f}")
    zeros = ", ".join(f"layer {layer}: {share:.1%}" for layer, share in run.history[-1].zeros.items())
    say(f"weights at exactly zero: {zeros}")
    if estimator.input_l1:
        used = run.inputs.used(estimator.selected_features_.tolist())
        say(f"inputs used: {len(used)} of {len(run.inputs.names)} ({', '.join(used)})")
    if not any(np.any(getattr(estimator, name) or 0.0) for name in PENALTIES):
        say("no penalty: --weight-l1, --weight-l2, --input-l1 and others add one; regnet select says how strong")
    if (told := evaded(run)) is not None:
        say(told)
    say(
        f"{estimator.n_iter_} epochs in {run.seconds:.1f} s on {placement.backend.name} {placement.device} "
        f"{placement.dtype}"
    )


def constant_of_run(run: Run) -> Constant | None:
    """What no network at all has on the held-out rows, of classes."""
    own = run.prepared
    if own.classes is None or run.test is None:
        return None
    return constant_of(own.classes, own.y_train, own.weight_train, own.y_test, own.weight_test)


def _evasion(run: Run) -> Evasion | None:
    """Whether the penalty was evaded; factors and groups of inputs do not matter for that."""
    return evasion_of(run.model.network, make_penalties(run.estimator, None, None), run.history)


def evaded(run: Run) -> str | None:
    """A line that says that the penalty was evaded, with the option that penalises what is free; None if it was not."""
    if (evasion := _evasion(run)) is None:
        return None
    (then, now), (before, after) = evasion.penalised, evasion.free
    return (
        f"the penalty is evaded: since epoch {evasion.epoch} sum W^2 of {_layers(evasion.exits.penalised)} fell from "
        f"{then:.4g} to {now:.4g} while that of {_layers(evasion.exits.free)}, without a penalty, grew from "
        f"{before:.4g} to {after:.4g}, and what one takes off the other puts back: {_remedy(evasion, run)}"
    )


def _remedy(evasion: Evasion, run: Run) -> str:
    """The kind of penalty that there is, on all layers; beside groups, which other layers do not have, an L2."""
    estimator = run.estimator
    for name in ("weight_l2", "weight_l1"):
        strength = max(getattr(estimator, name) or (0.0,))
        if strength:
            return f"--{name.replace('_', '-')} {strength:g}, one number, is for all layers"
    strength = max([estimator.input_l1 or 0.0, *(estimator.neuron_l1 or ())])
    layers = range(len(run.model.network.dense_layers))
    listed = ",".join(f"{strength if layer in evasion.exits.free else 0:g}" for layer in layers)
    return f"--weight-l2 {listed} penalises these too"


def _layers(numbers: tuple[int, ...]) -> str:
    return f"layer{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, numbers))}"


def curves_figure(run: Run) -> Any:
    """Loss and score curves, and for two inputs and classes the decision regions with the held-out points."""
    history, data, metric = run.history, run.prepared, run.history.metric_name
    title = f"{run.data}: {metric} {history[-1].metric:.3f} on training rows"
    if run.test is not None:
        title += f", {run.test[metric]:.3f} held out"
    losses = {"loss": history.column("loss"), "data loss": history.column("data_loss")}
    scores = {"training": history.column("metric")}
    if history[0].validation_metric is not None:
        losses["held-out data loss"] = history.column("validation_loss")
        scores["held out"] = history.column("validation_metric")
    regions = _regions(run) if data.classes and data.x_train.shape[1] == 2 else None
    return training_figure({"loss": losses, metric: scores}, history.column("epoch"), title, regions)


def _regions(run: Run) -> Regions:
    """The most probable class over a grid of the two inputs, and the points to draw on it."""
    data = run.prepared
    held_out = len(data.x_test) > 0
    points, labels = (data.x_test, data.y_test) if held_out else (data.x_train, data.y_train)
    low, high = points.min(axis=0) - 0.1, points.max(axis=0) + 0.1
    axes = [np.linspace(low[i], high[i], 300) for i in (0, 1)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2).astype(points.dtype)
    outputs = run.model.outputs(grid)
    classes = (outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else outputs[:, 0] > 0).reshape(300, 300)
    names, inputs = tuple(str(name) for name in data.classes or ()), run.table.feature_names
    return Regions(axes[0], axes[1], classes, points, labels, names, (inputs[0], inputs[1]))


def json_figures(run: Run) -> dict[str, Any]:
    """The figures of a run for --json: last record, held-out scores, history."""
    fitted, last, metric, placement = run.estimator, run.history[-1], run.history.metric_name, run.model.placement
    evasion, same = _evasion(run), constant_of_run(run)
    return {
        "data": run.data,
        "seed": run.seed,
        "backend": placement.backend.name,
        "device": str(placement.device),
        "dtype": placement.dtype,
        "epochs": fitted.n_iter_,
        "metric": metric,
        "train_score": last.metric,
        "test_score": None if run.test is None else run.test[metric],
        "test_loss": None if run.test is None else run.test["loss"],
        "constant_test_score": None if same is None else same.accuracy,
        "constant_test_loss": None if same is None else same.log_loss,
        "loss": last.loss,
        "data_loss": last.data_loss,
        "penalty_loss": last.penalty_loss,
        "penalty": last.penalty,
        "zeros": last.zeros,
        "weight_norm": last.weight_norm,
        "evasion": None if evasion is None else {**evasion._asdict(), "exits": evasion.exits._asdict()},
        "seconds": run.seconds,
        "history": run.history.to_dicts(),
    }


def save_run(path: Path, run: Run) -> None:
    """Write the network in the table's own units, with all that a table of new rows needs."""
    save_model(
        path,
        in_own_units(run.model, run.prepared.affine),
        run.prepared.columns,
        target_name=run.table.target_name,
        classes=run.prepared.classes,
        about=_about(run),
        unheaded=run.table.unheaded,
    )


def _about(run: Run) -> dict[str, Any]:
    """What a saved model says of the run that made it."""
    estimator, metric = run.estimator, run.history.metric_name
    scores = {f"{metric}, rows to train": run.history[-1].metric}
    if run.test is not None:
        scores[f"{metric}, {len(run.prepared.x_test)} rows held out"] = run.test[metric]
    penalised = {name: getattr(estimator, name) for name in PENALTIES if np.any(getattr(estimator, name) or 0)}
    return {
        "data": run.data,
        "task": run.table.task,
        "rows": len(run.prepared.x_train),
        "penalties": {name: list(np.atleast_1d(value).tolist()) for name, value in penalised.items()},
        "inputs": run.inputs.names,
        "used": run.inputs.used(estimator.selected_features_.tolist()),
        "scores": scores,
    }
