"""A command-line selection: a table in, a cross-validated sweep, what it found as text, figures and files."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.backend.config import get_config
from regnet.commands.inputs import Inputs
from regnet.selection import MLPClassifierCV, MLPRegressorCV
from regnet.tables.split import Prepared, prepare_table
from regnet.tables.table import Table

__all__ = ["Selection", "choose_strength"]


@final
@dataclass(frozen=True)
class Selection:
    """A finished selection.

    test_score: accuracy or R2 on the held-out rows, None if there are fewer than 2; seconds: of the sweep.
    """

    data: str
    inputs: Inputs
    prepared: Prepared
    fitted: MLPClassifierCV | MLPRegressorCV
    seed: int
    seconds: float
    test_score: float | None

    @property
    def score_name(self) -> str:
        """What is compared: the scoring's name."""
        return str(self.fitted.scoring_)

    @property
    def table(self) -> Table:
        """The table, with the inputs that were not left out."""
        return self.inputs.table

    @property
    def selected(self) -> list[str]:
        """The names of the inputs, or groups of them, that the chosen network uses."""
        return self.inputs.used(self.fitted.selected_features_.tolist())

    @property
    def n_selected(self) -> NDArray[np.int64]:
        """How many of them are used at each strength, (strengths,)."""
        grouped = self.inputs.labels is not None
        return np.asarray(self.fitted.n_selected_groups_ if grouped else self.fitted.n_selected_)


def choose_strength(
    data: str,
    inputs: Inputs,
    *,
    folds: int,
    test_size: float,
    seed: int,
    begin: Callable[[Prepared], None] = lambda prepared: None,
    **settings: Any,
) -> Selection:
    """Split the table, and run the sweep on the rows that are not held out.

    begin: called before the sweep; settings: of the estimator.

    Without held-out rows the folds and first weights are those of `MLPClassifierCV` or `MLPRegressorCV` with cv=folds
    and random_state=seed; in float64 the table too. In float32 the inputs are standardised before they are narrowed,
    and the sweep, which standardises by itself, meets them so. Raises ValueError for what cannot be trained on.
    """
    narrow = get_config().dtype == "float32"
    prepared = prepare_table(inputs.table, test_size=test_size, seed=seed, scale_inputs=narrow, scale_target=False)
    _check_folds(prepared, folds)
    kind = MLPClassifierCV if prepared.classes else MLPRegressorCV
    settings |= {"input_groups": inputs.labels, "penalty_factor": inputs.factors}
    fitted = kind(cv=folds, random_state=seed, verbose=True, **settings)
    begin(prepared)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Left out of the selection")  # `prepared.left_out` has them by name
        fitted.fit(prepared.x_train, prepared.y_train)
    seconds = time.perf_counter() - started
    score = fitted.score(prepared.x_test, prepared.y_test) if len(prepared.x_test) > 1 else None
    return Selection(data, inputs, prepared, fitted, seed, seconds, score)


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
