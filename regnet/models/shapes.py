"""What the attributes of a fitted estimator must be: a type and a shape, whose letters are sizes that must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from regnet.networks.container import ModelFileError

__all__ = ["check_shapes"]

_SPEC = re.compile(r"(\w+)(?:\[([\w,*]*)\])?")
_KINDS = {"float": "f", "int": "i", "bool": "b", "text": "UO", "label": "fiubUSO"}
_SCALARS: dict[str, Any] = {"float": float, "int": int, "bool": bool, "text": str}


def check_shapes(what: str, given: Mapping[str, Any], specs: Mapping[str, str], /, **sizes: int) -> dict[str, int]:
    """The sizes by letter. Raises ModelFileError for values that are not of their spec.

    A spec is a type ('float', 'int', 'bool', 'text'), with a shape for arrays ('float[L,S]'; '*': any shape). sizes:
    those that are known.
    """
    found = dict(sizes)
    for name, value in given.items():
        if name not in specs:
            raise ModelFileError(f"{what} has an attribute {name[:60]!r}, which this regnet does not know")
        if not _fits(value, specs[name], found):
            raise ModelFileError(f"{name} of {what} is not {specs[name]}, as its other parts have it")
    return found


def _fits(value: Any, spec: str, sizes: dict[str, int]) -> bool:
    parsed = _SPEC.fullmatch(spec)
    if parsed is None:
        raise AssertionError(spec)
    kind, shape = parsed.groups()
    if shape is None:
        return type(value) is _SCALARS[kind]
    if not isinstance(value, np.ndarray) or value.dtype.kind not in _KINDS[kind]:
        return False
    if kind == "text" and not all(isinstance(cell, str) for cell in value.reshape(-1).tolist()):
        return False
    if shape == "*":
        return True
    letters = shape.split(",")
    return len(letters) == value.ndim and all(
        sizes.setdefault(letter, size) == size for letter, size in zip(letters, value.shape, strict=True)
    )
