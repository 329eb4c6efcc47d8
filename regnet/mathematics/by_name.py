"""What a user may call by name or hand over as an object: activations, initializers, losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

__all__ = ["by_name"]

T = TypeVar("T")


def by_name(kind: str, given: str | T, known: Mapping[str, T], /) -> T:
    """`known[given]` for a name, else the object itself. Raises ValueError for another name, naming those known."""
    if not isinstance(given, str):
        return given
    if given not in known:
        raise ValueError(f"{kind}={given!r} is unknown: choose one of {', '.join(known)}.")
    return known[given]
