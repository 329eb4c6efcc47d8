"""A bar in a notebook: a line of HTML that is written anew, by IPython, which a notebook has."""

from __future__ import annotations

import time
from html import escape
from typing import final

from rich.progress import Task, TimeRemainingColumn

__all__ = ["NotebookBar"]

SECONDS = 0.2
"""Between two writings."""


@final
class NotebookBar:
    """Shows a task of rich's; without ipywidgets, which rich's own bar would need."""

    def __init__(self) -> None:
        """An empty line."""
        from IPython.display import HTML, display

        self._html, self._handle = HTML, display(HTML(""), display_id=True)
        self._shown, self._left = 0.0, TimeRemainingColumn(compact=True)

    def show(self, task: Task) -> None:
        """Write how far it is, if that was not done just now."""
        now = time.perf_counter()
        if now - self._shown < SECONDS:
            return
        self._shown = now
        told = f"{task.description} {task.completed:,.0f}/{task.total:,.0f} {self._left.render(task).plain}"
        text = escape(f"{told} {task.fields['text']}".strip())
        bar = f'<progress value="{task.completed:.0f}" max="{task.total:.0f}"></progress>'
        self._handle.update(self._html(f"{bar} {text}"))

    def close(self) -> None:
        """Leave nothing behind."""
        self._handle.update(self._html(""))
