"""Options that commands have in common, and reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from regnet.commands.terminal import say
from regnet.tables import datasets, files
from regnet.tables.asked import Asked
from regnet.tables.table import Table

__all__ = [
    "ActivationOption",
    "ColumnsOption",
    "DecayOption",
    "DropoutOption",
    "ExcludeOption",
    "FactorOption",
    "FoldOption",
    "GroupOption",
    "GroupsOption",
    "KeepOption",
    "L1StepOption",
    "LearningRateOption",
    "MissingOption",
    "OptimizerOption",
    "PenaltyFactorOption",
    "RowNumbersOption",
    "SeparateOption",
    "SignalOption",
    "TargetOption",
    "TaskOption",
    "WeightsOption",
    "check_choices",
    "check_share",
    "open_data",
    "parse_numbers",
]

_SEVERAL = "; several with commas, or the option again"

TargetOption = Annotated[str | None, typer.Option(help="target column of a file; default: the last one")]
TaskOption = Annotated[
    str | None, typer.Option(help="classification, regression or counts (Poisson); default: by the target")
]
ColumnsOption = Annotated[list[str] | None, typer.Option("--columns", help=f"the only inputs{_SEVERAL}")]
ExcludeOption = Annotated[list[str] | None, typer.Option("--exclude", help=f"columns that are no inputs{_SEVERAL}")]
KeepOption = Annotated[list[str] | None, typer.Option("--keep", help=f"inputs without a penalty{_SEVERAL}")]
FactorOption = Annotated[
    list[str] | None,
    typer.Option("--factor", help=f"columns whose values, numbers too, are categories, however many{_SEVERAL}"),
]
MissingOption = Annotated[
    str, typer.Option(help="missing values: error, impute (median, commonest; an input says where) or drop (rows)")
]
WeightsOption = Annotated[str | None, typer.Option(help="column with the rows' weights")]
FoldOption = Annotated[str | None, typer.Option(help="column that says which rows are held out together")]
RowNumbersOption = Annotated[bool, typer.Option("--keep-row-numbers", help="a column that counts rows stays an input")]
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", help="LABEL=COLUMN,COLUMN: inputs used together or not at all; once a group"),
]
GroupsOption = Annotated[Path | None, typer.Option(help="the same from a file, with lines 'column,group'")]
PenaltyFactorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--penalty-factor",
        help="NAME=NUMBER multiplies the penalty of an input or group; 0: never removed, inf: left out",
    ),
]
ActivationOption = Annotated[str, typer.Option(help="relu, leaky_relu, tanh, sigmoid or identity")]
DropoutOption = Annotated[float, typer.Option(min=0.0, max=0.99, help="share of hidden outputs dropped")]
L1StepOption = Annotated[str, typer.Option(help="proximal (exact zeros) or subgradient")]
OptimizerOption = Annotated[str | None, typer.Option(help="sgd, adagrad, rmsprop, adam or adamw")]
LearningRateOption = Annotated[float | None, typer.Option(help="of the first step")]
DecayOption = Annotated[float | None, typer.Option(help="learning rate / (1 + decay * step)")]
ReportOption = Annotated[Path | None, typer.Option(help="folder for a page to read, pictures, figures and the model")]
SignalOption = Annotated[str | None, typer.Option(help="a signal, such as USR1, that ends it as Ctrl-C does")]

SeparateOption = Annotated[
    bool,
    typer.Option(
        "--separate-levels", help="each value of a column of text is an input by itself; default: all are used, or none"
    ),
]


def parse_numbers(kind: type, name: str, text: str | None) -> tuple[Any, ...] | None:
    """A comma-separated option: numbers of one kind."""
    if text is None:
        return None
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip()) if text.strip() else ()
    except ValueError:
        example = "256,128" if kind is int else "1e-3,0"
        raise ValueError(f"{name} {text!r}: give numbers separated by commas, such as {example}.") from None


def check_choices(*options: tuple[str, str | None, Collection[str]]) -> None:
    """Raise ValueError for an option, (name, value, allowed), whose value is not allowed."""
    for option, value, allowed in options:
        if value is not None and value not in allowed:
            raise ValueError(f"{option} {value!r} is unknown: choose one of {', '.join(allowed)}.")


def check_share(option: str, value: float | None, lowest: float = 0.0) -> None:
    """Raise ValueError for what is no share of the rows, from the lowest to 95 %."""
    if value is not None and not lowest <= value <= 0.95:
        per_cent = f": for {value:g} % {value / 100:g}" if 1 <= value <= 95 else ""
        raise ValueError(f"{option} {value:g}: give a share of the rows from {lowest:g} to 0.95{per_cent}.")


@contextmanager
def open_data(data: str, asked: Asked, seed: int) -> Iterator[Table]:
    """The data set or file called `data`, while it is open; what a user should know of it is printed."""
    if data not in datasets.NAMES:
        with files.open_table(data, asked) as table:
            _print_notes(table)
            yield table
        return
    for one in fields(asked):
        if getattr(asked, one.name) != one.default and one.name not in ("task", "without", "keep_row_numbers"):
            option = {"factors": "factor", "weight": "weights"}.get(one.name, one.name)
            raise ValueError(f"--{option} is for files; {data} is a data set of its own.")
    table = datasets.load(data, seed=seed).without(asked.without)
    _print_notes(table)
    yield table


def _print_notes(table: Table) -> None:
    for note in table.notes:
        say(f"note: {note}")
