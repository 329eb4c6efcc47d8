"""The file that `--save` writes, and that `regnet predict` and `regnet show` read."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from regnet.arrays.tree import leaves
from regnet.estimators.base import BaseMLP
from regnet.estimators.targets import ClassTargets
from regnet.models.files import load
from regnet.networks import checkpoint
from regnet.networks.container import ModelFileError
from regnet.networks.model import Model
from regnet.tables.encoding import EncodedColumn, parts_of

__all__ = ["SavedModel", "load_model", "save_model", "told_saved"]

RECORDED = ("regnet-xp", "numpy", "scikit-learn")
"""Packages whose versions are written down."""


class SavedModel(NamedTuple):
    """What a file holds: the network in the table's own units, and what the command line says of it.

    columns: what becomes of each column of a table; classes: labels, or None; about: what was asked and found, for
    people: command, versions, and what `save_model` was given; unheaded: see `Table`.
    """

    model: Model
    columns: tuple[EncodedColumn, ...]
    target_name: str
    classes: list[Any] | None
    about: dict[str, Any]
    unheaded: tuple[str, ...] = ()

    @property
    def unused(self) -> frozenset[str]:
        """Columns all of whose weights are exactly zero: whatever they hold, the prediction is the same."""
        weight = np.asarray(leaves(self.model.numpy_params())[0])
        used = {part for part, row in zip(parts_of(self.columns).values(), weight, strict=True) if row.any()}
        return frozenset(one.name for one in self.columns) - used


def save_model(
    path: Path,
    model: Model,
    columns: Sequence[EncodedColumn],
    *,
    target_name: str,
    classes: Sequence[Any] | None,
    about: Mapping[str, Any],
    unheaded: Sequence[str] = (),
) -> None:
    """Write the network, in the table's own units, with all that a table of new rows needs."""
    checkpoint.save(
        path,
        model,
        feature_names=list(parts_of(columns)),
        columns=[column.to_data() for column in columns],
        target_name=target_name,
        classes=None if classes is None else list(classes),
        unheaded=list(unheaded),
        about={
            **about,
            "command": shlex.join(["regnet", *sys.argv[1:]]),
            "versions": {name: version(name) for name in RECORDED},
        },
    )


def told_saved(path: Path) -> str:
    """A line that says what the file is good for."""
    return f"saved: {path}; for new rows: {shlex.join(['regnet', 'predict', str(path), 'FILE'])}"


def load_model(path: str) -> SavedModel:
    """Read what `save_model` or `regnet.save` wrote.

    Raises ValueError for a file without the names of a table, ModelFileError for one that is damaged.
    """
    model, extra = load(path)
    if not isinstance(model, Model):
        return _of_trained(path, model, extra)
    if (stacked := leaves(model.params)[0]).ndim > 2:
        raise ValueError(
            f"{path!r} holds a stack of {stacked.shape[0]} networks: only Python can use it, by regnet.load."
        )
    if not {"feature_names", "target_name", "classes"} <= extra.keys():
        raise ValueError(
            f"{path!r} was saved without the names that a table needs: regnet.save(path, model, feature_names=[...], "
            "target_name=..., classes=[...] or None) writes them."
        )
    try:
        columns = tuple(map(EncodedColumn.of_data, extra.get("columns", ())))
        columns = columns or tuple(EncodedColumn(str(name), "number") for name in extra["feature_names"])
        inputs, unheaded = len(parts_of(columns)), tuple(map(str, extra.get("unheaded", ())))
    except (TypeError, KeyError, ValueError) as error:
        raise ModelFileError(f"{path!r}: what it says of its columns is wrong ({error}).") from error
    classes = None if extra["classes"] is None else list(extra["classes"])
    widths = model.network.in_features, model.network.out_features
    if inputs != widths[0]:
        raise ModelFileError(f"{path!r} has {inputs} inputs by name, and its network takes {widths[0]}.")
    if classes is not None and len(classes) != max(2, widths[1]):
        raise ModelFileError(f"{path!r} has {len(classes)} classes, and its network tells {max(2, widths[1])} apart.")
    about = _about(path, extra.get("about", {}))
    return SavedModel(model, columns, str(extra["target_name"]), classes, about, unheaded)


def _of_trained(path: str, found: Any, extra: Mapping[str, Any]) -> SavedModel:
    """Of an estimator or a search, whose columns are those that its encoder or its names tell of."""
    best = getattr(found, "best_estimator_", found)
    network = best[-1] if isinstance(best, Pipeline) else best
    if not isinstance(network, BaseMLP):
        raise ValueError(
            f"{path!r} holds a {type(found).__name__} without a network on all rows: save one of its estimators."
        )
    classes = network.classes_.tolist() if hasattr(network, "classes_") else None
    several = isinstance(network._targets, ClassTargets) and network._targets.labels.kind == "multilabel"
    if several or hasattr(network, "kept_inputs_") or (classes is None and network.n_outputs_ > 1):
        raise ValueError(f"{path!r} holds a {type(found).__name__} that only Python can use: load it by regnet.load.")
    names = getattr(best, "feature_names_in_", [f"x{number}" for number in range(network.n_features_in_)])
    numbers = tuple(EncodedColumn(str(name), "number") for name in names)
    columns = best[0].columns_ if isinstance(best, Pipeline) else numbers
    return SavedModel(network.model_, columns, str(extra.get("target_name", "prediction")), classes, {})


def _about(path: str, about: Any) -> dict[str, Any]:
    """What was asked and found. Raises ModelFileError where it is not what `save_model` writes."""
    try:
        whole = {
            "rows": int,
            "penalties": lambda given: {str(name): [float(one) for one in own] for name, own in given.items()},
            "scores": lambda given: {str(name): float(score) for name, score in given.items()},
            "versions": lambda given: {str(name): str(number) for name, number in given.items()},
            "inputs": lambda given: list(map(str, given)),
            "used": lambda given: list(map(str, given)),
        }
        return {name: whole.get(name, str)(value) for name, value in about.items()}  # type: ignore[operator]
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path!r}: what it says about its making is wrong ({error}).") from error
