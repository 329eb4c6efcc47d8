"""What a user is told of networks that diverged."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from regnet.mathematics.optimizers import Optimizer
from regnet.training.trainer import Verdict

__all__ = ["DivergenceWarning", "report_divergence"]


class DivergenceWarning(UserWarning):
    """The loss of a network stopped being finite, and it has the parameters it had before; or its loss has exploded."""


def report_divergence(
    verdict: Verdict, optimizer: Optimizer, /, *, stack: bool, warn: Callable[..., None] | None = None
) -> None:
    """Warn of networks that diverged or whose loss exploded, in a stack by number.

    warn: `warn(message, category)`; None: as of the caller of `fit`.
    """
    remedy = f"Lower the learning rate ({optimizer.learning_rate}), or standardise the inputs."
    messages, diverged_at = [], verdict.diverged_at
    exploded = verdict.exploded & (diverged_at < 0)
    if (diverged_at >= 0).any():
        named = [(k, f"at step {step}") for k, step in enumerate(diverged_at) if step >= 0]
        which = ", ".join(f"network {k} {what}" if stack else what for k, what in named)
        messages.append(f"The loss stopped being finite ({which}); the parameters before that step were kept.")
    if exploded.any():
        which = f" of network {', '.join(map(str, np.flatnonzero(exploded)))}" if stack else ""
        messages.append(
            f"The training loss{which} exploded: it ended more than 100 times as large as at the start, and as that of "
            "outputs that are all 0."
        )
    for message in messages:
        if warn is None:
            warnings.warn(f"{message} {remedy}", DivergenceWarning, stacklevel=3)
        else:
            warn(f"{message} {remedy}", DivergenceWarning)
