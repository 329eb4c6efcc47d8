"""Class labels of any kind, as a network's targets and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from array_api_compat import device as device_of
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.multiclass import type_of_target, unique_labels

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement, is_host_data, to_host

__all__ = ["Labels", "labels_of"]

CONTINUOUS = (
    "Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects discrete classes on a "
    "regression target with continuous values: take MLPRegressor, or for a search MLPRegressorCV."
)
"""scikit-learn's words, and a remedy."""


@final
@dataclass(frozen=True)
class Labels:
    """The classes (sorted, on the host), and how they are laid out over the outputs.

    kind: 'binary' (one output, the probability of the second class), 'multiclass' (one output a class) or
    'multilabel' (one output a label, each of them yes or no). sparse: whether labels came as a sparse matrix, and go
    back as one.
    """

    kind: Literal["binary", "multiclass", "multilabel"]
    classes: NDArray[Any]
    sparse: bool = False

    @property
    def outputs(self) -> int:
        """The number of the network's outputs."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def loss(self) -> str:
        """The loss that goes with the layout."""
        return "categorical_crossentropy" if self.kind == "multiclass" else "binary_crossentropy"

    def encode(self, y: Array, /) -> Array:
        """Boolean (n, outputs) for labels (n,) or a multilabel indicator (n, labels), where y lives.

        Raises ValueError where y is of another layout.
        """
        if issparse(y):
            y = y.toarray()
        if (y.ndim == 2) != (self.kind == "multilabel"):
            raise ValueError(f"The object was {'not ' if y.ndim == 2 else ''}fitted with multilabel input.")
        if self.kind == "multilabel":
            if y.shape[1] != len(self.classes):
                raise ValueError(f"y has {y.shape[1]} labels, but the estimator was fitted with {len(self.classes)}.")
            return y != 0
        classes = self.classes[1:] if self.kind == "binary" and len(self.classes) == 2 else self.classes
        same = np.asarray(y)[:, None] == classes[None, :] if is_host_data(y) else _equal(y, classes.tolist())
        return same & False if len(self.classes) == 1 else same

    def decode(self, values: Array, placement: Placement | None, /) -> Array:
        """Labels for probabilities (n, outputs); placement: where to answer, None for the host (NumPy)."""
        xp = array_namespace(values)
        if self.kind == "multilabel":
            return xp.astype(values > 0.5, xp.int64)
        if self.kind == "multiclass":
            numbers = xp.argmax(values, axis=1)
        else:
            numbers = xp.astype(values[:, 0] > 0.5, xp.int64) * (len(self.classes) - 1)
        if placement is None:
            return self.classes[np.asarray(numbers)]
        if self.classes.dtype.kind not in "fiub":  # no array library but NumPy holds text
            return self.classes[placement.backend.to_numpy(numbers)]
        return xp.take(placement.put(self.classes, self.classes.dtype.name), numbers, axis=0)


def _equal(y: Array, classes: list[Any], /) -> Array:
    """Whether labels (n,) on a device are each of the classes, (n, classes), by value: as Python compares numbers.

    The classes are compared in y's own type where that has them; a class that it has not, such as 256 among bytes or
    2 among booleans, is no row's.
    """
    xp = array_namespace(y)
    name = str(y.dtype).rpartition(".")[2]
    if name not in np.sctypeDict:  # bfloat16 is a part of float32
        y, name = xp.astype(y, xp.float32), "float32"
    own = np.dtype(name)
    known = np.asarray([_holds(own, value) for value in classes], dtype=bool)
    values = np.asarray([value if there else 0 for value, there in zip(classes, known, strict=True)]).astype(own)
    device = device_of(y)
    same = y[:, None] == xp.asarray(values, device=device)[None, :]
    return same & xp.asarray(known, device=device)[None, :]


def _holds(dtype: np.dtype[Any], value: Any) -> bool:
    """Whether a type of numbers has this one exactly."""
    try:
        return bool(dtype.type(value).item() == value)
    except (OverflowError, ValueError, TypeError):  # TypeError: text
        return False


def labels_of(y: Any, /) -> Labels:
    """The labels that occur in y: on the host of any kind that scikit-learn takes, or numbers on a device.

    Raises ValueError for what is no set of class labels, as scikit-learn words it.
    """
    if is_host_data(y) or issparse(y):
        kind = type_of_target(y, input_name="y")
        if "multioutput" in kind:
            raise ValueError("Multioutput target data is not supported with label binarization")
        if issparse(y) and not kind.startswith("multilabel"):
            raise TypeError(
                "Sparse data was passed for y, but dense data is required, unless it holds 0 and 1 for several labels "
                "a row: give y.toarray()."
            )
        if kind.startswith("continuous"):
            raise ValueError(CONTINUOUS)
        classes = unique_labels(y)
        if kind.startswith("multilabel"):
            return Labels("multilabel", classes, issparse(y))
        return Labels("binary" if len(classes) <= 2 else "multiclass", classes)
    xp = array_namespace(y)
    if y.ndim == 2:
        if not bool(xp.all((y == 0) | (y == 1))):
            raise ValueError("Multioutput target data is not supported with label binarization")
        return Labels("multilabel", np.arange(y.shape[1]))
    if xp.isdtype(y.dtype, "real floating") and not bool(xp.all(xp.round(y) == y)):
        raise ValueError(CONTINUOUS)
    found = np.sort(to_host(xp.unique_values(y)))
    return Labels("binary" if len(found) <= 2 else "multiclass", found)
