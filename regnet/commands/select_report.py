"""What a selection says: a table in the terminal, figures for --json, the chosen model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable

from regnet.commands.constants import constant_of_rest, constant_score, constant_told
from regnet.commands.inputs import Inputs
from regnet.commands.saving import save_model
from regnet.commands.select_run import Selection
from regnet.commands.terminal import plain, say
from regnet.tables.split import Split

__all__ = ["print_beginning", "print_selection", "save_selection", "selection_figures"]

LINES = 18
"""Strengths that the printed table shows; --json has all."""


NAMES = 20
"""Inputs that are named in the terminal."""


def print_beginning(data: str, inputs: Inputs, split: Split, folds: str) -> None:
    """What is chosen on which rows; folds: in words."""
    table = inputs.table
    say(
        f"{data}: {table.task} of {table.target_name!r}, {len(split.train)} rows in {folds} and "
        f"{len(split.test)} held out, {len(inputs.names)} inputs"
    )


def print_selection(selection: Selection, console: Console) -> None:
    """The table of strengths, both lambdas marked, and what was chosen."""
    fitted, count = selection.fitted, len(selection.inputs.names)
    chosen = {"best": fitted.min_index_, "paired": fitted.paired_index_, "1 SE": fitted.one_se_index_}
    marks: dict[int, str] = {}
    for mark, number in chosen.items():
        if mark != "paired" or fitted.select == mark:
            marks[number] = f"{marks[number]}, {mark}" if number in marks else mark
    shown = sorted({*marks, *np.unique(np.linspace(0, len(fitted.lambdas_) - 1, LINES).round().astype(int)).tolist()})
    table = RichTable("strength", f"{selection.score_name} ± s.e.", "inputs", "zeros", "")
    for column in table.columns[:-1]:
        column.justify = "right"
    for number in shown:
        score = f"{fitted.score_mean_[number]:.4f} ± {fitted.score_se_[number]:.4f}"
        cells = [f"{fitted.lambdas_[number]:.3g}", score, str(selection.n_selected[number])]
        style = "bold" if number in marks else None
        table.add_row(*cells, f"{fitted.zeros_[number]:.1%}", marks.get(number, ""), style=style)
    console.print(table)
    if len(shown) < len(fitted.lambdas_):
        say(f"{len(shown)} of {len(fitted.lambdas_)} strengths; --json has all")
    names = selection.selected
    listed = plain(", ".join(names[:NAMES])) + (f" and {len(names) - NAMES} more" if len(names) > NAMES else "")
    console.print(
        f"chosen by {fitted.select}: strength {fitted.lambda_:.3g}, {len(names)} of {count} inputs"
        + (f" ({listed})" if names else ": nothing is left, a constant predicts as well")
        + (f", refitted with {fitted.gamma_:g} of the penalty" if fitted.relax else ""),
        markup=False,
        highlight=False,
    )
    if fitted.near_tie_:
        console.print(
            f"near a tie: rounding may choose {fitted.rival_:.3g}, {fitted.margin_:.1g} s.e. away, and either will do",
            markup=False,
            highlight=False,
        )
    if (said := constant_told(selection)) is not None:
        say(said)
    if selection.test_score is not None:
        metric = fitted.model_.network.metric.name
        told = constant_of_rest(selection)
        say(
            f"on the {len(selection.split.test)} rows held out of the sweep: {metric} {selection.test_score:.4f}"
            + (f" (always {told.label!r}: {told.accuracy:.4f})" if told else "")
        )
    passes = " in each of two passes" if hasattr(fitted, "pilot_scores_") else ""
    say(f"{fitted.cv_scores_.size} networks{passes}, {selection.seconds:.1f} s")


def selection_figures(selection: Selection) -> dict[str, Any]:
    """The figures of a selection for --json; numbers that are missing (diverged networks) are null."""
    fitted, same = selection.fitted, constant_of_rest(selection)

    def listed(values: Any) -> list[Any]:
        return [float(value) if np.isfinite(value) else None for value in values]

    return {
        "data": selection.data,
        "target": selection.table.target_name,
        "penalty": fitted.penalty,
        "rule": fitted.select,
        "score": selection.score_name,
        "lambdas": listed(fitted.lambdas_),
        "score_mean": listed(fitted.score_mean_),
        "score_se": listed(fitted.score_se_),
        "n_selected": selection.n_selected.tolist(),
        "zeros": listed(fitted.zeros_),
        "lambda_min": fitted.lambda_min_,
        "lambda_1se": fitted.lambda_1se_,
        "lambda_paired": fitted.lambda_paired_,
        "lambda": fitted.lambda_,
        "gamma": fitted.gamma_ if fitted.relax else None,
        "rival": fitted.rival_ if np.isfinite(fitted.rival_) else None,
        "margin": fitted.margin_ if np.isfinite(fitted.margin_) else None,
        "near_tie": fitted.near_tie_,
        "kernels": fitted.kernels_,
        "selected": selection.selected,
        "features": len(selection.inputs.names),
        "groups": selection.inputs.groups,
        "test_score": selection.test_score,
        "constant_score": constant_score(selection),
        "constant_test_score": None if same is None else same.accuracy,
        "folds": fitted.n_splits_,
        "restarts": fitted.restarts,
        "diverged": fitted.n_diverged_,
        "seed": selection.seed,
        "seconds": selection.seconds,
    }


def save_selection(path: Path, selection: Selection) -> None:
    """Write the chosen network, with all that a table of new rows needs."""
    save_model(
        path,
        selection.fitted.model_,
        selection.columns,
        target_name=selection.table.target_name,
        classes=selection.split.classes,
        about=_about(selection),
        unheaded=selection.table.unheaded,
    )


def _about(selection: Selection) -> dict[str, Any]:
    """What a saved model says of the search that made it."""
    fitted, chosen = selection.fitted, selection.fitted.best_index_
    error = float(fitted.score_se_[chosen])
    scores = {f"{selection.score_name}, {fitted.n_splits_} folds": float(fitted.score_mean_[chosen])}
    if np.isfinite(error):
        scores["its standard error"] = error
    if selection.test_score is not None:
        metric = fitted.model_.network.metric.name
        scores[f"{metric}, {len(selection.split.test)} rows held out"] = float(selection.test_score)
    return {
        "data": selection.data,
        "task": selection.table.task,
        "rows": len(selection.split.train),
        "penalties": {fitted.penalty: [fitted.lambda_]},
        "rule": fitted.select,
        "inputs": selection.inputs.names,
        "used": selection.selected,
        "scores": scores,
    }
