"""The report of a study: whether the penalty helped, over many seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regnet.reports.charts import gap_chart
from regnet.reports.facts import versions
from regnet.reports.page import Figure, Page, Table
from regnet.studies import StudyResult
from regnet.studies.lines import change_lines, evasion_line, finding_lines, scale_of

__all__ = ["study_page"]


def study_page(found: StudyResult, *, title: str, notes: Sequence[str], facts: Mapping[str, str]) -> Page:
    """What many trainings with several penalties say."""
    _, large, small, _ = found.counts
    sizes = [(large, False)] + ([(small, True)] if small < large else [])
    parts: list[Figure | Table] = [_changes(found), *(_gaps(found, count, subset=subset) for count, subset in sizes)]
    parts.append(_findings(found))
    if told := evasion_line(found):
        notes = [*notes, told[0].upper() + told[1:] + "."]
    count = int(found.diverged.sum())
    if count:
        notes = [*notes, f"{count} networks diverged, and are measured where they were last good."]
    epochs = found.epochs
    measured = (
        f"a network's figure is the median of {len(epochs)} measurements in epochs {epochs[0]:,} to {epochs[-1]:,}"
    )
    return Page(title, found.answer, notes, parts, {**facts, "measured": measured, **versions(found)})


def _gaps(found: StudyResult, count: int, *, subset: bool) -> Figure:
    key = "gap_subset" if subset else "gap"
    intervals = [getattr(found.finding(name), key) for name in found.penalties]
    return Figure(
        f"Training minus held-out {found.metric}{_unit(found)}, {count:,} rows held out",
        "A tick is a seed, the diamond their mean with its 95 % interval. Right of the dashed line the training rows "
        "score higher; left of it held-out rows do.",
        gap_chart(found.gaps(subset=subset), found.penalties, intervals, found.metric, scale_of(found)),
    )  # fmt: skip


def _changes(found: StudyResult) -> Table:
    return Table(
        "What each penalty changes",
        f"Compared to {found.penalties[0]} seed by seed, 95 % intervals{_unit(found)}. An interval that holds 0 says "
        "that these seeds show no change.",
        ["", *found.penalties[1:]], change_lines(found),
    )  # fmt: skip


def _findings(found: StudyResult) -> Table:
    best = "" if found.ceiling is None else f" The best possible on fresh rows is {100 * found.ceiling:.2f}."
    return Table(
        "In figures",
        f"{found.metric}{_unit(found)}, mean ± standard error over {len(found.seeds)} seeds. A gap is training minus "
        f"held-out {found.metric}; below 0 held-out rows scored higher. W^2 is the sum of a layer's squared weights."
        f"{best}",
        ["", *found.penalties], finding_lines(found),
    )  # fmt: skip


def _unit(found: StudyResult) -> str:
    return " in %" if found.metric == "accuracy" else ""
