"""The file that `--save` writes, and that `regnet predict` and `regnet show` read."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from regnet.networks import checkpoint
from regnet.networks.model import Model
from regnet.tables.encoding import EncodedColumn, parts_of

__all__ = ["SavedModel", "load_model", "save_model"]

RECORDED = ("regnet-xp", "numpy", "scikit-learn")
"""Packages whose versions are written down."""


class SavedModel(NamedTuple):
    """What a file holds: the network in the table's own units, and what the command line says of it.

    columns: what becomes of each column of a table; classes: labels, or None; about: what was asked and found, for
    people: command, versions, and what `save_model` was given.
    """

    model: Model
    columns: tuple[EncodedColumn, ...]
    target_name: str
    classes: list[Any] | None
    about: dict[str, Any]


def save_model(
    path: Path,
    model: Model,
    columns: Sequence[EncodedColumn],
    *,
    target_name: str,
    classes: Sequence[Any] | None,
    about: Mapping[str, Any],
) -> None:
    """Write the network, in the table's own units, with all that a table of new rows needs."""
    checkpoint.save(
        path,
        model,
        feature_names=list(parts_of(columns)),
        columns=[column.to_data() for column in columns],
        target_name=target_name,
        classes=None if classes is None else list(classes),
        about={
            **about,
            "command": shlex.join(["regnet", *sys.argv[1:]]),
            "versions": {name: version(name) for name in RECORDED},
        },
    )


def load_model(path: str) -> SavedModel:
    """Read what `save_model` or `regnet.save` wrote. Raises ValueError for a file without the names of a table."""
    model, extra = checkpoint.load(path)
    if not {"feature_names", "target_name", "classes"} <= extra.keys():
        raise ValueError(
            f"{path!r} was saved without the names that a table needs: regnet.save(path, model, feature_names=[...], "
            "target_name=..., classes=[...] or None) writes them."
        )
    columns = tuple(map(EncodedColumn.of_data, extra.get("columns", ())))
    columns = columns or tuple(EncodedColumn(str(name), "number") for name in extra["feature_names"])
    classes = None if extra["classes"] is None else list(extra["classes"])
    return SavedModel(model, columns, str(extra["target_name"]), classes, extra.get("about", {}))
