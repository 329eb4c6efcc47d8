"""The report of one training: how it went, what the penalties took, and what it comes to on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from regnet.backend.placement import to_host
from regnet.reports.charts import training_chart
from regnet.reports.facts import settings_of, versions
from regnet.reports.held_out import held_out_figure
from regnet.reports.page import Figure, Page, Table

__all__ = ["HeldOut", "held_out_of", "training_page"]

LISTED = 200
"""Inputs that are named."""


class HeldOut(NamedTuple):
    """Rows that are not those of the training: how many, a network's score there, a figure or None, what they are."""

    rows: int
    score: float
    figure: Figure | None
    told: str = "rows that it did not see"


def training_page(
    estimator: Any,
    held_out: HeldOut | None,
    *,
    title: str,
    notes: Sequence[str],
    facts: Mapping[str, str],
    used: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Page:
    """What a fitted MLPClassifier or MLPRegressor is.

    used: names of the inputs that it uses, and of all, where it does not know them.
    """
    history = getattr(estimator, "history_", None)
    parts: list[Figure | Table] = [*_curves(estimator, history), _layers(estimator, history)]
    if estimator.input_l1:
        parts.append(_inputs(*(used or _names(estimator))))
    if held_out is not None and held_out.figure is not None:
        parts.append(held_out.figure)
    told = {"settings": settings_of(estimator), **versions(estimator)}
    return Page(title, _answer(estimator, history, held_out), list(notes), parts, {**facts, **told})


def held_out_of(
    estimator: Any, X: Any, y: ArrayLike, target: str, class_names: Sequence[str] | None
) -> HeldOut:  # fmt: skip
    """What a network says of rows that it did not see."""
    classes = getattr(estimator, "classes_", None)
    predicted = estimator.predict(X) if classes is None else estimator.predict_proba(X)
    figure = held_out_figure(
        to_host(y), to_host(predicted), classes, target, "The rows that the report was given", class_names
    )
    return HeldOut(len(to_host(y)), float(estimator.score(X, y)), figure, "rows given to the report")


def _answer(estimator: Any, history: Any, held_out: HeldOut | None) -> str:
    """One sentence: scores on both kinds of rows."""
    name = "accuracy" if hasattr(estimator, "classes_") else "r2"
    told = []
    if history is not None and len(history):
        name = history.metric_name
        told.append(f"{history[-1].metric:.4f} on the rows that it was trained on")
    if held_out is not None:
        told.append(f"{held_out.score:.4f} on {held_out.rows:,} {held_out.told}")
    scores = f" has {name} {' and '.join(told)}" if told else f" ends with a loss of {estimator.loss_:.4g}"
    return f"After {estimator.n_iter_:,} epochs the network{scores}."


def _curves(estimator: Any, history: Any) -> list[Figure]:
    """Of the records, if there are several; if not, of the loss of every epoch."""
    if history is None or len(history) < 2:
        curve = [float(loss) for loss in getattr(estimator, "loss_curve_", ())]
        chart = training_chart(range(1, len(curve) + 1), {"loss": curve}, "loss")
        return [Figure("Loss while training", "What is minimised, epoch by epoch.", chart)] if len(curve) > 1 else []
    epochs = history.column("epoch")
    losses = {"loss": history.column("loss"), "data loss": history.column("data_loss")}
    scores = {"training rows": history.column("metric")}
    if history[0].validation_metric is not None:
        losses["held-out data loss"] = history.column("validation_loss")
        scores["held-out rows"] = history.column("validation_metric")
    name = history.metric_name
    return [
        Figure(
            "Loss while training", "What is minimised: the loss is the data loss plus all penalties.",
            training_chart(epochs, losses, "loss"),
        ),
        Figure(
            f"{name.capitalize()} while training", "Where held-out rows fall behind, noise is fitted.",
            training_chart(epochs, scores, name),
        ),
    ]  # fmt: skip


def _layers(estimator: Any, history: Any) -> Table:
    """Norms, zeros and penalties of each layer at the end, and the norms at the beginning where these were recorded."""
    recorded = history is not None and len(history) > 0
    rows = []
    for layer, weight in enumerate(map(to_host, estimator.coefs_)):
        told = f"{np.sum(np.square(weight, dtype=np.float64)):.4g}"
        penalties = "not recorded"
        if recorded:
            first, last = history[0], history[-1]
            told = f"{first.weight_norm[str(layer)] ** 2:.4g} to {last.weight_norm[str(layer)] ** 2:.4g}"
            own = {
                key.split(".", 1)[1]: value for key, value in last.penalty.items() if key.split(".")[0] == str(layer)
            }
            penalties = ", ".join(f"{key} {value:.4g}" for key, value in own.items() if value) or "none"
        rows.append([f"layer {layer}", told, f"{np.mean(weight == 0):.1%}", penalties])
    return Table(
        "Penalty by layer",
        "Sum of squared weights"
        + (" from the first record to the last" if recorded else "")
        + ", weights at exactly zero, and what each penalty adds to the loss at the end.",
        ["", "sum W²", "zeros", "penalties"], rows,
    )  # fmt: skip


def _names(estimator: Any) -> tuple[list[str], list[str]]:
    """Of the inputs that it uses, and of all."""
    used = np.asarray(estimator.selected_features_)
    names = [str(one) for one in getattr(estimator, "feature_names_in_", [f"x{number}" for number in range(len(used))])]
    return [name for name, one in zip(names, used, strict=True) if one], names


def _inputs(used: Sequence[str], names: Sequence[str]) -> Table:
    """Which inputs are used: these first."""
    known = set(used)
    listed = sorted(names, key=lambda name: name not in known)[:LISTED]
    more = f" The first {LISTED} of {len(names)}." if len(names) > LISTED else ""
    return Table(
        "Inputs by name", f"The penalty on inputs leaves {len(used)} of {len(names)}.{more}", ["input", "used"],
        [[name, "yes" if name in known else "no"] for name in listed],
        frozenset(place for place, name in enumerate(listed) if name in known),
    )  # fmt: skip
