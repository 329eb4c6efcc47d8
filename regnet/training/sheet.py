"""What decides the numbers of a training, as a sheet that says by name what two of them have not in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from regnet.arrays.tree import leaves
from regnet.arrays.types import Tree
from regnet.backend.protocol import Backend
from regnet.mathematics.optimizers import Optimizer
from regnet.networks.network import Network
from regnet.training.assembly import Problem

__all__ = ["computed_by", "differences", "digest", "sheet_of", "told"]

LONGEST = 60
"""Letters of a value that a message repeats."""


def told(value: Any, /) -> Any:
    """A value as `repr` shows it apart from others; of an object its class, that class's module, and its fields."""
    if isinstance(value, np.ndarray):
        return f"array {digest(value)}"
    if not is_dataclass(value) or isinstance(value, type):
        return value
    kind, own = type(value), {one.name: told(getattr(value, one.name)) for one in fields(value) if one.init}
    return f"{kind.__module__}.{kind.__qualname__}", own


def digest(*arrays: Any) -> str:
    """SHA-256 of arrays on the host, with their types and shapes."""
    found = hashlib.sha256()
    for array in arrays:
        host = np.ascontiguousarray(array)
        found.update(str((host.dtype, np.shape(array))).encode())
        found.update(host.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def sheet_of(
    problem: Problem, network: Network, optimizer: Optimizer, settings: Mapping[str, Any], /
) -> dict[str, str]:
    """All that decides a number of a training but its length; settings: further ones, by the caller's names."""
    give = problem.placement.backend.to_numpy

    def of(tree: Tree) -> str:
        return digest(*(give(leaf) for leaf in leaves(tree)))

    train, held_out = problem.train, problem.validation
    sheet = {
        "network": repr([told(layer) for layer in network.layers] + [told(network.loss)]),
        "optimizer": repr(told(optimizer)),
        "x": of(train.x),
        "y": of(train.y),
        "sample_weight": of(train.weight),
        "validation rows": "none" if held_out is None else of((held_out.x, held_out.y, held_out.weight)),
        "penalties": of(problem.hyper.strengths),
        "first weights": of(problem.state.point),
        "batch_size": str(problem.batch_rows),
        "dtype": problem.placement.dtype,
        "backend": problem.placement.backend.name,
    }
    return sheet | {name: repr(told(value)) for name, value in settings.items()}


def computed_by(backend: Backend, /) -> str:
    """The array library and its kernels, whose order differs between processes: others have other last digits."""
    info = backend.describe()
    notes = [note.rpartition(", ")[0] if note.endswith(" threads") else note for note in info.notes]
    return "; ".join([f"{backend.name} {info.version}", *sorted(notes)])


def differences(before: Mapping[str, Any], now: Mapping[str, Any], /) -> str | None:
    """What differs, in words; None: nothing."""
    found = []
    for name in [*now, *(before.keys() - now.keys())]:
        old, new = before.get(name), now.get(name)
        if old != new:
            short = all(isinstance(one, str) and len(one) < LONGEST for one in (old, new))
            found.append(f"{name} (was {old}, and is {new})" if short else name)
    return ", ".join(found) or None
