"""`regnet predict`."""

from __future__ import annotations

import csv
import shlex
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import numpy as np
import typer
from numpy.typing import NDArray

from regnet.commands.options import check_choices
from regnet.commands.outputs import check_outputs
from regnet.commands.saving import SavedModel, load_model
from regnet.commands.terminal import plain, say
from regnet.networks.whole_files import whole_text
from regnet.tables.encoding import EncodedColumn, encode
from regnet.tables.frame import Frame
from regnet.tables.trained import open_inputs

__all__ = ["predict"]

CELLS = 2**21
"""Cells of the table, encoded, that are held at once."""


def predict(
    model: Annotated[str, typer.Argument(help="a file that regnet fit or select --save wrote")],
    data: Annotated[str, typer.Argument(help="file with the same input columns (CSV, Parquet, Excel, NPY, ...)")],
    output: Annotated[Path | None, typer.Option(help="write a CSV here instead of to standard output")] = None,
    unseen: Annotated[str, typer.Option(help="text that training has not seen: zeros (all its inputs), or error")] = (
        "zeros"
    ),
) -> None:
    """Predict: a CSV with one row per row of DATA; for classes also every class's probability.

    A part of the rows at a time, so that a table may be larger than the memory. Names of classes are written as they
    are: a spreadsheet may take one that begins with = + - or @ for a formula.
    """
    check_outputs({"--output": output}, {"MODEL": model, "DATA": data})
    check_choices(("--unseen", unseen, ("zeros", "error")))
    if Path(data).suffix == ".safetensors" and Path(model).suffix != ".safetensors":
        raise ValueError(f"{data!r} is a model, and comes first: {shlex.join(['regnet', 'predict', data, model])}")
    saved = load_model(model)
    unheaded, unused = (saved.unheaded, saved.target_name), saved.unused
    refuse_unseen = unseen == "error"
    with open_inputs(data, saved.columns, unheaded, unused=unused, refuse_unseen=refuse_unseen) as (frame, notes):
        for note in notes:
            say(f"regnet: note: {note}", error=True)
        width = sum(len(one.parts) for one in saved.columns)
        step = max(1, CELLS // width)
        with _opened(output) as file:
            writer = csv.writer(file)
            writer.writerow(_header(saved))
            for start in range(0, len(frame), step):
                part = frame.take(slice(start, start + step))
                x = np.concatenate([_encoded(one, part, unused) for one in saved.columns], axis=1)
                writer.writerows(_rows(saved, np.asarray(saved.model.predict(x), dtype=np.float64)))
        if output is not None:
            say(f"regnet: written: {output}, {len(frame):,} rows", error=True)


def _encoded(column: EncodedColumn, part: Frame, unused: Collection[str]) -> NDArray[np.float64]:
    """A column as the network takes it; 0 of one that it does not look at, and that may not be there."""
    if column.name in unused:
        return np.zeros((len(part), len(column.parts)))
    return encode(column, part[column.name])


@contextmanager
def _opened(output: Path | None) -> Iterator[Any]:
    """The file, which is written whole or not at all, or standard output."""
    if output is not None:
        with whole_text(output) as file:
            yield file
        return
    looked_at = sys.stdout.isatty()
    encoding = sys.stdout.encoding if looked_at else "utf-8"  # of files, whatever a terminal would show
    number = sys.stdout.fileno()
    with open(number, "w", closefd=False, newline="", encoding=encoding, errors="backslashreplace") as file:
        yield _Screen(file) if looked_at else file


class _Screen:
    """Standard output where somebody looks at it: what a file would hold as it is, a terminal is told plainly."""

    def __init__(self, file: TextIO) -> None:
        """file: a terminal."""
        self._file = file

    def write(self, text: str) -> int:
        """As a file's; the line ends of a CSV are those of the terminal."""
        return self._file.write(plain(text.replace("\r\n", "\n")))


def _header(saved: SavedModel) -> list[str]:
    return [saved.target_name, *(f"p({name})" for name in saved.classes or ())]


def _rows(saved: SavedModel, values: NDArray[np.float64]) -> Iterator[Sequence[Any]]:
    """Cells of the file, a row each: the class and probabilities, or the value."""
    if saved.classes is None:
        return ([repr(value)] for value in values[:, 0].tolist())
    classes = saved.classes
    if values.shape[-1] == 1:  # two classes have one output: the probability of the second
        values = np.concatenate([1 - values, values], axis=-1)
    best = values.argmax(axis=-1).tolist()
    return ([classes[k], *(f"{p:.6g}" for p in row)] for k, row in zip(best, values.tolist(), strict=True))
