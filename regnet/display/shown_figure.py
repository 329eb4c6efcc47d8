"""Figures that a notebook shows. Importing this file needs matplotlib."""

from __future__ import annotations

from io import BytesIO
from typing import final

from matplotlib.figure import Figure

__all__ = ["ShownFigure"]


@final
class ShownFigure(Figure):
    """A Figure that shows itself: pyplot, which tells notebooks how, need not have been imported."""

    def _repr_png_(self) -> bytes:
        """The picture, as a notebook asks for it."""
        content = BytesIO()
        self.savefig(content, format="png", dpi=100)
        return content.getvalue()
