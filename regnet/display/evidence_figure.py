"""How much more inputs are used than their knockoffs, draw by draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.display.figure import new_figure
from regnet.display.plots import OKABE_ITO

__all__ = ["evidence_figure"]

SHOWN = 20


def evidence_figure(
    statistics: NDArray[Any], selected: NDArray[np.bool_], values: NDArray[Any], names: tuple[str, ...]
) -> Any:
    """A row of dots for each of the 20 inputs with the most evidence (then the largest statistics), selected coloured.

    statistics: (draws, inputs), positive where the input is used more than its knockoff; selected, values: (inputs,).
    Returns a matplotlib Figure; raises ImportError naming the package if matplotlib is missing.
    """
    order = np.lexsort((-statistics.mean(axis=0), -values))[:SHOWN]
    figure = new_figure(7.2, 1.4 + 0.24 * len(order))
    axis = figure.subplots()
    for row, number in enumerate(order):
        colour = OKABE_ITO[0] if selected[number] else "0.6"
        height = np.full(len(statistics), row)
        axis.plot(statistics[:, number], height, "o", color=colour, alpha=0.6, markersize=5)
    axis.axvline(0.0, color="0.25", linewidth=1.2, linestyle="--")
    axis.set_yticks(range(len(order)), [names[number] for number in order])
    axis.invert_yaxis()
    axis.set(title="inputs against their knockoffs", xlabel="used more than its knockoff, by draw")
    return figure
