"""Save and load trained networks: arrays in safetensors, the description as JSON beside them. Nothing is executed.

The file's metadata hold one entry `regnet`: {"format": 1, "network": ..., "extra": ...}. Descriptions are the frozen
dataclasses by class name and fields. Of the extra values arrays of numbers lie beside the weights; arrays of text,
bytes, dates or Python objects are {"array": dtype, "values": ...} in the JSON.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_bytes

from regnet.arrays.tree import leaves
from regnet.backend.placement import placement_of
from regnet.mathematics import activations, initializers, losses
from regnet.networks.layers import Dense, Dropout
from regnet.networks.model import Model
from regnet.networks.network import Network, parameter_names
from regnet.networks.whole_files import write_whole

__all__ = ["load", "save"]

FORMAT = 1

_TENSORS = frozenset(
    {"bool", "float16", "float32", "float64"} | {f"{k}int{n}" for k in ("", "u") for n in (8, 16, 32, 64)}
)
"""Types of arrays that safetensors holds."""

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        Network,
        Dense,
        Dropout,
        *(type(instance) for instance in activations.ACTIVATIONS.values()),
        *(type(instance) for instance in initializers.INITIALIZERS.values()),
        *(type(instance) for instance in losses.LOSSES.values()),
        losses.Quantiles,
    )
}


def save(path: str | os.PathLike[str], model: Model, /, **extra: Any) -> None:
    """Write `model` to `path`, all or nothing.

    Parameters
    ----------
    path : str or path
        The file, which is replaced if it exists.
    model : Model
        The trained network, of regnet's own layers, activations, initializers and losses.
    **extra : dict
        Values for JSON (class names, feature names), NumPy's scalars, and NumPy arrays of numbers, text, bytes, dates
        or such Python objects (class labels), which `load` returns as they were.

    Raises
    ------
    TypeError
        For what cannot be saved, naming it.
    OSError
        If the file cannot be written; then nothing is left behind.
    """
    names = parameter_names(model.network)
    tensors = dict(zip(names, (np.ascontiguousarray(leaf) for leaf in leaves(model.numpy_params())), strict=True))
    plain = {}
    for name, value in extra.items():
        if isinstance(value, np.ndarray) and value.dtype.name in _TENSORS:
            tensors[f"extra.{name}"] = np.ascontiguousarray(value).reshape(value.shape)
        else:
            plain[name] = _to_json(name, value)
    description = {"format": FORMAT, "network": _encode(model.network), "extra": plain}
    write_whole(Path(path), save_bytes(tensors, metadata={"regnet": json.dumps(description)}))


def load(path: str | os.PathLike[str], /) -> tuple[Model, dict[str, Any]]:
    """Read a file that `save` wrote. Nothing in it is executed.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    model : Model
        Its parameters go where REGNET_BACKEND and REGNET_DEVICE say, in the dtype in which they were saved.
    extra : dict
        The further values that `save` was given.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no regnet model.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no model file {os.fspath(path)!r}.")
    try:
        with safe_open(os.fspath(path), framework="np") as file:
            description = json.loads((file.metadata() or {})["regnet"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if description["format"] != FORMAT:
            raise ValueError(
                f"{os.fspath(path)!r} has model format {description['format']}; this regnet reads {FORMAT}."
            )
        network = _decode(description["network"])
        host = [tensors[name] for name in parameter_names(network)]
    except (SafetensorError, KeyError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a model that regnet saved ({error}).") from error
    placement = placement_of(host[0])
    model = Model(network, network.params_from(placement.put(array) for array in host), placement)
    arrays = {name.removeprefix("extra."): value for name, value in tensors.items() if name.startswith("extra.")}
    plain = {name: _from_json(value) for name, value in description["extra"].items()}
    return model, {**plain, **arrays}


def _to_json(name: str, value: Any) -> Any:
    """An extra value as JSON holds it; scalars of NumPy are Python's."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "USMO":
        given = value.astype("int64") if value.dtype.kind == "M" else value
        return {"array": value.dtype.str, "values": _to_json(name, given.tolist())}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        value = value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (list, tuple)):
        return [_to_json(name, entry) for entry in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and not {"array", "bytes"} & value.keys():
        return {key: _to_json(name, entry) for key, entry in value.items()}
    kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(f"{name} holds a value of type {kind}, which cannot be saved: make numbers or text of it.")


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"bytes"}:
        return bytes.fromhex(value["bytes"])
    if value.keys() == {"array", "values"}:
        dtype, values = np.dtype(value["array"]), _from_json(value["values"])
        return np.asarray(values, dtype="int64").astype(dtype) if dtype.kind == "M" else np.asarray(values, dtype=dtype)
    return {key: _from_json(entry) for key, entry in value.items()}


def _encode(value: Any) -> Any:
    if is_dataclass(value) and _CLASSES.get(type(value).__name__) is type(value):
        return {"class": type(value).__name__} | {f.name: _encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_encode(entry) for entry in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    raise TypeError(f"{name} cannot be saved: regnet saves its own layers, activations, initializers and losses only.")


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        given = {name: _decode(entry) for name, entry in value.items() if name != "class"}
        return _CLASSES[value["class"]](**given)
    return tuple(_decode(entry) for entry in value) if isinstance(value, list) else value
