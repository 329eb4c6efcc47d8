"""Empty figures. matplotlib is imported when one is made."""

from __future__ import annotations

from typing import Any

__all__ = ["new_figure"]


def new_figure(width: float, height: float) -> Any:
    """A matplotlib Figure of that size in inches, which notebooks show.

    Raises ImportError naming the package if matplotlib is missing.
    """
    try:
        from regnet.display.shown_figure import ShownFigure
    except ImportError as error:
        raise ImportError("Plots need matplotlib: pip install matplotlib.") from error
    return ShownFigure(figsize=(width, height), layout="constrained")
