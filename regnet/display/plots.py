"""Pictures. matplotlib is imported when one is drawn; everything drawn is handed over as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.display.figure import new_figure

__all__ = ["OKABE_ITO", "Regions", "norms_figure", "selection_figure", "stability_figure", "training_figure"]

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Colours that colour-blind readers can tell apart. Source: Okabe & Ito, Color Universal Design, 2008."""

# Twelve styles that can be told apart: yellow is too pale for a line on white, and sky blue means "more of these".
PATH_STYLES = tuple((OKABE_ITO[colour], dashes) for dashes in ("-", (0, (3, 1.2))) for colour in (0, 1, 2, 3, 5, 7))
MORE_COLOUR, OTHER_COLOUR = OKABE_ITO[4], "0.82"
FEW = 15
"""Up to this many strengths get a marker each: a path of one point has no line to see."""


class Regions(NamedTuple):
    """Decision regions over two inputs: grid axes (g0,), (g1,), the class number (g1, g0), points (n, 2), labels."""

    axis0: NDArray[Any]
    axis1: NDArray[Any]
    classes: NDArray[Any]
    points: NDArray[Any]
    labels: NDArray[Any]
    class_names: tuple[str, ...]
    input_names: tuple[str, str]


def training_figure(
    curves: dict[str, dict[str, NDArray[Any]]],
    epochs: NDArray[Any],
    title: str,
    regions: Regions | None = None,
) -> Any:
    """One panel for each entry of `curves` (its lines by name, against `epochs`), and one for the regions.

    Returns a matplotlib Figure; raises ImportError naming the extra if matplotlib is missing.
    """
    panels = len(curves) + (regions is not None)
    figure = new_figure(4.8 * panels, 4.4)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis, (label, lines) in zip(axes, curves.items(), strict=False):
        for colour, (name, values) in zip(OKABE_ITO, lines.items(), strict=False):
            axis.plot(epochs, values, label=name, color=colour, linewidth=1.6)
        axis.set(xlabel="epoch", ylabel=label)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    if regions is not None:
        _draw_regions(axes[-1], regions)
    figure.suptitle(title)
    return figure


def selection_figure(
    lambdas: NDArray[Any],
    mean: NDArray[Any],
    se: NDArray[Any],
    counts: NDArray[Any],
    best: int,
    one_se: int,
    *,
    paired: int | None = None,
    counted: str = "inputs",
    score_name: str,
    penalty: str,
    reference: NDArray[Any] | None = None,
) -> Any:
    """Held-out score mean +- se against the strength, as R's plot.cv.glmnet; on top, how many inputs are used.

    lambdas: (n,), >= 0, in increasing or decreasing order; a 0 is drawn at a tenth of the smallest positive one.
    mean, se, counts: (n,); where mean is not finite (a diverged network) nothing is drawn, where se is not, no bar.
    counted: what counts are of; best, one_se, paired: indices into lambdas, each a dashed line; reference: (n,), the
    mean of the pilot path.
    Returns a matplotlib Figure; raises ImportError naming the package if matplotlib is missing.
    Source: Friedman, Hastie & Tibshirani, Journal of Statistical Software 33(1), 2010.
    """
    lambdas, mean, se, counts = (np.asarray(values, dtype=float) for values in (lambdas, mean, se, counts))
    figure = new_figure(7.2, 4.8)
    axis = figure.subplots()
    x = _strength_axis(axis, lambdas, f"{penalty} strength (log scale)")
    kept, size = np.isfinite(mean), min(4.0, max(2.0, 200 / len(x)))
    keys = [
        axis.errorbar(
            x[kept], mean[kept], yerr=se[kept], fmt="o", markersize=size, color=OKABE_ITO[0], ecolor=OKABE_ITO[4],
            elinewidth=1, capsize=size / 2, label="mean ± 1 SE", zorder=3,
        )
    ]  # fmt: skip
    marks = [("best", best, OKABE_ITO[5], 0.0), ("1 SE", one_se, OKABE_ITO[2], 5.0)]
    marks += [] if paired is None else [("paired", paired, OKABE_ITO[3], 2.5)]
    for name, index, colour, offset in marks:
        # Where both lines fall on one strength, the dashes of either fill the gaps of the other.
        style = {"color": colour, "linewidth": 1.4, "linestyle": (offset, (5, 5)), "zorder": 1.8}
        keys.append(axis.axvline(x[index], label=f"{name}: {lambdas[index]:.3g}", **style))
    if reference is not None:
        pilot = np.asarray(reference, dtype=float)
        known = np.isfinite(pilot)
        style = {"color": "0.6", "linewidth": 1, "marker": "." if known.sum() <= FEW else ""}
        keys += axis.plot(x[known], pilot[known], label="pilot path", zorder=1, **style)
    axis.set(ylabel=f"held-out {score_name}")
    _fit_scores(axis, mean, se)
    axis.grid(axis="y", alpha=0.3)
    _count_axis(axis, x, np.where(kept, counts, np.nan), tuple(mark[1] for mark in marks), counted)
    figure.legend(handles=keys, loc="outside lower center", ncols=4, frameon=False, handlelength=2.8)
    return figure


