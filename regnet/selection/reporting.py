"""What a sweep has to tell its user."""

from __future__ import annotations

import numpy as np

from regnet.estimators.warning import warn
from regnet.selection.collecting import Collector
from regnet.sweep.cells import SweepSpec
from regnet.training import DivergenceWarning

__all__ = ["report_divergence"]

TOLD = 3
"""Diverged networks that a warning names; the others are counted."""


def report_divergence(spec: SweepSpec, collected: Collector) -> None:
    """Warn of networks that were stopped, with their strength and the step."""
    where = np.argwhere(collected.diverged_at >= 0)
    if not len(where):
        return
    told = [
        f"strength {spec.lambdas[s]:.3g}, fold {f}, restart {r}, at step {collected.diverged_at[s, f, r]}"
        for s, f, r in where[:TOLD]
    ]
    more = f" and {len(where) - TOLD} more" if len(where) > TOLD else ""
    warn(
        f"{len(where)} of {collected.diverged_at.size} networks diverged and were stopped ({'; '.join(told)}{more}). "
        "The others are not touched by it. Lower learning_rate_init, or standardise the inputs.",
        DivergenceWarning,
    )
