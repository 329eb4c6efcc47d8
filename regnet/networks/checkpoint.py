"""Save and load trained networks: arrays in safetensors, the description as JSON beside them. Nothing is executed.

The description is {"format": 1, "network": ..., "extra": ...}; of the further values arrays of numbers lie beside the
weights. Everything is checked before it is read: names, types and shapes, then a hash of all of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from regnet.arrays.tree import leaves
from regnet.backend.placement import placement_of
from regnet.networks.container import Container, ModelFileError, TensorShape, open_container, write_container
from regnet.networks.description import network_from_json, network_to_json
from regnet.networks.model import Model
from regnet.networks.network import Network, parameter_names
from regnet.networks.values import expected_tensors, value_from_json, value_to_json

__all__ = ["FORMAT", "check_format", "load", "read", "save"]

FORMAT = 1
"""Of the files that this version writes and reads."""


def save(path: str | os.PathLike[str], model: Model, /, **extra: Any) -> None:
    """Write a network to `path`, all or nothing; see `regnet.save`, which takes what else was trained too."""
    weights = [np.asarray(leaf) for leaf in leaves(model.numpy_params())]
    if not all(np.isfinite(weight).all() for weight in weights):
        raise ValueError("The network has weights that are not finite, and predicts nothing: train it again.")
    tensors = dict(zip(parameter_names(model.network), weights, strict=True))
    values = {name: value_to_json(name, value, tensors) for name, value in extra.items()}
    description = {"format": FORMAT, "network": network_to_json(model.network), "extra": values}
    write_container(Path(path), description, tensors)


def load(path: str | os.PathLike[str], /) -> tuple[Model, dict[str, Any]]:
    """Read the file of a network, and the further values; see `regnet.load`."""
    with open_container(path) as file:
        return read(file)


def read(file: Container, /) -> tuple[Model, dict[str, Any]]:
    """The network and the further values of an opened file. Raises ModelFileError for a file of anything else."""
    description = file.description
    check_format(description)
    if description.keys() != {"format", "network", "extra"} or not isinstance(description["extra"], dict):
        raise ModelFileError("its description has other parts than a network and further values")
    network, extra = network_from_json(description["network"]), description["extra"]
    names = parameter_names(network)
    weights, arrays = _expected_weights(network, file.shapes), expected_tensors(extra)
    if weights.keys() & arrays.keys():
        raise ModelFileError("a weight of its network is a further value too")
    tensors = file.read(weights | arrays)
    for name in names:
        if not np.isfinite(tensors[name]).all():
            raise ModelFileError(f"the tensor {name!r} holds numbers that are not finite")
    values = {name: value_from_json(value, tensors) for name, value in extra.items()}
    host = [tensors[name] for name in names]
    placement = placement_of(host[0])
    return Model(network, network.params_from(placement.put(array) for array in host), placement), values


def check_format(description: dict[str, Any], /) -> None:
    """Raise ModelFileError for a file that another version of regnet wrote, and this one cannot read."""
    if description.get("format") != FORMAT:
        raise ModelFileError(f"it has format {str(description.get('format'))[:20]}, and this regnet reads {FORMAT}")


def _expected_weights(network: Network, shapes: dict[str, TensorShape]) -> dict[str, TensorShape]:
    """What the parameters are by name: of one type, float32 or float64, and of as many networks, as the first one."""
    names = parameter_names(network)
    first = shapes.get(names[0], TensorShape(("float32",), ()))
    dtypes = first.dtypes[:1] if first.dtypes[0] in ("float32", "float64") else ("float32", "float64")
    networks = first.shape[:1] if len(first.shape) == 3 and first.shape[0] else ()
    widths = [(layer.in_features, layer.out_features) for layer in network.dense_layers]
    each = [(*networks, *shape) for ins, outs in widths for shape in ((ins, outs), (1, outs))]
    return {name: TensorShape(dtypes, shape) for name, shape in zip(names, each, strict=True)}
