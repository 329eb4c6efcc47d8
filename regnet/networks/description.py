"""Networks as JSON: frozen dataclasses by class name and fields. Names are looked up here, and nowhere else."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from regnet.mathematics import activations, initializers, losses
from regnet.networks.container import ModelFileError
from regnet.networks.layers import Dense, Dropout
from regnet.networks.network import Network

__all__ = ["network_from_json", "network_to_json"]

WIDEST = 2**31
"""Neurons of a layer, which no tensor of a file can have more of."""

_ROLES: dict[str, tuple[Any, ...]] = {
    "layers": (Dense, Dropout),
    "activation": tuple(type(instance) for instance in activations.ACTIVATIONS.values()),
    "initializer": tuple(type(instance) for instance in initializers.INITIALIZERS.values()),
    "loss": (*(type(instance) for instance in losses.LOSSES.values()), losses.Quantiles),
}
"""What an object in a field may be, by the field's name."""

_CLASSES: dict[str, Any] = {cls.__name__: cls for role in (*_ROLES.values(), (Network,)) for cls in role}


def network_to_json(value: Any, /) -> Any:
    """A network, or a part of one. Raises TypeError for what is not regnet's own."""
    if is_dataclass(value) and _CLASSES.get(type(value).__name__) is type(value):
        parts = {one.name: network_to_json(getattr(value, one.name)) for one in fields(value)}
        return {"class": type(value).__name__} | parts
    if isinstance(value, (tuple, list)):
        return [network_to_json(entry) for entry in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    raise TypeError(f"{name} cannot be saved: regnet saves its own layers, activations, initializers and losses only.")


def network_from_json(value: Any, /) -> Network:
    """The network of a file. Nothing is allocated. Raises ModelFileError for anything that is none."""
    try:
        found = _decoded(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise error if isinstance(error, ModelFileError) else ModelFileError(f"its network is none ({error})") from None
    if type(found) is not Network:
        raise ModelFileError("its description is of no network")
    return found


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(entry) for entry in value)
    if not isinstance(value, dict):
        return value
    known = _CLASSES.get(str(value.get("class")))
    if known is None:
        raise ModelFileError(
            f"its network has a part {str(value.get('class'))[:60]!r}, which this regnet does not know"
        )
    given = {name: _decoded(entry) for name, entry in value.items() if name != "class"}
    if given.keys() != {one.name for one in fields(known)}:
        raise ModelFileError(f"a {known.__name__} of its network has the fields {', '.join(given)[:200]}")
    _check(known, given)
    return known(**given)


def _check(known: Any, given: dict[str, Any]) -> None:
    """Raise ModelFileError for fields of a kind that the class cannot have; it refuses the rest by itself."""
    for one in fields(known):
        value, kind = given[one.name], str(one.type)
        if kind == "int":
            good = type(value) is int and 0 < value < WIDEST
        elif kind == "float":
            good = type(value) in (int, float) and math.isfinite(value)
        elif one.name == "levels":
            good = isinstance(value, tuple) and all(type(level) in (int, float) for level in value)
        elif one.name == "layers":
            good = isinstance(value, tuple) and all(type(layer) in _ROLES["layers"] for layer in value)
        else:  # a name, or an object that has it
            good = isinstance(value, str) or type(value) in _ROLES[one.name]
        if not good:
            raise ModelFileError(f"{known.__name__}.{one.name} of its network is {str(value)[:60]}")
