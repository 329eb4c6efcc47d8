"""The namespace of an array, remembered by the array's type: asking anew costs as much as a small product."""

from __future__ import annotations

from typing import Any

import array_api_compat

from regnet.arrays.types import Array

__all__ = ["array_namespace", "root_module"]

_FOUND: dict[type, Any] = {}


def array_namespace(array: Array, /) -> Any:
    """The Array API namespace that `array` belongs to. Raises TypeError for what is no array of such a library."""
    kind = type(array)
    found = _FOUND.get(kind)
    if found is None:
        found = _FOUND[kind] = array_api_compat.array_namespace(array)
    return found


def root_module(array: Any, /) -> str:
    """The top-level package that defines the type of `array`, such as 'numpy' or 'torch'."""
    return type(array).__module__.partition(".")[0]
