"""A training's parts as plain values and NumPy arrays, and back: what a checkpoint holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.types import Array
from regnet.backend.placement import Placement
from regnet.training.history import Record
from regnet.training.step import State

__all__ = [
    "array_of",
    "random_state_of",
    "records_of",
    "set_random_state",
    "state_of",
    "told_mark",
    "told_records",
    "told_state",
]


def told_state(state: State, placement: Placement, /) -> dict[str, Any]:
    """Arrays of a state on the host."""
    give = placement.backend.to_numpy
    told = {name: give(value) for name, value in state._asdict().items() if name != "slots" and value is not None}
    return told | {"slots": [give(slot) for slot in state.slots]}


def state_of(told: dict[str, Any], like: State, placement: Placement, /) -> State:
    """The state, on the device. Raises ValueError for arrays of other shapes than those of `like`."""
    optional = ("running_loss",) if told.get("running_loss") is None else ()
    values = {
        name: array_of(told[name], value, placement)
        for name, value in like._asdict().items()
        if name != "slots" and name not in optional
    }
    slots = told["slots"]
    if len(slots) not in (0, len(like.slots)):
        raise ValueError(f"it has {len(slots)} of {len(like.slots)} slots")
    pairs = zip(slots, like.slots, strict=False)
    return State(**values, slots=tuple(array_of(slot, own, placement) for slot, own in pairs))


def array_of(told: Any, like: Array, placement: Placement, /) -> Array:
    """An array on the device, of the shape and type of `like`. Raises ValueError for another."""
    dtype = str(like.dtype).rpartition(".")[2]
    if not isinstance(told, np.ndarray) or told.shape != tuple(like.shape) or told.dtype.name != dtype:
        raise ValueError(f"an array of {dtype} {tuple(like.shape)} is {getattr(told, 'shape', told)!s:.40}")
    return placement.put(told, dtype)


def random_state_of(state: Mapping[str, Any], /) -> str:
    """The state of a generator of NumPy's, whose integers are too large for other files."""
    return json.dumps(state, default=lambda array: array.tolist(), sort_keys=True)


def told_mark(mark: Mapping[str, Any] | None, /) -> dict[str, Any] | None:
    """A sampler's mark as a checkpoint holds it: marks are made for every window of recovery, and few are written."""
    if mark is None:
        return None
    told = dict(mark)
    for name, value in mark.items():
        if isinstance(value, list):
            told[name] = [random_state_of(state) for state in value]
        elif isinstance(value, Mapping):
            told[name] = random_state_of(value)
    return told


def set_random_state(told: str, /) -> dict[str, Any]:
    """The state again, as a generator takes it."""
    state: dict[str, Any] = json.loads(told)
    return state


def told_records(records: Iterable[Record], /) -> dict[str, Any]:
    """Records as one table: (records, values), or (records, values, K) for a stack, with the values' names."""
    flat = [dict(_flat(record)) for record in records]
    if not flat:
        return {"names": [], "table": np.zeros((0, 0))}
    rows = [[np.asarray(value, dtype=np.float64) for value in row.values()] for row in flat]
    return {"names": list(flat[0]), "table": np.stack([np.stack(np.broadcast_arrays(*row)) for row in rows])}


def records_of(told: dict[str, Any], /) -> list[Record]:
    """The records again. Raises ValueError, KeyError or TypeError for what is no table of them."""
    names, table = [str(name) for name in told["names"]], told["table"]
    if table.ndim not in (2, 3) or table.shape[1] != len(names) or table.dtype != np.float64:
        raise ValueError("its history is no table")
    return [_record(names, row) for row in table]


def _flat(record: Record) -> Iterator[tuple[str, Any]]:
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, dict):
            yield from ((f"{one.name}/{name}", entry) for name, entry in value.items())
        elif value is not None:
            yield one.name, value


def _record(names: list[str], row: NDArray[np.float64]) -> Record:
    values: dict[str, Any] = {"penalty": {}, "weight_norm": {}, "zeros": {}}
    for name, value in zip(names, row, strict=True):
        field, _, key = name.partition("/")
        found = float(value) if row.ndim == 1 else value.copy()
        if key:
            values[field][key] = found
        else:
            values[field] = int(np.ravel(value)[0]) if field == "epoch" else found
    return Record(**values)
