"""A file of tensors and a description: safetensors, whose metadata are JSON and a hash of all that the file says."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_bytes

from regnet.networks.whole_files import write_whole

__all__ = ["TENSORS", "Container", "ModelFileError", "TensorShape", "open_container", "write_container"]

TENSORS = {
    "BOOL": "bool", "F16": "float16", "F32": "float32", "F64": "float64",
    "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
}  # fmt: skip
"""NumPy's names of the types that a file may hold, by safetensors' own."""


class ModelFileError(ValueError):
    """A file is not a model that regnet saved whole; the message says what is wrong with it."""


class TensorShape(NamedTuple):
    """What a tensor must be: any of these types, and this shape."""

    dtypes: tuple[str, ...]
    shape: tuple[int, ...]


@final
@dataclass(frozen=True)
class Container:
    """description: the JSON's objects; shapes: of the tensors by name; tensors are read once they fit."""

    description: dict[str, Any]
    shapes: dict[str, TensorShape]
    _file: Any
    _text: str
    _digest: str

    def read(self, expected: Mapping[str, TensorShape]) -> dict[str, NDArray[Any]]:
        """The tensors by name. Raises ModelFileError, before they are read, for others than are expected."""
        for name in sorted(expected.keys() - self.shapes.keys()):
            raise ModelFileError(f"it lacks the tensor {name!r}")
        for name in sorted(self.shapes.keys() - expected.keys()):
            raise ModelFileError(f"it holds a tensor that its description does not: {name!r}")
        for name, (dtypes, shape) in expected.items():
            found = self.shapes[name]
            if found.shape != shape or found.dtypes[0] not in dtypes:
                raise ModelFileError(
                    f"the tensor {name!r} is {found.dtypes[0]} of shape {found.shape}, where its description says "
                    f"{' or '.join(dtypes)} of shape {shape}"
                )
        tensors = {name: self._file.get_tensor(name) for name in sorted(expected)}
        if _digest(self._text, tensors) != self._digest:
            raise ModelFileError("it does not have the hash that it was written with: it was changed or damaged")
        return tensors


def write_container(path: Path, description: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write a file, whole or not at all."""
    text = json.dumps(description, allow_nan=False)
    given = {name: _native(tensor) for name, tensor in tensors.items()}
    write_whole(path, save_bytes(given, metadata={"regnet": text, "sha256": _digest(text, given)}))


def _native(tensor: NDArray[Any]) -> NDArray[Any]:
    """The tensor as a file holds it: side by side, its bytes in the processor's order."""
    native = np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("="))
    return native.reshape(tensor.shape)  # an axis that a number was given


@contextmanager
def open_container(path: str | os.PathLike[str]) -> Iterator[Container]:
    """A file, of which nothing but the description is read yet.

    Raises FileNotFoundError, and ModelFileError for a file that is no such container, also out of the body.
    """
    shown = os.fspath(path)
    if not Path(path).exists():
        raise FileNotFoundError(f"There is no model file {shown!r}.")
    if not Path(path).is_file():
        inside = Path(path) / "model.safetensors"  # a report's folder
        remedy = f": take {str(inside)!r}" if inside.is_file() else ""
        raise ModelFileError(f"{shown!r} is no file{remedy}.")
    try:
        with safe_open(shown, framework="np") as file:
            yield _opened(file)
    except SafetensorError as error:  # what its header says is nothing to a user
        raise ModelFileError(f"{shown!r} is not a model that regnet saved.") from error
    except (ModelFileError, OSError) as error:
        raise ModelFileError(f"{shown!r} is not a model that regnet saved: {error}.") from error


def _opened(file: Any) -> Container:
    metadata = file.metadata() or {}
    if not {"regnet", "sha256"} <= metadata.keys():
        raise ModelFileError("it has no description of a network")
    description = _parsed(metadata["regnet"])
    if not isinstance(description, dict):
        raise ModelFileError("its description is no object")
    shapes = {}
    for name in file.keys():  # noqa: SIM118 (no mapping)
        part = file.get_slice(name)
        kind, shape = part.get_dtype(), tuple(part.get_shape())
        if kind not in TENSORS:
            raise ModelFileError(f"the tensor {name!r} is of type {kind}, which regnet does not write")
        if prod(shape) == 0 and max(shape, default=0) > 2**31:
            raise ModelFileError(f"the tensor {name!r} has the shape {shape}")
        shapes[name] = TensorShape((TENSORS[kind],), shape)
    return Container(description, shapes, file, metadata["regnet"], metadata["sha256"])


def _parsed(text: str) -> Any:
    """JSON without keys that come twice, and numbers that are none."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ModelFileError("its description is too deep") from None
    except json.JSONDecodeError as error:
        raise ModelFileError(f"its description is no JSON ({error})") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ModelFileError("its description has a key twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ModelFileError(f"its description holds {constant}")


def _digest(text: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the description and of every tensor with its name, type and shape."""
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(json.dumps([name, tensor.dtype.name, tensor.shape]).encode())
        found.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    return found.hexdigest()
