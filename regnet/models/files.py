"""Save and load whatever was trained: networks, estimators, searches and paths, in one file of data.

A network's file is `networks/checkpoint`'s. Any other's description is {"format": 1, "objects": [...], "extra": {...}}:
each object is {"class": name, "parts": {...}}, speaks of earlier ones by number, and the last one is what was saved.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from regnet.models.parts import as_parts, is_model, of_parts
from regnet.networks import checkpoint
from regnet.networks.container import Container, ModelFileError, open_container, write_container
from regnet.networks.model import Model
from regnet.networks.values import expected_tensors, value_from_json, value_to_json

__all__ = ["load", "save"]


def save(path: str | os.PathLike[str], model: Any, /, **extra: Any) -> None:
    """Write what was trained to `path`, all or nothing.

    What is written is data alone. Parameters of an estimator that data cannot stand for (a splitter, an executor, a
    scorer of your own) are left behind with a warning, and the rows that `at` trains other strengths on without one.

    Parameters
    ----------
    path : str or path
        The file, which is replaced if it exists.
    model : Model, MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV or PathResult
        Trained; with regnet's own layers, losses and optimizers. Arrays are written from the host.
    **extra : dict
        None, numbers, text, bytes, lists, tuples, dicts of them, and NumPy arrays of numbers, text, bytes, dates or
        such objects (class labels), which `load` returns as they were; NumPy's scalars become Python's.

    Raises
    ------
    TypeError
        For what cannot be saved or is not fitted, naming it.
    ValueError
        For weights that are not finite.
    OSError
        If the file cannot be written; then nothing is left behind.

    Examples
    --------
    >>> import tempfile, os, numpy as np
    >>> from regnet import MLPRegressor, load, save
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> fitted = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0).fit(X, X[:, 0] ** 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "model.safetensors")
    ...     save(file, fitted, unit="mm")
    ...     loaded, extra = load(file)
    >>> bool((loaded.predict(X) == fitted.predict(X)).all()), extra
    (True, {'unit': 'mm'})
    """
    if isinstance(model, Model):
        checkpoint.save(path, model, **extra)
        return
    tensors: dict[str, NDArray[Any]] = {}
    objects = _Objects(tensors)
    if not is_model(model) or objects.number_of(model) is None:
        raise TypeError(
            f"{type(model).__name__} cannot be saved: regnet saves a Model, MLPClassifier, MLPRegressor, their "
            "searches (CV), and paths."
        )
    values = {name: value_to_json(name, value, tensors) for name, value in extra.items()}
    write_container(Path(path), {"format": checkpoint.FORMAT, "objects": objects.nodes, "extra": values}, tensors)


def load(path: str | os.PathLike[str], /) -> tuple[Any, dict[str, Any]]:
    """Read a file that `save` wrote. Nothing in it is executed.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    model : Model, MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV or PathResult
        What was saved. A Model's parameters go where REGNET_BACKEND and REGNET_DEVICE say, in the dtype in which they
        were saved; those of the others are NumPy's.
    extra : dict
        The further values that `save` was given.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFileError
        If the file is no model of regnet, or was changed or damaged: names, types, shapes and a hash of all of it are
        checked, tensors before they are read.
    """
    with open_container(path) as file:
        if "objects" not in file.description:
            return checkpoint.read(file)
        return _read(file)


class _Objects:
    """Objects as a list, of which each speaks of earlier ones only; one that comes twice is written once."""

    def __init__(self, tensors: dict[str, NDArray[Any]]) -> None:
        self.nodes: list[dict[str, Any]] = []
        self._tensors, self._numbers, self._kept = tensors, dict[int, int](), list[Any]()

    def number_of(self, value: Any) -> dict[str, int] | None:
        """How JSON speaks of an object, None for what is no object of ours."""
        if id(value) not in self._numbers:
            found = as_parts(value)
            if found is None:
                return None
            name, parts = found
            written = {
                key: value_to_json(f"{name}.{key}", part, self._tensors, self.number_of) for key, part in parts.items()
            }
            self.nodes.append({"class": name, "parts": written})
            self._numbers[id(value)] = len(self.nodes) - 1
            self._kept.append(value)  # so that no other object gets its id
        return {"object": self._numbers[id(value)]}


def _read(file: Container) -> tuple[Any, dict[str, Any]]:
    checkpoint.check_format(file.description)
    nodes, extra = file.description.get("objects"), file.description.get("extra")
    if file.description.keys() != {"format", "objects", "extra"} or not isinstance(extra, dict):
        raise ModelFileError("its description has other parts than objects and further values")
    if not isinstance(nodes, list) or not nodes:
        raise ModelFileError("its description has no objects")
    tensors = file.read(expected_tensors([nodes, extra]))
    found: list[Any] = []
    for node in nodes:
        if not isinstance(node, dict) or node.keys() != {"class", "parts"} or not isinstance(node["parts"], dict):
            raise ModelFileError("an object of its description is none")
        parts = {key: value_from_json(part, tensors, found) for key, part in node["parts"].items()}
        found.append(of_parts(str(node["class"]), parts))
    if not is_model(found[-1]):
        raise ModelFileError(f"it holds a {type(found[-1]).__name__}, which is no model")
    return found[-1], {name: value_from_json(value, tensors) for name, value in extra.items()}
