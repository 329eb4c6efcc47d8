"""Pictures. matplotlib is imported when one is drawn; everything drawn is handed over as numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Regions", "training_figure"]

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Colours that colour-blind readers can tell apart. Source: Okabe & Ito, Color Universal Design, 2008."""


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
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Plots need matplotlib: pip install matplotlib.") from error
    panels = len(curves) + (regions is not None)
    figure = Figure(figsize=(4.8 * panels, 4.4), layout="constrained")
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
