"""A trained cell as a file: safetensors, with a hash of all that it says and of the problem that it belongs to.

A folder may be shared, copied and damaged, so that nothing in it is believed: a record is read in bounded memory, and
is either what this very sweep wrote of this very cell, or no record.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as save_bytes

from regnet.sweep.spec import Cell, Outcome

__all__ = ["ROOM", "RecordError", "pack", "read_file", "unpack"]

ROOM = 2**12
"""Bytes of a record beside its parameters, and more."""


class RecordError(ValueError):
    """A file is no record of a cell; the message says why."""


def read_file(path: Path, limit: int) -> bytes:
    """All of a file, of `limit` bytes at most. Raises FileNotFoundError, and RecordError for what is no such file.

    A pipe is not waited for, and of a file that is larger, or has no end, nothing is read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordError(f"it cannot be read ({error.strerror})") from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise RecordError("it is no file")
        if found.st_size > limit:
            raise RecordError(f"it has {found.st_size} bytes, and should have {limit} at most")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError as error:
        raise RecordError(f"it cannot be read ({error.strerror})") from error
    finally:
        os.close(handle)


def pack(problem: str, outcome: Outcome) -> bytes:
    """A record's bytes. problem: a hash of what decides the sweep's numbers."""
    text = _text(problem, outcome)
    metadata = {"record": text, "sha256": _hash(text, outcome.point)}
    return bytes(save_bytes({"point": outcome.point}, metadata=metadata))


def unpack(problem: str, cell: Cell, size: int, dtype: str, content: bytes) -> Outcome:
    """The outcome of a cell, whose point has this size and type. Raises RecordError."""
    try:
        tensors = dict(deserialize(content))  # type: ignore[no-untyped-call]
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        text, digest = metadata["record"], metadata["sha256"]
        told = json.loads(text)
        loss, diverged_at, converged = float.fromhex(told["loss"]), int(told["diverged_at"]), bool(told["converged"])
        outcome = Outcome(cell, _point(tensors, size, dtype), loss, diverged_at, converged)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise RecordError("it is damaged, or no record of a network of this shape") from error
    if digest != _hash(text, outcome.point):
        raise RecordError("it does not have the hash that it was written with: it was changed or damaged")
    if text != _text(problem, outcome):
        raise RecordError("it is of another sweep, or of another network of this one")
    if not -1 <= diverged_at < 2**63 or (diverged_at < 0 and not np.isfinite(outcome.point).all()):
        raise RecordError("its weights are not finite, or its step is none")
    return outcome


def _text(problem: str, outcome: Outcome) -> str:
    """What a record says beside the parameters; there is one way to say it."""
    told = {
        "problem": problem,
        "cell": [int(number) for number in outcome.cell],
        "loss": float(outcome.loss).hex(),
        "diverged_at": int(outcome.diverged_at),
        "converged": bool(outcome.converged),
    }
    return json.dumps(told)


def _hash(text: str, point: NDArray[Any]) -> str:
    """SHA-256 of what is said and of the parameters with their type."""
    return hashlib.sha256(f"{text} {point.dtype.name} ".encode() + point.tobytes()).hexdigest()


def _point(tensors: dict[str, Any], size: int, dtype: str) -> NDArray[Any]:
    """The parameters (size,). Raises KeyError or ValueError where the only tensor is another."""
    entry = tensors.pop("point")
    point = np.frombuffer(entry["data"], dtype=dtype)
    if tensors or tuple(entry["shape"]) != (size,) or len(point) != size:
        raise ValueError("another shape")
    return point.copy()  # which may be written to
