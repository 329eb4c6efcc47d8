"""A progress bar with time left, in a terminal or a notebook; elsewhere it stays quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn

__all__ = ["Bar", "Pace", "progress_bar"]


class Bar:
    """The handle of a running bar, or of one that nobody sees."""

    def __init__(
        self, shown: tuple[Progress, TaskID] | None, notebook: Callable[[Task], None] = lambda task: None
    ) -> None:
        """Made by `progress_bar`. notebook: shows a task in one."""
        self._shown, self._notebook = shown, notebook

    def update(self, done: int, text: str | None = None) -> None:
        """Show that `done` units are done, with a short text such as the current loss."""
        if self._shown is None:
            return
        progress, task = self._shown
        if text is not None:
            progress.update(task, text=text)
        progress.update(task, completed=done)
        self._notebook(progress.tasks[task])


@contextmanager
def progress_bar(total: int, description: str, *, enabled: bool = True) -> Iterator[Bar]:
    """A bar over `total` units on standard output, or in a notebook's cell; it vanishes at the end."""
    console = Console() if enabled else None
    if console is not None and console.is_jupyter:
        with _notebook_bar(total, description) as bar:
            yield bar
        return
    if console is None or not console.is_terminal:
        yield Bar(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar((progress, progress.add_task(description, total=total, text="")))


@contextmanager
def _notebook_bar(total: int, description: str) -> Iterator[Bar]:
    from regnet.display.notebook_bar import NotebookBar

    progress, shown = Progress(disable=True), NotebookBar()
    try:
        yield Bar((progress, progress.add_task(description, total=total, text="")), shown.show)
    finally:
        shown.close()


class Pace:
    """How many units to do before looking up again: about `seconds` of work."""

    def __init__(self, seconds: float = 0.2) -> None:
        """Start with one unit."""
        self._seconds, self._size, self._since = seconds, 1, time.perf_counter()
        self._waited = self._since

    def next(self) -> int:
        """The number of units to do now; call it once before each portion."""
        now = time.perf_counter()
        elapsed, self._since = now - self._since, now
        if elapsed < self._seconds / 2:
            self._size *= 2
        elif elapsed > 2 * self._seconds:
            self._size = max(1, self._size // 2)
        return self._size

    def wait(self, synchronize: Callable[[], None], *, at_once: bool) -> None:
        """Let what was only queued on a device be done, at once or if the last time is `seconds` ago.

        Without that a host would run ahead of its device, count what has not been done, and not be interrupted.
        """
        if at_once or time.perf_counter() - self._waited > self._seconds:
            synchronize()
            self._waited = time.perf_counter()
