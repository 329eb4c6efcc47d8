"""`regnet show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from regnet.arrays.tree import leaves
from regnet.commands.saving import SavedModel, load_model
from regnet.commands.terminal import plain
from regnet.mathematics.activations import get_activation
from regnet.tables.dates import told_days
from regnet.tables.encoding import EncodedColumn
from regnet.tables.table import short

__all__ = ["show"]


def show(model: Annotated[str, typer.Argument(help="a file that regnet fit or select --save wrote")]) -> None:
    """Print what a model's file holds: inputs and which are used, strengths, layers, scores, versions, command."""
    saved, console = load_model(model), Console()
    weights = [np.asarray(weight) for weight in leaves(saved.model.numpy_params())[::2]]
    for line in _facts(model, saved):
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)  # a command is copied as it is
    console.print(_inputs(saved.columns, weights[0]))
    layers = RichTable("layer", "weights", "at exactly zero", "activation")
    for number, (layer, weight) in enumerate(zip(saved.model.network.dense_layers, weights, strict=True)):
        name = type(get_activation(layer.activation)).__name__
        layers.add_row(str(number), " x ".join(map(str, weight.shape)), f"{np.mean(weight == 0):.1%}", name)
    console.print(layers)


def _facts(path: str, saved: SavedModel) -> Iterator[str]:
    """Lines of what the file says, as far as it says it."""
    about = saved.about
    task = about.get("task", "regression" if saved.classes is None else "classification")
    rows = f", {about['rows']} rows of {about['data']}" if {"rows", "data"} <= about.keys() else ""
    yield f"{path}: {task} of {saved.target_name!r}{rows}"
    if saved.classes is not None:
        yield f"classes: {short(saved.classes)}"
    if "penalties" in about:
        strengths = (
            f"{name} {', '.join(f'{one:.3g}' for one in values)}" for name, values in about["penalties"].items()
        )
        yield f"penalty: {'; '.join(strengths) or 'none'}" + (
            f" (chosen by {about['rule']})" if "rule" in about else ""
        )
    if "scores" in about:
        yield "; ".join(f"{name}: {score:.4f}" for name, score in about["scores"].items())
    if {"inputs", "used"} <= about.keys():
        yield f"inputs used: {len(about['used'])} of {len(about['inputs'])} ({short(about['used']) or 'none'})"
    if "versions" in about:
        yield ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    if "command" in about:
        yield f"made by: {about['command']}"


def _inputs(columns: Sequence[EncodedColumn], weight: NDArray[Any]) -> RichTable:
    """The columns of a table that the network takes, and which of them it uses."""
    table = RichTable("column", "holds", "where missing", "used")
    start = 0
    for one in columns:
        rows = weight[start : start + len(one.parts)]
        start += len(one.parts)
        holds = f"text: {short(one.levels)}" if one.kind == "factor" else f"{one.kind}s"
        cells = (Text(plain(text)) for text in (one.name, holds, _fill(one)))  # [b] is no markup
        table.add_row(*cells, "yes" if rows.any() else "no")
    return table


def _fill(column: EncodedColumn) -> str:
    """What stands where there is no value."""
    if column.fill is None:
        return "an error"
    if isinstance(column.fill, str):
        return column.fill
    return f"{column.fill:.6g}" if column.kind == "number" else told_days(column.kind, column.fill)
