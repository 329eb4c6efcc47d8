"""What a study says: its answer, two tables, figures for --json."""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from regnet.commands.study_run import Asking
from regnet.commands.terminal import say
from regnet.studies import StudyResult
from regnet.studies.lines import change_lines, evasion_line, finding_lines

__all__ = ["print_beginning", "print_study", "print_trained", "study_figures"]


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


def print_trained(number: int, total: int) -> None:
    """A line a seed, where no bar is seen: in a file, or a log."""
    say(f"seed {number} of {total} at {time.strftime('%H:%M:%S')}")
    sys.stdout.flush()


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
    if told := evasion_line(found):
        say(told)
    if found.diverged.any():
        say(f"{int(found.diverged.sum())} networks diverged, and are measured where they were last good")


def study_figures(found: StudyResult, asking: Asking) -> dict[str, Any]:
    """The figures of a study for --json."""
    strengths = {name: {key: list(values) for key, values in own.items()} for name, own in asking.penalties.items()}
    return {"data": asking.data, "epochs": asking.recipe.epochs, "strengths": strengths, **found.to_dict()}


def _findings(found: StudyResult) -> RichTable:
    """A column a penalty, 80 characters in all."""
    table = RichTable("", *found.penalties)
    for line in finding_lines(found):
        table.add_row(*line)
    return table


def _changes(found: StudyResult) -> RichTable:
    """Intervals of the mean differences to the first penalty, seed by seed."""
    table = RichTable("", *found.penalties[1:], title=f"change from {found.penalties[0]}, seed by seed, 95 % intervals")
    for line in change_lines(found):
        table.add_row(*line)
    return table


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
