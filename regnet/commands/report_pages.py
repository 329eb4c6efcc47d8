"""Pages of --report: what the commands know of a run, a selection or a study beside its figures."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from regnet.backend.config import get_config
from regnet.commands.constants import constant_of_rest, constant_told
from regnet.commands.fit_report import constant_of_run, evaded
from regnet.commands.fit_run import Run
from regnet.commands.select_run import Selection
from regnet.commands.study_run import Asking
from regnet.reports.held_out import held_out_figure
from regnet.reports.page import Page
from regnet.reports.search_page import search_page
from regnet.reports.study_page import study_page
from regnet.reports.training_page import HeldOut, training_page
from regnet.studies import StudyResult
from regnet.tables.split import Prepared
from regnet.tables.table import Table

__all__ = ["page_of_run", "page_of_selection", "page_of_study"]


def page_of_run(run: Run) -> Page:
    """What `regnet fit` says, as a page."""
    prepared, estimator = run.prepared, run.estimator
    facts = _facts(run.data, run.table, len(prepared.x_train), len(prepared.x_test), run.seed, run.seconds)
    told = evaded(run)
    return training_page(
        estimator,
        None if run.test is None else _held_out(run),
        title=f"{run.data}: a network for {run.table.target_name!r}",
        notes=[] if told is None else [f"{told[0].upper()}{told[1:]}."],
        facts=facts,
        used=(run.inputs.used(estimator.selected_features_.tolist()), run.inputs.names),
    )


def page_of_selection(selection: Selection) -> Page:
    """What `regnet select` says, as a page."""
    split, table, fitted = selection.split, selection.table, selection.fitted
    facts = _facts(selection.data, table, len(split.train), len(split.test), selection.seed, selection.seconds)
    said = constant_told(selection)
    further = "" if said is None else f"Beside it, {said}. "
    if selection.test_score is not None:
        metric, same = fitted.model_.network.metric.name, constant_of_rest(selection)
        further += f"On the {len(split.test):,} rows that no fold saw it has {metric} {selection.test_score:.4f}" + (
            f", where always {same.label!r} has {same.accuracy:.4f}." if same else "."
        )
    return search_page(
        fitted, split.y[split.train], title=f"{selection.data}: how strong should the penalty be?", notes=table.notes,
        facts=facts, class_names=_texts(split.classes), further=further.strip(),
    )  # fmt: skip


def page_of_study(found: StudyResult, asking: Asking, seconds: float) -> Page:
    """What `regnet study` says, as a page."""
    first: Prepared = asking.first
    facts = _facts(asking.data, asking.table, len(first.x_train), len(first.x_test), None, seconds)
    config = get_config()
    facts |= {"epochs": f"{asking.recipe.epochs:,}", "computed by": f"{config.backend}, {config.dtype}"}
    for name, own in asking.penalties.items():
        facts[name] = ", ".join(f"{key} {','.join(f'{one:g}' for one in values)}" for key, values in own.items()) or (
            "no penalty"
        )
    return study_page(found, title=f"{asking.data}: did the penalty help?", notes=[], facts=facts)


def _facts(data: str, table: Table, train: int, test: int, seed: int | None, seconds: float) -> dict[str, str]:
    facts = {
        "command": shlex.join(["regnet", *sys.argv[1:]]),
        "data": f"{data}, {table.task} of {table.target_name!r}",
        "target": table.target_name,
        "rows": f"{train:,} to train on, {test:,} held out",
        "inputs": f"{len(table.feature_names):,}",
    }
    if seed is not None:
        facts["seed"] = str(seed)
    return facts | {"seconds": f"{seconds:.1f}"}


def _held_out(run: Run) -> HeldOut:
    """Scores of held-out rows, and a figure in the table's own units."""
    prepared, estimator = run.prepared, run.estimator
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        scale, center = prepared.affine.y_scale[0], prepared.affine.y_center[0]
        predicted = np.asarray(estimator.predict(prepared.x_test)) * scale + center
        y = np.asarray(prepared.y_test) * scale + center
    else:
        predicted, y = np.asarray(estimator.predict_proba(prepared.x_test)), np.asarray(prepared.y_test)
    told = "Rows that the network was not trained on"
    figure = held_out_figure(y, predicted, classes, run.table.target_name, told, _texts(prepared.classes))
    same, rows = constant_of_run(run), "rows that it did not see"
    if same is not None:
        rows += f", where always {same.label!r} has {same.accuracy:.4f}"
    return HeldOut(len(y), float((run.test or {})[run.history.metric_name]), figure, rows)


def _texts(classes: Sequence[Any] | None) -> list[str] | None:
    return None if classes is None else [str(one) for one in classes]
