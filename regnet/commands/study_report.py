"""What a study says: its answer, two tables, figures for --json."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from regnet.commands.study_run import Asking
from regnet.commands.terminal import say
from regnet.mathematics.intervals import Interval, Share
from regnet.studies import StudyResult

__all__ = ["print_beginning", "print_study", "study_figures"]

SIZES = {"gap": "", "gap_subset": "_subset"}
"""What a finding calls the gap on all held-out rows and on few of them, and the ending of what goes with it."""


def print_beginning(asking: Asking, networks: int, seconds: float) -> None:
    """What is trained, and how long that takes."""
    first, classes = asking.first, len(asking.first.classes or ())
    widths = (first.x_train.shape[1], *asking.recipe.hidden, classes if classes > 2 else 1)
    say(
        f"{asking.data}: {len(first.x_train)} rows to train and {len(first.x_test)} held out, network "
        f"{'-'.join(map(str, widths))}, {asking.recipe.epochs:,} epochs"
    )
    for name, strengths in asking.penalties.items():
        told = ", ".join(f"{key} {','.join(f'{value:g}' for value in own)}" for key, own in strengths.items())
        say(f"{name}: {told or 'no penalty'}")
    say(f"{networks} networks are to be trained: about {_duration(seconds)}")


def print_study(found: StudyResult, console: Console) -> None:
    """The answer, the table of findings, what each penalty changes, and how all of it was measured."""
    say(found.answer)
    console.print(_findings(found))
    console.print(_changes(found))
    epochs, percent = found.epochs, " in %" if found.metric == "accuracy" else ""
    say(
        f"{found.metric}{percent}, mean ± standard error over {len(found.seeds)} seeds; gap: training minus held out; "
        f"a network's figure is the median of {len(epochs)} measurements in epochs {epochs[0]:,} to {epochs[-1]:,}"
    )
    if found.ceiling is None:
        say("no fresh rows, and no best possible score: a table does not say what it was drawn from")
    else:
        fresh = found.counts[-1]
        say(f"fresh: {fresh:,} further rows a seed; the best possible there is {100 * found.ceiling:.2f} (Bayes)")
    if told := _evaded(found):
        say(told)
    if found.diverged.any():
        say(f"{int(found.diverged.sum())} networks diverged, and are measured where they were last good")


def _evaded(found: StudyResult) -> str:
    """A line of the penalties that are evaded; empty where there are none."""
    evasions = {name: found.evasion(name) for name in found.penalties[1:]}
    told = [
        f"{name} (sum W^2 {math.exp(own[0].mean):.2g} times in layers with it, {math.exp(own[1].mean):.2g} in others)"
        for name, own in evasions.items()
        if own is not None
    ]
    if not told:
        return ""
    return (
        f"evaded, beside {found.penalties[0]}: {', '.join(told)}; --weight-l2 and --weight-l1 with one number penalise "
        "all layers"
    )


def study_figures(found: StudyResult, asking: Asking) -> dict[str, Any]:
    """The figures of a study for --json."""
    strengths = {name: {key: list(values) for key, values in own.items()} for name, own in asking.penalties.items()}
    return {"data": asking.data, "epochs": asking.recipe.epochs, "strengths": strengths, **found.to_dict()}


def _findings(found: StudyResult) -> RichTable:
    """A column a penalty, 80 characters in all."""
    own = [found.finding(name) for name in found.penalties]
    table, scale = RichTable("", *found.penalties), _scale(found)
    table.add_row("training", *(_mean(one.train, scale) for one in own))
    for label, gap, ending in _sizes(found):
        gaps: list[Interval] = [getattr(one, gap) for one in own]
        shares: list[Share] = [getattr(one, f"above{ending}") for one in own]
        table.add_row(label, *(_mean(one, scale) for one in gaps))
        table.add_row("  95 %", *(f"{one.low * scale:.2f} to {one.high * scale:.2f}" for one in gaps))
        table.add_row("  median", *(f"{one.median * scale:.2f}" for one in gaps))
        table.add_row("  below 0 in", *(f"{one.hits} of {one.total}" for one in shares))
        table.add_row("  95 %", *(f"{100 * one.low:.0f} to {100 * one.high:.0f} %" for one in shares))
    if found.counts[-1]:
        table.add_row("fresh", *("" if one.fresh is None else _mean(one.fresh, scale) for one in own))
    for layer in range(found.norms.shape[-1]):
        table.add_row(f"W^2 of layer {layer}", *(f"{one.norms[layer]:,.4g}" for one in own))
    return table


def _changes(found: StudyResult) -> RichTable:
    """Intervals of the mean differences to the first penalty, seed by seed."""
    scale, changes = _scale(found), [found.change(name) for name in found.penalties[1:]]
    table = RichTable("", *found.penalties[1:], title=f"change from {found.penalties[0]}, seed by seed, 95 % intervals")
    labels = [("train", "training"), ("held_out", f"{found.counts[1]} held out")]
    labels += [("fresh", "fresh")] if found.counts[-1] else []
    for name, label in [*labels, *((gap, label) for label, gap, _ in _sizes(found))]:
        table.add_row(label, *(f"{one[name].low * scale:+.2f} to {one[name].high * scale:+.2f}" for one in changes))
    return table


def _sizes(found: StudyResult) -> list[tuple[str, str, str]]:
    """A label, the name of the gap and its ending, for each number of held-out rows."""
    _, large, small, _ = found.counts
    sizes = [(f"gap, {count} rows", *own) for count, own in zip((large, small), SIZES.items(), strict=True)]
    return sizes if small < large else sizes[:1]


def _scale(found: StudyResult) -> float:
    return 100.0 if found.metric == "accuracy" else 1.0


def _mean(one: Interval, scale: float) -> str:
    return f"{one.mean * scale:.2f} ± {one.se * scale:.2f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
