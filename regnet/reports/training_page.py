"""The report of one training: how it went, what the penalties took, and what it comes to on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from regnet.reports.charts import training_chart
from regnet.reports.facts import settings_of, versions
from regnet.reports.held_out import held_out_figure
from regnet.reports.page import Figure, Page, Table

__all__ = ["training_page"]

LISTED = 200
"""Inputs that are named."""


def training_page(
    estimator: Any, X: Any, y: ArrayLike | None, title: str, notes: Sequence[str], facts: Mapping[str, str]
) -> Page:
    """What a fitted MLPClassifier or MLPRegressor is. X, y: rows that it did not see, or None."""
    parts: list[Figure | Table] = []
    history = getattr(estimator, "history_", None)
    if history is not None and len(history) > 1:
        parts += _curves(history)
    if history is not None and len(history):
        parts.append(_layers(history))
    if estimator.input_l1:
        parts.append(_inputs(estimator))
    if X is not None and y is not None:
        classes = getattr(estimator, "classes_", None)
        predicted = estimator.predict(X) if classes is None else estimator.predict_proba(X)
        told = "Rows that the network was not trained on"
        found = held_out_figure(np.asarray(y), np.asarray(predicted), classes, facts.get("target", "target"), told)
        parts.extend([] if found is None else [found])
    told = {"settings": settings_of(estimator), **versions(estimator)}
    return Page(title, _answer(estimator, history, X, y), list(notes), parts, {**facts, **told})


def _answer(estimator: Any, history: Any, X: Any, y: ArrayLike | None) -> str:
    """One sentence: scores on both kinds of rows."""
    text = "A network"
    if history is not None and len(history):
        last = history[-1]
        text = f"After {last.epoch:,} epochs the network has {history.metric_name} {last.metric:.4f} on its training rows"
    if X is not None and y is not None:
        text += f" and {estimator.score(X, y):.4f} on {len(np.asarray(y)):,} rows that it did not see"
    return f"{text}."


def _curves(history: Any) -> list[Figure | Table]:
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
            f"{name.capitalize()} while training", "Where held-out rows fall behind, the network fits its own rows' noise.",
            training_chart(epochs, scores, name),
        ),
    ]  # fmt: skip


def _layers(history: Any) -> Table:
    """Norms, zeros and penalties of each layer at the end."""
    last, first = history[-1], history[0]
    rows = []
    for layer in last.weight_norm:
        own = {key.split(".", 1)[1]: value for key, value in last.penalty.items() if key.split(".")[0] == str(layer)}
        told = ", ".join(f"{key} {value:.4g}" for key, value in own.items() if value) or "none"
        norm = f"{first.weight_norm[layer] ** 2:.4g} to {last.weight_norm[layer] ** 2:.4g}"
        rows.append([f"layer {layer}", norm, f"{last.zeros[layer]:.1%}", told])
    return Table(
        "Penalty by layer",
        "Sum of squared weights from the first record to the last, weights at exactly zero, and what each penalty adds to "
        "the loss at the end.",
        ["", "sum W²", "zeros", "penalties"], rows,
    )  # fmt: skip


def _inputs(estimator: Any) -> Table:
    """Which inputs are used."""
    used = np.asarray(estimator.selected_features_)
    names = getattr(estimator, "feature_names_in_", [f"x{number}" for number in range(len(used))])
    order = np.argsort(~used, kind="stable")[:LISTED]
    return Table(
        "Inputs by name", f"The penalty on inputs leaves {used.sum()} of {len(used)}.", ["input", "used"],
        [[str(names[number]), "yes" if used[number] else "no"] for number in order],
        frozenset(place for place, number in enumerate(order) if used[number]),
    )  # fmt: skip
