"""The plain records that a saved model is made of, by class name. Names are looked up here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from regnet.estimators.fitted import Accounts, Fitted, Progress, Resumable, SgdRate
from regnet.estimators.grouping import Grouping
from regnet.estimators.labels import Labels
from regnet.estimators.targets import ClassTargets, ValueTargets
from regnet.mathematics import losses
from regnet.mathematics.activations import ACTIVATIONS
from regnet.mathematics.initializers import INITIALIZERS
from regnet.mathematics.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from regnet.mathematics.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay
from regnet.networks.container import ModelFileError
from regnet.tables.encoding import EncodedColumn
from regnet.training.early_stopping import EarlyStopping
from regnet.training.history import History, Record

__all__ = ["fields_of", "is_record", "record_of"]

_LOSSES = (*(type(one) for one in losses.LOSSES.values()), losses.Quantiles)
_RECORDS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(type(one) for one in ACTIVATIONS.values()), *(type(one) for one in INITIALIZERS.values()), *_LOSSES,
        SGD, Adagrad, Adam, AdamW, RMSprop, Constant, Cosine, Exponential, InverseTime, StepDecay,
        EarlyStopping, History, Record, Accounts, Fitted, Progress, Resumable, SgdRate, Grouping, Labels, ClassTargets,
        ValueTargets, EncodedColumn,
    )
}  # fmt: skip


_LATER: dict[Any, set[str]] = {Grouping: {"kind"}}
"""Fields with a default that files of an earlier version have not."""


def is_record(value: Any, /) -> bool:
    """Whether a value is one of the records, of exactly that class."""
    return _RECORDS.get(type(value).__name__) is type(value)


def fields_of(value: Any, /) -> dict[str, Any]:
    """The fields of a record by name."""
    return {name: getattr(value, name) for name in _names(type(value))}


def record_of(name: str, given: Mapping[str, Any], /) -> Any:
    """The record of a class by name. Raises ModelFileError for a class that is none of them, or fields of another."""
    cls = _RECORDS.get(name)
    if cls is None:
        raise ModelFileError(f"it holds a {name[:60]!r}, which this regnet does not know")
    if given.keys() != set(_names(cls)) - (_LATER.get(cls, set()) - given.keys()):
        raise ModelFileError(f"a {name} of it has the fields {', '.join(given)[:200]}")
    try:
        if cls is EncodedColumn:
            return EncodedColumn.of_data(given)
        found = cls(**given)
        if _CHECKS.get(cls, lambda one: True)(found):
            return found
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ModelFileError(f"a {name} of it is none ({str(error)[:200]})") from None
    raise ModelFileError(f"a {name} of it holds what it cannot")


def _names(cls: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(cls)) if is_dataclass(cls) else cls._fields


def _labels(one: Labels) -> bool:
    classes = one.classes
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or not len(classes) or type(one.sparse) is not bool:
        return False
    return one.kind == "multilabel" or (one.kind == ("binary" if len(classes) <= 2 else "multiclass"))


def _grouping(one: Grouping) -> bool:
    if not isinstance(one.labels, tuple) or not isinstance(one.numbers, np.ndarray) or one.numbers.ndim != 1:
        return False
    if one.kind not in ("groups", "inputs"):
        return False
    return one.numbers.dtype.kind == "i" and np.array_equal(np.unique(one.numbers), np.arange(len(one.labels)))


def _fitted(one: Fitted) -> bool:
    pairs = list(zip(one.weights, one.biases, strict=True))
    dtype = one.weights[0].dtype
    sound = all(
        isinstance(array, np.ndarray) and array.dtype == dtype and dtype.kind == "f" and np.isfinite(array).all()
        for pair in pairs
        for array in pair
    )
    if not sound or not all(weight.ndim == 2 and bias.shape == weight.shape[1:] for weight, bias in pairs):
        return False
    chained = all(left.shape[1] == right.shape[0] for left, right in zip(one.weights, one.weights[1:], strict=False))
    classes = one.targets.labels.outputs if isinstance(one.targets, ClassTargets) else None
    kinds = isinstance(one.targets, (ClassTargets, ValueTargets)) and isinstance(one.progress, Progress)
    kept, grouping = one.kept_inputs, one.grouping
    return (
        chained and kinds and min(one.weights[0].shape) > 0 and classes in (None, one.weights[-1].shape[1])
        and (kept is None or (kept.dtype == bool and kept.ndim == 1 and kept.sum() == len(one.weights[0])))
        and (grouping is None or (isinstance(grouping, Grouping) and len(grouping.numbers) == len(one.weights[0])))
        and (one.resumable is None or isinstance(one.resumable, Resumable))
    )  # fmt: skip


_CHECKS: dict[Any, Any] = {
    Fitted: _fitted,
    Labels: _labels,
    Grouping: _grouping,
    ClassTargets: lambda one: isinstance(one.labels, Labels),
    ValueTargets: lambda one: type(one.loss) in _LOSSES and type(one.rates) is bool,
    History: lambda one: isinstance(one.records, list) and all(isinstance(record, Record) for record in one.records),
    Progress: lambda one: one.accounts is None or isinstance(one.accounts, Accounts),
    Resumable: lambda one: isinstance(one.slots, list) and isinstance(one.t, int) and is_record(one.optimizer),
}
"""What their own constructors do not look at."""
