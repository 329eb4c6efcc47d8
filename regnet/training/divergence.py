"""What a user is told of networks that diverged, and of those that have learnt nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.mathematics.losses import Loss
from regnet.mathematics.optimizers import Optimizer
from regnet.training.judgement import FAR_WORSE
from regnet.training.trainer import Verdict

__all__ = ["DivergenceWarning", "explain_divergence", "remedy_of", "report_divergence", "told_of_unfinished"]


class DivergenceWarning(UserWarning):
    """A network's training diverged: its loss stopped being finite, or exploded. It has its last good parameters."""


def report_divergence(
    verdict: Verdict,
    optimizer: Optimizer,
    loss: Loss,
    /,
    *,
    stack: bool,
    incremental: bool = False,
    warn: Callable[..., None] | None = None,
) -> None:
    """Warn of networks that diverged (DivergenceWarning) or learnt nothing (ConvergenceWarning), in a stack by number.

    incremental: whether training goes on, so that nobody is told that it has learnt nothing yet; warn:
    `warn(message, category)`; None: as of the caller of `fit`.
    """
    messages: list[tuple[str, type[Warning]]] = [
        (text, DivergenceWarning) for text in explain_divergence(verdict, optimizer, loss, stack=stack)
    ]
    if verdict.unfinished.any() and not incremental:
        k = int(np.argmax(verdict.unfinished))
        which = f" of network {_numbers(verdict.unfinished)}" if stack else ""
        text = told_of_unfinished(_at(verdict.kept, k), _at(verdict.idle, k), which, start=_at(verdict.start, k))
        remedy = remedy_of(verdict.largest, loss)
        messages.append((f"{text} {remedy}, or train longer, at another learning rate ({_rate(optimizer)}).",
                         ConvergenceWarning))  # fmt: skip
    for message, category in messages:
        if warn is None:
            warnings.warn(message, category, stacklevel=3)
        else:
            warn(message, category)


def explain_divergence(verdict: Verdict, optimizer: Optimizer, loss: Loss, /, *, stack: bool = False) -> list[str]:
    """What there is to say of networks that diverged: nothing, or a sentence or two with what to do."""
    at_start = verdict.infinite & (verdict.diverged_at == 0)
    messages = []
    if at_start.any():
        which = f" of network {_numbers(at_start)}" if stack else ""
        messages.append(
            f"The loss{which} is not finite at the first parameters, at step 0: nothing was trained. "
            f"{remedy_of(verdict.largest, loss)}, or compute in float64."
        )
    infinite = verdict.infinite & ~at_start
    remedy = f"Lower the learning rate ({_rate(optimizer)}). {remedy_of(verdict.largest, loss)}."
    if infinite.any():
        places = ", ".join(_place(verdict, int(k), stack=stack) for k in np.flatnonzero(infinite))
        messages.append(f"The loss stopped being finite ({places}); the last good parameters were kept. {remedy}")
    if verdict.exploded.any():
        k = int(np.argmax(verdict.exploded))
        which = f" of network {_numbers(verdict.exploded)}" if stack else ""
        kept = f"the last good parameters were kept, with {verdict.kept[k]:.3g}. "
        messages.append(
            f"The training loss{which} exploded: it ended at {verdict.ended[k]:.3g}, more than {FAR_WORSE:.0f} times "
            f"that of outputs that are all 0{_compared(verdict, k)}; {kept if verdict.diverged_at[k] >= 0 else ''}"
            f"{remedy}"
        )
    return messages


def told_of_unfinished(loss: float, idle: float, which: str = "", /, *, start: float | None = None) -> str:
    """Of a network whose loss is far worse than that of outputs that are all 0, though it did not rise."""
    before = "" if start is None or not np.isfinite(start) else f", {start:.3g} at the start"
    return (
        f"The training loss{which} ended at {loss:.3g}, {loss / idle:.3g} times that of outputs that are all 0"
        f"{before}: the network has learnt nothing yet."
    )


def remedy_of(sizes: tuple[float, float] | None, loss: Loss, /) -> str:
    """To standardise, with the largest values of inputs and, if they have units, of targets."""
    text = "Standardise the inputs" if sizes is None else f"Standardise the inputs (up to {sizes[0]:.3g})"
    if sizes is None or loss.kind in ("multiclass", "binary"):
        return text
    return f"{text} and scale the targets (up to {sizes[1]:.3g})"


def _place(verdict: Verdict, k: int, *, stack: bool) -> str:
    step = int(verdict.diverged_at[k])
    where = f"at step {step}, in epoch {step // verdict.steps + 1}"
    losses = "" if verdict.start is None else f": {_at(verdict.start, k):.3g} at the start, {verdict.kept[k]:.3g} now"
    return f"network {k} {where}{losses}" if stack else f"{where}{losses}"


def _compared(verdict: Verdict, k: int) -> str:
    if verdict.start is None or verdict.idle is None:
        return ""
    return f" ({_at(verdict.idle, k):.3g}; {_at(verdict.start, k):.3g} at the start)"


def _numbers(which: Any) -> str:
    return ", ".join(map(str, np.flatnonzero(which)))


def _at(values: Any, k: int) -> float:
    return float(values[k if len(values) > 1 else 0])


def _rate(optimizer: Optimizer) -> str:
    return str(optimizer.learning_rate)
