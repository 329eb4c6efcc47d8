"""What the command line says: one line a record, a summary, a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable

from regnet.backend import BackendError
from regnet.history import History, Record
from regnet.model import Model
from regnet.plots import Regions, training_figure
from regnet.recipe import Prepared
from regnet.registry import backend_names, get_backend

__all__ = ["json_figures", "print_backends", "record_line", "save_plot"]


def record_line(record: Record, metric: str) -> str:
    """One line of the figures that the origin printed, in 80 columns (a running bar wraps at the terminal's edge)."""
    return (
        f"epoch {record.epoch}: {metric} {record.metric:.4f}, loss {record.loss:.4f} = data {record.data_loss:.4f} "
        f"+ penalty {record.penalty_loss:.4f}, lr {record.learning_rate:.4g}"
    )


def print_backends(console: Console) -> None:
    """A table of every registered backend: version, devices, and whether it is usable."""
    table = RichTable("backend", "usable", "version", "devices", "notes")
    for name in backend_names():
        try:
            info = get_backend(name).describe()
        except BackendError as error:
            table.add_row(name, "no", "", "", str(error))
        else:
            table.add_row(name, "yes", info.version, ", ".join(info.devices), "\n".join(info.notes))
    console.print(table)


def save_plot(path: Path, history: History, model: Model, data: Prepared, title: str, names: tuple[str, ...]) -> None:
    """Loss and score curves, and for two inputs and classes the decision regions with the held-out points."""
    losses = {"loss": history.column("loss"), "data loss": history.column("data_loss")}
    scores = {"training": history.column("metric")}
    if history[0].validation_metric is not None:
        losses["held-out data loss"] = history.column("validation_loss")
        scores["held out"] = history.column("validation_metric")
    regions = None
    if data.classes and data.x_train.shape[1] == 2:
        has_test = len(data.x_test) > 0
        points, labels = (data.x_test, data.y_test) if has_test else (data.x_train, data.y_train)
        low, high = points.min(axis=0) - 0.1, points.max(axis=0) + 0.1
        axes = [np.linspace(low[i], high[i], 300) for i in (0, 1)]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2).astype(points.dtype)
        outputs = model.outputs(grid)
        classes = (outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else outputs[:, 0] > 0).reshape(300, 300)
        class_names = tuple(str(name) for name in data.classes)
        regions = Regions(axes[0], axes[1], classes, points, labels, class_names, (names[0], names[1]))
    figure = training_figure({"loss": losses, history.metric_name: scores}, history.column("epoch"), title, regions)
    figure.savefig(path, dpi=120)


def json_figures(fitted: Any, seconds: float, test: dict[str, Any] | None) -> dict[str, Any]:
    """The figures of a run for --json, from a fitted estimator's last record and the held-out scores."""
    last, metric = fitted.history_[-1], fitted.history_.metric_name
    placement = fitted.model_.placement
    return {
        "backend": placement.backend.name,
        "device": str(placement.device),
        "dtype": placement.dtype,
        "epochs": fitted.n_iter_,
        "metric": metric,
        "train_score": last.metric,
        "test_score": None if test is None else test[metric],
        "test_loss": None if test is None else test["loss"],
        "loss": last.loss,
        "data_loss": last.data_loss,
        "penalty_loss": last.penalty_loss,
        "penalty": last.penalty,
        "zeros": last.zeros,
        "weight_norm": last.weight_norm,
        "seconds": seconds,
    }
