"""What a study found, in lines of text: for the terminal and for a report."""

from __future__ import annotations

import math

from regnet.mathematics.intervals import Interval, Share
from regnet.studies.result import StudyResult

__all__ = ["change_lines", "evasion_line", "finding_lines", "scale_of"]

SIZES = {"gap": "", "gap_subset": "_subset"}
"""What a finding calls the gap on all held-out rows and on few of them, and the ending of what goes with it."""


def finding_lines(found: StudyResult, /) -> list[list[str]]:
    """A label and a cell for each penalty: means with standard errors, intervals, medians, shares, norms.

    Accuracies are in %.
    """
    own, scale = [found.finding(name) for name in found.penalties], scale_of(found)
    lines = [["training", *(_mean(one.train, scale) for one in own)]]
    for label, gap, ending in _sizes(found):
        gaps: list[Interval] = [getattr(one, gap) for one in own]
        shares: list[Share] = [getattr(one, f"above{ending}") for one in own]
        lines += [
            [label, *(_mean(one, scale) for one in gaps)],
            ["  95 %", *(f"{one.low * scale:.2f} to {one.high * scale:.2f}" for one in gaps)],
            ["  median", *(f"{one.median * scale:.2f}" for one in gaps)],
            ["  below 0 in", *(f"{one.hits} of {one.total}" for one in shares)],
            ["  95 %", *(f"{100 * one.low:.0f} to {100 * one.high:.0f} %" for one in shares)],
        ]
    if found.counts[-1]:
        lines.append(["fresh", *("" if one.fresh is None else _mean(one.fresh, scale) for one in own)])
    for layer in range(found.norms.shape[-1]):
        lines.append([f"W^2 of layer {layer}", *(f"{one.norms[layer]:,.4g}" for one in own)])
    return lines


def change_lines(found: StudyResult, /) -> list[list[str]]:
    """A label and for each further penalty the interval of its mean difference to the first, seed by seed."""
    scale, changes = scale_of(found), [found.change(name) for name in found.penalties[1:]]
    labels = [("train", "training"), ("held_out", f"{found.counts[1]} held out")]
    labels += [("fresh", "fresh")] if found.counts[-1] else []
    labels += [(gap, label) for label, gap, _ in _sizes(found)]
    return [
        [label, *(f"{one[name].low * scale:+.2f} to {one[name].high * scale:+.2f}" for one in changes)]
        for name, label in labels
    ]


def evasion_line(found: StudyResult, /) -> str:
    """A line of the penalties that are evaded; empty where there are none."""
    evasions = {name: found.evasion(name) for name in found.penalties[1:]}
    told = [
        f"{name} (sum W^2 {math.exp(own[0].mean):.3g} times in layers with it, {math.exp(own[1].mean):.3g} in others)"
        for name, own in evasions.items()
        if own is not None
    ]
    if not told:
        return ""
    return f"evaded, beside {found.penalties[0]}: {', '.join(told)}; a strength that is one number penalises all layers"


def scale_of(found: StudyResult, /) -> float:
    """100 for accuracies, which are told in %."""
    return 100.0 if found.metric == "accuracy" else 1.0


def _sizes(found: StudyResult) -> list[tuple[str, str, str]]:
    """A label, the name of the gap and its ending, for each number of held-out rows."""
    _, large, small, _ = found.counts
    sizes = [(f"gap, {count} rows", *own) for count, own in zip((large, small), SIZES.items(), strict=True)]
    return sizes if small < large else sizes[:1]


def _mean(one: Interval, scale: float) -> str:
    return f"{one.mean * scale:.2f} ± {one.se * scale:.2f}"
