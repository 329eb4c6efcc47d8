"""What the commands have in common: reading options, and finding out early that they cannot be obeyed."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from regnet.tables import datasets, files
from regnet.tables.table import Table

__all__ = ["check_choices", "check_picture", "check_writable", "load_data", "parse_numbers"]


def parse_numbers(kind: type, name: str, text: str | None) -> tuple[Any, ...] | None:
    """A comma-separated option: numbers of one kind."""
    if text is None:
        return None
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip()) if text.strip() else ()
    except ValueError:
        example = "256,128" if kind is int else "1e-3,0"
        raise ValueError(f"{name} {text!r}: give numbers separated by commas, such as {example}.") from None


def check_writable(option: str, path: Path | None) -> None:
    """Find out before training that a file cannot be written after it."""
    if path is None:
        return
    folder = path.parent if str(path.parent) else Path()
    if not folder.is_dir():
        raise ValueError(f"{option} {str(path)!r}: there is no folder {str(folder)!r}.")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise ValueError(f"{option} {str(path)!r} cannot be written.")


def check_choices(*options: tuple[str, str | None, Collection[str]]) -> None:
    """Raise ValueError for an option, (name, value, allowed), whose value is not allowed."""
    for option, value, allowed in options:
        if value is not None and value not in allowed:
            raise ValueError(f"{option} {value!r} is unknown: choose one of {', '.join(allowed)}.")


def load_data(
    data: str,
    target: str | None,
    task: str | None,
    seed: int,
    *,
    keep_row_numbers: bool = False,
    without: Collection[str] = (),
) -> Table:
    """The data set or file called `data`; what a user should know of a file is printed.

    without: columns of a file that are not looked at.
    """
    if data not in datasets.NAMES:
        table = files.read_table(data, target, task=task, keep_row_numbers=keep_row_numbers, without=without)
        for note in table.notes:
            print(f"note: {note}")
        return table
    if target is not None:
        raise ValueError(f"--target is for files; {data} has its own target.")
    return datasets.load(data, seed=seed)


def check_picture(option: str, path: Path) -> None:
    """Find out before training that a picture of this kind cannot be drawn."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ValueError(f"{option} needs matplotlib: pip install matplotlib.") from None
    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{option} {str(path)!r}: {path.suffix} is no kind of picture: choose one of {', '.join(known)}."
        )
