"""The report of a study: whether the penalty helped, over many seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regnet.reports.charts import gap_chart
from regnet.reports.facts import versions
from regnet.reports.page import Figure, Page, Table
from regnet.studies import StudyResult

__all__ = ["study_page"]


def study_page(found: StudyResult, *, title: str, notes: Sequence[str], facts: Mapping[str, str]) -> Page:
    """What many trainings with several penalties say."""
    _, large, small, _ = found.counts
    sizes = [(large, False)] + ([(small, True)] if small < large else [])
    parts: list[Figure | Table] = [_gaps(found, count, subset=subset) for count, subset in sizes]
    parts += [_findings(found), _norms(found)]
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
        f"Training minus held-out {found.metric}, {count:,} rows held out",
        "A tick is a seed, the diamond their mean with its 95 % interval. Right of the dashed line the training rows "
        "score higher; left of it held-out rows do.",
        gap_chart(found.gaps(subset=subset), found.penalties, intervals, found.metric),
    )  # fmt: skip


def _findings(found: StudyResult) -> Table:
    rows = []
    for name in found.penalties:
        own = found.finding(name)
        shares = [
            f"{one.hits} of {one.total} ({one.low:.0%} to {one.high:.0%})" for one in (own.above, own.above_subset)
        ]
        means = [own.train, own.held_out, own.gap, own.gap_subset, *([own.fresh] if own.fresh is not None else [])]
        rows.append([name, *(f"{one.mean:.4f} ± {one.se:.4f}" for one in means), *shares])
    _, large, small, fresh = found.counts
    header = ["penalty", "training", "held out", f"gap, {large:,} rows", f"gap, {small:,} rows"]
    header += [f"{fresh:,} fresh rows"] if found.finding(found.penalties[0]).fresh is not None else []
    header += [f"held out above, {large:,} rows", f"the same, {small:,} rows"]
    best = "" if found.ceiling is None else f" The best possible on fresh rows is {found.ceiling:.4f}."
    return Table(
        "In figures",
        f"{found.metric}, mean ± standard error over {len(found.seeds)} seeds; of shares 95 % intervals.{best}",
        header, rows,
    )  # fmt: skip


def _norms(found: StudyResult) -> Table:
    layers = range(found.norms.shape[-1])
    rows = [[name, *(f"{value:.4g}" for value in found.finding(name).norms)] for name in found.penalties]
    return Table(
        "Sums of squared weights", "By layer, at the end: a penalty on one layer alone may be evaded by another.",
        ["penalty", *(f"layer {layer}" for layer in layers)], rows,
    )  # fmt: skip
