"""Values of a user's, as JSON and tensors hold them, and back as they were.

Plain JSON stands for None, bool, int, str, finite floats, lists, and dicts whose keys are text and none of MARKS.
Anything else is an object with one of these marks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.backend.given import unmasked
from regnet.networks.container import TENSORS, ModelFileError, TensorShape

__all__ = ["expected_tensors", "value_from_json", "value_to_json"]

MARKS = frozenset({"array", "bytes", "dict", "float", "object", "tensor", "tuple"})

_WRITTEN = re.compile(r"[<>|=]?(U\d{1,5}|S\d{1,6}|O|M8(\[\d*\w{1,2}\])?)", re.ASCII)
"""Types of arrays whose cells stand in the JSON."""


def value_to_json(
    name: str, value: Any, tensors: dict[str, NDArray[Any]], /, objects: Callable[[Any], Any] = lambda value: None
) -> Any:
    """The JSON of a value; its arrays of numbers join the tensors, as name/0, name/1, ... Raises TypeError.

    objects: gives the JSON of values that are kept elsewhere, None for others.
    """
    elsewhere = objects(value)
    if elsewhere is not None:
        return elsewhere
    if isinstance(value, np.generic) and not isinstance(value, (np.void, np.datetime64, np.timedelta64)):
        value = value.item()
    if value is None or isinstance(value, (str, bool)) or (isinstance(value, int) and abs(value) < 2**64):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, np.ma.MaskedArray):
        value = unmasked(name, value)
    if isinstance(value, np.ndarray):
        return _array_to_json(name, value, tensors)
    if isinstance(value, (list, tuple)):
        entries = [value_to_json(name, entry, tensors, objects) for entry in value]
        return entries if isinstance(value, list) else {"tuple": entries}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and not MARKS & value.keys():
            return {key: value_to_json(name, entry, tensors, objects) for key, entry in value.items()}
        return {"dict": [[value_to_json(name, part, tensors, objects) for part in pair] for pair in value.items()]}
    raise _unsavable(name, type(value).__name__)


def _array_to_json(name: str, value: NDArray[Any], tensors: dict[str, NDArray[Any]]) -> Any:
    if value.dtype.name in TENSORS.values():
        own = f"{name}/{len(tensors)}"
        tensors[own] = value
        return {"tensor": own, "dtype": value.dtype.name, "shape": list(value.shape)}
    if _WRITTEN.fullmatch(value.dtype.str) is None:
        raise _unsavable(name, value.dtype)
    cells = (value.astype("int64") if value.dtype.kind == "M" else value).reshape(-1).tolist()
    return {
        "array": value.dtype.str,
        "shape": list(value.shape),
        "values": [value_to_json(name, cell, tensors) for cell in cells],
    }


def _unsavable(name: str, kind: Any) -> TypeError:
    return TypeError(f"{name} holds a value of type {kind}, which cannot be saved: make numbers or text of it.")


def expected_tensors(value: Any, /) -> dict[str, TensorShape]:
    """The tensors that a file's JSON speaks of. Raises ModelFileError."""
    if isinstance(value, list):
        entries = value
    elif isinstance(value, dict):
        if "tensor" in value:
            if value.keys() != {"tensor", "dtype", "shape"}:
                raise ModelFileError("a value of its description is no tensor")
            return {str(value["tensor"]): TensorShape((str(value["dtype"]),), _shape(value["shape"]))}
        entries = list(value.values())
    else:
        return {}
    found: dict[str, TensorShape] = {}
    for entry in entries:
        own = expected_tensors(entry)
        if own.keys() & found.keys():
            raise ModelFileError("two values of its description are one tensor")
        found |= own
    return found


def value_from_json(value: Any, tensors: Mapping[str, NDArray[Any]], /, objects: Sequence[Any] = ()) -> Any:
    """The value; objects: those that are kept elsewhere. Raises ModelFileError for JSON that is no value's."""
    if isinstance(value, list):
        return [value_from_json(entry, tensors, objects) for entry in value]
    if not isinstance(value, dict):
        return value
    if not MARKS & value.keys():
        return {key: value_from_json(entry, tensors, objects) for key, entry in value.items()}
    try:
        return _marked(value, tensors, objects)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise ModelFileError(f"a value of its description is none ({type(error).__name__}: {error})") from None


def _marked(value: dict[str, Any], tensors: Mapping[str, NDArray[Any]], objects: Sequence[Any]) -> Any:
    if "tensor" in value:
        return tensors[value["tensor"]]
    if value.keys() == {"object"} and type(value["object"]) is int and value["object"] >= 0:
        return objects[value["object"]]
    if value.keys() == {"float"}:
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[value["float"]]
    if value.keys() == {"bytes"}:
        return bytes.fromhex(value["bytes"])
    if value.keys() == {"tuple"}:
        return tuple(value_from_json(entry, tensors, objects) for entry in value["tuple"])
    if value.keys() == {"dict"}:
        pairs = [value_from_json(pair, tensors, objects) for pair in value["dict"]]
        return {key: entry for key, entry in pairs}  # noqa: C416 (a pair of another length is an error)
    if value.keys() != {"array", "shape", "values"} or _WRITTEN.fullmatch(value["array"]) is None:
        raise ModelFileError(f"a value of its description has the keys {', '.join(value)[:100]}")
    return _array(np.dtype(value["array"]), _shape(value["shape"]), value_from_json(value["values"], tensors))


def _array(dtype: np.dtype[Any], shape: tuple[int, ...], cells: list[Any]) -> NDArray[Any]:
    if math.prod(shape) != len(cells):
        raise ModelFileError(f"an array of shape {shape} has {len(cells)} values")
    if dtype.kind in "US" and dtype.itemsize > 1024 * max(1, *(len(cell) for cell in cells), 1):
        raise ModelFileError(f"an array is of type {dtype}, whose cells are far shorter")
    if dtype.kind == "M":
        return np.asarray(cells, dtype="int64").astype(dtype).reshape(shape)
    found = np.empty(len(cells), dtype=dtype)
    found[:] = cells
    return found.reshape(shape)


def _shape(given: Any) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(type(size) is int and 0 <= size < 2**40 for size in given):
        raise ModelFileError(f"a value of its description has the shape {str(given)[:60]}")
    return tuple(given)
