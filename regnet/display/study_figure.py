"""The gap between training and held-out rows, network by network, penalty by penalty."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.display.figure import new_figure
from regnet.display.plots import OKABE_ITO

__all__ = ["GapPanel", "study_figure"]

MARKS = "osD^v<>"
"""One shape a penalty, for grey print."""


class GapPanel(NamedTuple):
    """One size of the held-out set: gaps (penalties, seeds), their means with low and high, and shares below 0."""

    title: str
    gaps: NDArray[np.float64]
    means: list[Any]
    above: list[Any]


def study_figure(panels: list[GapPanel], penalties: tuple[str, ...], metric: str, title: str) -> Any:
    """A column of dots a penalty, one for each seed, beside their mean and its 95 % interval; a panel for each size.

    Dots above the line of 0 are networks that score higher on the rows that they were trained on.
    Returns a matplotlib Figure; raises ImportError naming the package if matplotlib is missing.
    """
    scale, unit = (100.0, "points (0.01) of accuracy") if metric == "accuracy" else (1.0, metric)
    figure = new_figure(5.2 * max(len(panels), 1.4), 5.4)
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, penalties, scale)
    axes[0].set_ylabel(f"training minus held-out {metric}, {unit}")
    figure.suptitle("\n".join(textwrap.wrap(title, width=105 if len(panels) > 1 else 75)), fontsize=10)
    return figure


def _draw(axis: Any, panel: GapPanel, penalties: tuple[str, ...], scale: float) -> None:
    seeds = panel.gaps.shape[1]
    spread = np.linspace(-0.18, 0.18, seeds) if seeds > 1 else np.zeros(1)
    for k, (gaps, mean) in enumerate(zip(panel.gaps, panel.means, strict=True)):
        colour, mark = OKABE_ITO[k % 4], MARKS[k % len(MARKS)]
        axis.plot(k - 0.12 + spread, gaps * scale, mark, color=colour, alpha=0.55, markersize=4.5, zorder=2)
        if np.isfinite(mean.low):
            error = [[(mean.mean - mean.low) * scale], [(mean.high - mean.mean) * scale]]
            axis.errorbar([k + 0.28], [mean.mean * scale], yerr=error, fmt="_", color="black", capsize=4, zorder=3)
    axis.axhline(0.0, color="0.25", linewidth=1.2, linestyle="--", zorder=1)
    ticks = [
        f"{name}\nheld out above:\n{above.hits} of {above.total}"
        for name, above in zip(penalties, panel.above, strict=True)
    ]
    axis.set_xticks(range(len(penalties)), ticks)
    axis.set_xlim(-0.5, len(penalties) - 0.5)
    axis.set_title(panel.title)
    axis.grid(axis="y", alpha=0.3)
    axis.text(0.01, 0.01, "dots: seeds; bars: mean, 95 % interval", transform=axis.transAxes, fontsize=8, color="0.3")
