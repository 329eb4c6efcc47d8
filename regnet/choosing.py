"""A command-line selection: a table in, a cross-validated sweep, what it found as text, figures and files."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable

from regnet import checkpoint
from regnet.config import get_config
from regnet.datasets import Table
from regnet.recipe import Prepared, prepare_table
from regnet.selection import MLPClassifierCV, MLPRegressorCV

__all__ = ["Selection", "choose_strength", "print_selection", "save_selection", "selection_figures"]

LINES = 18
"""Strengths that the printed table shows; --json has all."""

NAMES = 20
"""Inputs that are named in the terminal."""


@final
@dataclass(frozen=True)
class Selection:
    """A finished selection.

    test_score: accuracy or R2 on the held-out rows, None if there are fewer than 2; seconds: of the sweep.
    """

    data: str
    table: Table
    prepared: Prepared
    fitted: MLPClassifierCV | MLPRegressorCV
    seed: int
    seconds: float
    test_score: float | None

    @property
    def score_name(self) -> str:
        """What is compared: the scoring's name."""
        default = "neg_log_loss" if self.prepared.classes else "r2"
        return str(self.fitted.scoring or default)

    @property
    def selected(self) -> list[str]:
        """The names of the inputs that the chosen network uses."""
        return [
            name for name, used in zip(self.table.feature_names, self.fitted.selected_features_, strict=True) if used
        ]


def choose_strength(data: str, table: Table, *, folds: int, test_size: float, seed: int, **settings: Any) -> Selection:
    """Split the table, and run the sweep on the rows that are not held out; settings: of the estimator.

    Without held-out rows the folds and first weights are those of `MLPClassifierCV` or `MLPRegressorCV` with cv=folds
    and random_state=seed; in float64 the table too. In float32 the inputs are standardised before they are narrowed,
    and the sweep, which standardises by itself, meets them so. Raises ValueError for what cannot be trained on.
    """
    narrow = get_config().dtype == "float32"
    prepared = prepare_table(table, test_size=test_size, seed=seed, scale_inputs=narrow, scale_target=False)
    _check_folds(prepared, folds)
    kind = MLPClassifierCV if prepared.classes else MLPRegressorCV
    fitted = kind(cv=folds, random_state=seed, verbose=True, **settings)
    print(
        f"{data}: {table.task} of {table.target_name!r}, {len(prepared.x_train)} rows in {folds} folds and "
        f"{len(prepared.x_test)} held out, {len(table.feature_names)} inputs"
    )
    print(prepared.left_out, end="")
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Left out of the selection")  # said above, by the inputs' names
        fitted.fit(prepared.x_train, prepared.y_train)
    seconds = time.perf_counter() - started
    score = fitted.score(prepared.x_test, prepared.y_test) if len(prepared.x_test) > 1 else None
    return Selection(data, table, prepared, fitted, seed, seconds, score)


def _check_folds(prepared: Prepared, folds: int) -> None:
    """Raise ValueError, in the table's terms, where a fold would hold out no row or all rows of a class."""
    rows = len(prepared.y_train)
    if folds > rows:
        held_out = f" beside {len(prepared.y_test)} held out" if len(prepared.y_test) else ""
        raise ValueError(f"--cv {folds}: the table has {rows} rows{held_out}; a fold needs at least one.")
    counts = np.bincount(prepared.y_train) if prepared.classes else np.empty(0)
    for label, count in zip(prepared.classes or (), counts, strict=True):
        if count < 2:
            raise ValueError(
                f"One row to train on has the class {label!r}, so no network can learn it in the fold that holds this "
                "row out: have more rows of that class, or leave it out."
            )


def print_selection(selection: Selection, console: Console) -> None:
    """The table of strengths, both lambdas marked, and what was chosen."""
    fitted, count = selection.fitted, len(selection.table.feature_names)
    marks = {_index(fitted, fitted.lambda_min_): "best"}
    one_se = _index(fitted, fitted.lambda_1se_)
    marks[one_se] = "best, 1 SE" if one_se in marks else "1 SE"
    shown = sorted({*marks, *np.unique(np.linspace(0, len(fitted.lambdas_) - 1, LINES).round().astype(int)).tolist()})
    table = RichTable("strength", f"{selection.score_name} ± s.e.", "inputs", "zeros", "")
    for column in table.columns[:-1]:
        column.justify = "right"
    for number in shown:
        score = f"{fitted.score_mean_[number]:.4f} ± {fitted.score_se_[number]:.4f}"
        cells = [f"{fitted.lambdas_[number]:.3g}", score, str(fitted.n_selected_[number])]
        style = "bold" if number in marks else None
        table.add_row(*cells, f"{fitted.zeros_[number]:.1%}", marks.get(number, ""), style=style)
    console.print(table)
    if len(shown) < len(fitted.lambdas_):
        print(f"{len(shown)} of {len(fitted.lambdas_)} strengths; --json has all")
    names = selection.selected
    listed = ", ".join(names[:NAMES]) + (f" and {len(names) - NAMES} more" if len(names) > NAMES else "")
    console.print(
        f"chosen by {fitted.select}: strength {fitted.lambda_:.3g}, {len(names)} of {count} inputs"
        + (f" ({listed})" if names else ": nothing is left, a constant predicts as well"),
        markup=False,
        highlight=False,
    )
    if fitted.near_tie_:
        console.print(
            f"near a tie: rounding may choose {fitted.rival_:.3g}, {fitted.margin_:.1g} s.e. away ({fitted.kernels_})",
            markup=False,
            highlight=False,
        )
    if selection.test_score is not None:
        metric = "accuracy" if selection.prepared.classes else "r2"
        print(
            f"on the {len(selection.prepared.x_test)} rows held out of the sweep: {metric} {selection.test_score:.4f}"
        )
    passes = " in each of two passes" if hasattr(fitted, "pilot_scores_") else ""
    print(f"{fitted.cv_scores_.size} networks{passes}, {selection.seconds:.1f} s")


def _index(fitted: Any, strength: float) -> int:
    return int(np.flatnonzero(fitted.lambdas_ == strength)[0])


def selection_figures(selection: Selection) -> dict[str, Any]:
    """The figures of a selection for --json; numbers that are missing (diverged networks) are null."""
    fitted = selection.fitted

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
        "n_selected": fitted.n_selected_.tolist(),
        "zeros": listed(fitted.zeros_),
        "lambda_min": fitted.lambda_min_,
        "lambda_1se": fitted.lambda_1se_,
        "lambda": fitted.lambda_,
        "rival": fitted.rival_ if np.isfinite(fitted.rival_) else None,
        "margin": fitted.margin_ if np.isfinite(fitted.margin_) else None,
        "near_tie": fitted.near_tie_,
        "kernels": fitted.kernels_,
        "selected": selection.selected,
        "features": len(selection.table.feature_names),
        "test_score": selection.test_score,
        "folds": fitted.n_splits_,
        "restarts": fitted.restarts,
        "diverged": fitted.n_diverged_,
        "seed": selection.seed,
        "seconds": selection.seconds,
    }


def save_selection(path: Path, selection: Selection) -> None:
    """The chosen model with what `regnet predict` needs; it gives the target in its own units."""
    checkpoint.save(
        path,
        selection.fitted.best_estimator_.model_,
        feature_names=list(selection.table.feature_names),
        target_name=selection.table.target_name,
        classes=selection.prepared.classes,
        **selection.prepared.scaling,
    )
