"""What a sweep has to tell its user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.display.warning import warn
from regnet.selection.collector import Collector
from regnet.selection.settings import TO_TOLERANCE
from regnet.sweep.fold import Fold
from regnet.sweep.spec import SweepSpec
from regnet.training.divergence import DivergenceWarning
from regnet.training.judgement import FAR_WORSE

__all__ = ["is_near_tie", "report_absent", "report_divergence", "report_unconverged"]

TOLD = 3
"""Diverged networks that a warning names; the others are counted."""

NAMED = 10
"""Inputs that a warning names."""

ROUNDING_OF_STEPS, ROUNDING_AT_TOLERANCE = 0.1, 1e-3
"""By how many standard errors rounding moves a mean score: numba's loops against NumPy's, in float32, 50 strengths, 5

folds. Networks after a number of steps: medians of 0.11 (diabetes), 0.12 (breast cancer) and 0.33 (Friedman), since
steps magnify what they began with; in float64 1e-14, 2e-4 and 0.5. Linear models to a tolerance: at most 8e-5."""


def is_near_tie(spec: SweepSpec, margin: float) -> bool:
    """Whether the last digits of a library's sums may have chosen; margin: to the rival, in standard errors."""
    return margin < (ROUNDING_AT_TOLERANCE if spec.template.solver in TO_TOLERANCE else ROUNDING_OF_STEPS)


def report_absent(fold: Fold, names: Sequence[str]) -> None:
    """Warn of inputs that no network can use; fold: all rows; names: of its columns."""
    numbers = np.flatnonzero(fold.absent if fold.left_out is None else fold.absent & ~fold.left_out)
    if not len(numbers):
        return
    told = [names[number] for number in numbers[:NAMED]]
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    warn(f"Left out of the selection, because they hold one value in all rows: {', '.join(told)}{more}.")


def report_unconverged(spec: SweepSpec, collected: Collector, of: int) -> None:
    """Warn of networks, of so many, that did not reach their solver's tolerance, or are far worse than nothing."""
    if not collected.unconverged:
        return
    counts = f"{collected.unconverged} of {of}"
    far = f"ended at a training loss more than {FAR_WORSE:.0f} times that of outputs that are all 0"
    if spec.template.solver in TO_TOLERANCE:
        warn(
            f"{counts} models did not reach the tolerance in max_iter ({spec.epochs}) iterations, or could make no "
            f"progress, or {far}: increase max_iter, or tol, and standardise the inputs and targets.",
            ConvergenceWarning,
        )
        return
    warn(
        f"{counts} networks {far}, and have learnt nothing yet: standardise the inputs and targets (standardize=True), "
        f"or train longer (max_iter={spec.epochs}), at another learning_rate_init ({spec.optimizer.learning_rate}).",
        ConvergenceWarning,
    )


def report_divergence(spec: SweepSpec, collected: Collector) -> None:
    """Warn of networks that were stopped, with their strength and the step."""
    report_unconverged(spec, collected, collected.diverged_at.size)
    first = collected.diverged_at >= 0
    if spec.warm_start:  # the other strengths of a lane that has diverged are not trained
        lane = first[::-1] if spec.strongest_first else first
        lane = lane & (np.cumsum(lane, axis=0) == 1)
        first = lane[::-1] if spec.strongest_first else lane
    where = np.argwhere(first)
    if not len(where):
        return
    told = [
        f"strength {spec.lambdas[s]:.3g}, fold {f}, restart {r}, at step {collected.diverged_at[s, f, r]}"
        for s, f, r in where[:TOLD]
    ]
    more = f" and {len(where) - TOLD} more" if len(where) > TOLD else ""
    remedy = "Standardise the inputs and targets."
    if spec.template.solver not in TO_TOLERANCE:
        remedy = f"Lower learning_rate_init ({spec.optimizer.learning_rate}), or standardise the inputs and targets."
    warn(
        f"{len(where)} of {collected.diverged_at.size} networks diverged and were stopped ({'; '.join(told)}{more}). "
        f"The others are not touched by it. {remedy}",
        DivergenceWarning,
    )
