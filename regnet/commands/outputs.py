"""What the commands write: checked before anything is computed, and written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from regnet.networks.whole_files import write_whole

__all__ = ["check_outputs", "check_picture", "write_picture", "write_text"]


def check_outputs(outputs: Mapping[str, Path | None], inputs: Mapping[str, str | Path | None]) -> None:
    """Find out before training that a file cannot be written after it, or would replace one that is read.

    Both by option or argument. Raises ValueError.
    """
    taken = {_place(path): name for name, path in inputs.items() if path is not None and Path(path).exists()}
    for option, path in outputs.items():
        if path is None:
            continue
        folder = path.parent if str(path.parent) else Path()
        if not folder.is_dir():
            raise ValueError(f"{option} {str(path)!r}: there is no folder {str(folder)!r}.")
        if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
            raise ValueError(f"{option} {str(path)!r} cannot be written.")
        place = _place(path)
        if place in taken:
            raise ValueError(f"{option} {str(path)!r} would replace {taken[place]}: give it another name.")
        if not path.exists() or path.is_file():  # a device may take several
            taken[place] = f"what {option} writes"


def _place(path: str | Path) -> tuple[int, int] | str:
    """What two names of one file have in common."""
    given = Path(path)
    if given.exists():
        found = given.stat()
        return found.st_dev, found.st_ino
    return str(given.resolve())


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


def write_text(path: Path, text: str) -> None:
    """Write text, UTF-8."""
    write_whole(path, text.encode())


def write_picture(path: Path, figure: Any) -> None:
    """Write a figure of matplotlib as the file's ending says, a PNG without one."""
    content = BytesIO()
    figure.savefig(content, dpi=120, format=path.suffix[1:].lower() or "png")
    write_whole(path, content.getvalue())