def _fit_scores(axis: Any, mean: NDArray[Any], se: NDArray[Any]) -> None:
    """Limits that hold the scores and their bars, whatever else is drawn: a pilot path may be far below."""
    known = np.isfinite(mean)
    bars = np.where(np.isfinite(se), se, 0.0)[known]
    low, high = np.min(mean[known] - bars, initial=np.inf), np.max(mean[known] + bars, initial=-np.inf)
    if low < high < np.inf:
        axis.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def norms_figure(
    lambdas: NDArray[Any],
    norms: NDArray[Any],
    names: tuple[str, ...],
    chosen: int,
    *,
    title: str,
    ylabel: str,
) -> Any:
    """The norm of each input's weights against the strength; coloured where the input is used at lambdas[chosen].

    lambdas: (n,), as in `selection_figure`; norms: (n, inputs), a row with a value that is not finite is left out;
    names: (inputs,). The legend names the 12 largest norms at `chosen`; the rest of those used share one colour.
    Returns a matplotlib Figure; raises ImportError naming the package if matplotlib is missing.
    """
    lambdas, norms = np.asarray(lambdas, dtype=float), np.asarray(norms, dtype=float)
    at_chosen = np.nan_to_num(norms[chosen])
    order = np.argsort(-at_chosen, kind="stable")[: np.count_nonzero(at_chosen)]
    figure = new_figure(8.6, 4.8)
    axis = figure.subplots()
    x = _strength_axis(axis, lambdas, "strength (log scale)")
    line = axis.axvline(x[chosen], color="0.25", linewidth=1.2, linestyle="--", zorder=1.8)
    keys = _draw_paths(axis, x, norms, names, order, "not used")
    axis.set(title=title, ylabel=ylabel)
    axis.set_ylim(bottom=0)
    _side_legend(figure, [*keys, (line, f"chosen: {lambdas[chosen]:.3g}")])
    return figure


def stability_figure(
    lambdas: NDArray[Any],
    frequencies: NDArray[Any],
    names: tuple[str, ...],
    threshold: float,
) -> Any:
    """Stability paths: how often each input is selected, against the strength; coloured where it reaches `threshold`.

    An input is stable where max over strengths of its frequency >= threshold.
    lambdas: (n,), as in `selection_figure`; frequencies: (n, inputs) in [0, 1], a row with a value that is not finite
    is left out; names: (inputs,). The legend names the 12 highest maxima, the higher mean first where they tie.
    Returns a matplotlib Figure; raises ImportError naming the package if matplotlib is missing.
    Source: Meinshausen & Buehlmann, Stability selection, JRSS B 72(4), 2010, section 2.
    """
    lambdas, frequencies = np.asarray(lambdas, dtype=float), np.asarray(frequencies, dtype=float)
    known = np.where(np.isfinite(frequencies).all(axis=1, keepdims=True), frequencies, 0.0)
    highest = known.max(axis=0)
    order = np.lexsort((-known.mean(axis=0), -highest))[: np.count_nonzero(highest >= threshold)]
    figure = new_figure(8.6, 4.8)
    axis = figure.subplots()
    x = _strength_axis(axis, lambdas, "strength (log scale)")
    line = axis.axhline(threshold, color="0.25", linewidth=1.2, linestyle="--", zorder=1.8)
    keys = _draw_paths(axis, x, frequencies, names, order, "below it throughout")
    axis.set(title="stability paths", ylabel="frequency of selection", ylim=(-0.02, 1.03))
    _side_legend(figure, [*keys, (line, f"threshold: {threshold:.3g}")])
    return figure


def _strength_axis(axis: Any, lambdas: NDArray[Any], label: str) -> NDArray[Any]:
    """Make x a log axis that holds every strength. Returns where each is drawn: (n,), > 0."""
    positive = lambdas[lambdas > 0]
    low = positive.min() if positive.size else 1.0
    x = np.where(lambdas > 0, lambdas, low / 10)
    left, right = np.log10([x.min(), x.max()])
    margin = 0.04 * (right - left) or 0.5
    axis.set_xscale("log")
    axis.set_xlim(10 ** (left - margin), 10 ** (right + margin))
    axis.minorticks_off()
    ticks, labels = _strength_ticks(axis, positive) if positive.size else ([], [])
    if x.min() < low:
        ticks, labels = [low / 10, *ticks], ["0", *labels]
    if x.min() < low <= x.max():  # the axis is broken between 0 and the smallest positive strength
        axis.text(low / 10**0.5, 0, "//", transform=axis.get_xaxis_transform(), ha="center", va="center")
    axis.set_xticks(ticks, labels)
    axis.set_xlabel(label)
    return x


