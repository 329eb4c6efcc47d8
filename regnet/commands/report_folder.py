"""The folder of --report: a page for readers; pictures, figures and the model for whoever goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regnet.commands.outputs import check_outputs, check_picture, write_picture
from regnet.reports import Report
from regnet.reports.page import Page, check_libraries

__all__ = ["check_folder", "write_folder"]

PAGE = "report.html"
KINDS = ("png", "svg")
"""Of pictures: for slides, and for print."""


def check_folder(
    folder: Path, files: Sequence[str], pictures: Sequence[str], inputs: Mapping[str, str | Path | None]
) -> None:
    """Find out before training that the files of a folder cannot be written, or would replace one that is read.

    Raises ValueError.
    """
    try:
        check_libraries()
    except ImportError as error:
        raise ValueError(f"--report: {error}") from None
    check_picture("--report", folder / "picture.png")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--report {str(folder)!r} is a file: give a folder.")
    names = [PAGE, *files, *(f"{name}.{kind}" for name in pictures for kind in KINDS)]
    inside: dict[str, Path | None] = {f"--report's {name}": folder / name for name in names} if folder.exists() else {}
    check_outputs(inside or {"--report": folder.absolute()}, inputs)


def write_folder(folder: Path, page: Page, pictures: Mapping[str, Any]) -> None:
    """Write the page, and figures of matplotlib by their names, into a folder that is there."""
    Report(page).save(folder / PAGE)
    for name, figure in pictures.items():
        for kind in KINDS:
            write_picture(folder / f"{name}.{kind}", figure)