def _strength_ticks(axis: Any, positive: NDArray[Any]) -> tuple[list[float], list[str]]:
    """Powers of ten; 1, 2, 5 where there are few of those; the strengths themselves where there are few of either."""
    low, high = np.log10(positive.min()) - 1e-9, np.log10(positive.max()) + 1e-9
    decades = np.arange(np.floor(low), np.ceil(high) + 1)
    powers = [int(power) for power in decades if low <= power <= high]
    if len(powers) >= 3:
        powers = powers[:: -(-len(powers) // 8)]
        return [10.0**power for power in powers], [f"$10^{{{power}}}$" for power in powers]
    ticks = [digit * 10.0**power for power in decades for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= np.log10(tick) <= high]
    if len(ticks) < 3:
        ticks = [float(positive[index]) for index in _thinned(axis, positive, range(len(positive)), 6)]
    return ticks, [f"{tick:.3g}" for tick in ticks]


def _thinned(axis: Any, x: NDArray[Any], candidates: Iterable[int], characters: int) -> list[int]:
    """The candidates, first come first served, whose labels of so many characters do not touch on the log axis."""
    limits = np.log10(axis.get_xlim())
    # Of a width of about 6.3 inches, a digit of 9 points takes 1.3 %; at most 15 labels.
    gap = max(1 / 15, 0.013 * (characters + 1.5)) * (limits[1] - limits[0])
    kept: list[int] = []
    for index in candidates:
        if all(abs(np.log10(x[index] / x[other])) >= gap for other in kept):
            kept.append(index)
    return kept


def _count_axis(axis: Any, x: NDArray[Any], counts: NDArray[Any], first: tuple[int, ...], counted: str) -> None:
    """Label the top with counts: (n,), NaN for none; the indices in `first` before all others."""
    known = np.isfinite(counts)
    labels = [f"{count:.0f}" for count in counts]
    candidates = [index for index in (*first, *range(len(x))) if known[index]]
    longest = max((len(labels[index]) for index in candidates), default=1)
    shown = sorted(_thinned(axis, x, candidates, longest), key=lambda index: float(x[index]))
    top = axis.twiny()
    top.set_xscale("log")
    top.set_xlim(axis.get_xlim())
    top.minorticks_off()
    top.set_xticks([x[index] for index in shown], [labels[index] for index in shown], fontsize=9)
    top.set_xlabel(f"{counted} used")


def _draw_paths(
    axis: Any,
    x: NDArray[Any],
    values: NDArray[Any],
    names: tuple[str, ...],
    order: NDArray[Any],
    others: str,
) -> list[tuple[Any, str]]:
    """One line for each column of values: (n, inputs), coloured where it is in `order`, largest first, else grey.

    Returns pairs (line, text) for a legend: the first twelve by name, then how many more, then how many `others`.
    """
    kept = np.isfinite(values).all(axis=1)
    marker = "o" if kept.sum() <= FEW else ""

    def draw(index: int, **style: Any) -> Any:
        return axis.plot(x[kept], values[kept, index], marker=marker, markersize=3, label=names[index], **style)[0]

    keys = [
        (draw(index, color=colour, linestyle=dashes, linewidth=1.6, zorder=3), names[index])
        for index, (colour, dashes) in zip(order, PATH_STYLES, strict=False)
    ]
    more = [draw(index, color=MORE_COLOUR, linewidth=0.9, zorder=1.6) for index in order[len(PATH_STYLES) :]]
    grey = np.setdiff1d(np.arange(values.shape[1]), order)
    rest = [draw(index, color=OTHER_COLOUR, linewidth=0.6, zorder=1.2) for index in grey]
    for lines, text in ((more, "more"), (rest, others)):
        keys += [(line, f"{len(lines)} {text}") for line in lines[:1]]
    return keys


def _side_legend(figure: Any, keys: list[tuple[Any, str]]) -> None:
    """A legend beside the axes; a long name loses its middle, as names often differ in their ends."""
    legend = figure.legend(
        [line for line, _ in keys], [" "] * len(keys), loc="outside right upper", frameon=False, fontsize=9
    )
    for line in legend.get_lines():
        line.set_linewidth(max(1.4, line.get_linewidth()))
    for text, (_, name) in zip(legend.get_texts(), keys, strict=True):
        # Set afterwards and verbatim: as labels, names such as "_x" would be dropped and "a$b$" read as formulas.
        text.set_parse_math(False)
        text.set_text(name if len(name) <= 26 else f"{name[:14]}…{name[-11:]}")


def _draw_regions(axis: Any, regions: Regions) -> None:
    from matplotlib.colors import ListedColormap

    count = len(regions.class_names)
    colours = [OKABE_ITO[number % len(OKABE_ITO)] for number in range(count)]
    axis.pcolormesh(
        regions.axis0, regions.axis1, regions.classes, cmap=ListedColormap(colours), vmin=-0.5, vmax=count - 0.5,
        alpha=0.25, shading="nearest", rasterized=True,
    )  # fmt: skip
    for number, name in enumerate(regions.class_names):
        chosen = np.asarray(regions.labels) == number
        axis.scatter(*regions.points[chosen].T, s=5, color=colours[number], label=name, linewidths=0)
    axis.set(xlabel=regions.input_names[0], ylabel=regions.input_names[1], title="decision regions, held-out rows")
    axis.legend(frameon=False, markerscale=3, loc="upper right")
