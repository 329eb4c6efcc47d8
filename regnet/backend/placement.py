"""Where arrays are computed on: with their own library, or where the environment sends host data."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from regnet.arrays.namespace import array_namespace, root_module
from regnet.arrays.types import Array
from regnet.backend.config import DTYPES, asked_dtype, get_config
from regnet.backend.generic import GenericBackend
from regnet.backend.protocol import Backend
from regnet.backend.registry import backend_classes, get_backend, owner_of

__all__ = ["Placement", "dtype_name", "is_host_data", "placement_of", "to_host"]

WIDE = ("int32", "int64", "uint32", "uint64")
LARGEST = 2**24


class Placement(NamedTuple):
    """Where arrays live while regnet computes on them: a backend, a device (or its name) and a dtype's name."""

    backend: Backend
    device: Any
    dtype: str

    def put(self, values: Any, /, dtype: str | None = None) -> Array:
        """Bring host data, or an array of any library, here; `dtype` overrides the placement's."""
        if not is_host_data(values) and not self.backend.owns(values):
            values = owner_of(values).to_numpy(values)  # CuPy's arrays refuse to be converted unasked
        return self.backend.asarray(values, dtype=dtype or self.dtype, device=self.device)


def is_host_data(values: Any, /) -> bool:
    """Whether `values` are NumPy arrays, lists, frames or numbers, which follow the environment."""
    if isinstance(values, (np.ndarray, np.generic, list, tuple, int, float)):
        return True
    return not any(cls.owns(values) for cls in backend_classes().values()) and not GenericBackend.owns(values)


def to_host(array: Any, /) -> Any:
    """An array of another library as a NumPy array; host data as they are."""
    return array if is_host_data(array) else owner_of(array).to_numpy(array)


def placement_of(*values: Any) -> Placement:
    """Where to compute on `values`: with the arrays' own library, or where the environment says.

    Arrays of a library other than NumPy decide backend and device; host data beside them follow them there.
    The first of `values` decides the dtype if it is float32 or float64; otherwise REGNET_DTYPE does. Without that
    it is float32, but float64 for integers beyond 2^24, which float32 would round.
    Raises TypeError for arrays of two libraries, ValueError for two devices.
    """
    arrays = [value for value in values if value is not None and not is_host_data(value)]
    config = get_config()
    dtype = (dtype_name(values[0]) if values else None) or asked_dtype()
    dtype = dtype or ("float64" if values and _are_wide_integers(values[0]) else config.dtype)
    if not arrays:
        backend = get_backend()
        return Placement(backend, config.device or backend.default_device(), dtype)
    libraries = sorted({root_module(array) for array in arrays})
    if len(libraries) > 1:
        raise TypeError(f"Arrays of {' and '.join(libraries)} were given together: convert them to one library.")
    from array_api_compat import device as device_of

    devices = {str(device_of(array)): device_of(array) for array in arrays}
    if len(devices) > 1:
        raise ValueError(f"Arrays on {' and '.join(sorted(devices))} were given together: move them to one device.")
    return Placement(owner_of(arrays[0]), next(iter(devices.values())), dtype)


def _are_wide_integers(values: Any) -> bool:
    """Whether values are integers beyond those that float32 holds one by one, +-2^24."""
    if values is None:
        return False
    array = np.asarray(values) if is_host_data(values) else values
    if 0 in array.shape or str(array.dtype).rpartition(".")[2] not in WIDE:
        return False
    xp = array_namespace(array)
    return int(xp.max(array)) > LARGEST or int(xp.min(array)) < -LARGEST


def dtype_name(values: Any, /) -> str | None:
    """'float32' or 'float64' if `values` carry such a dtype (frames: the dtype of the table they make)."""
    if values is None or isinstance(values, (list, tuple, int, float)):
        return None
    if is_host_data(values) and not hasattr(values, "dtype"):
        values = np.asarray(values)
    name = str(values.dtype).rpartition(".")[2]  # torch prints 'torch.float32', strict 'array_api_strict.float32'
    return name if name in DTYPES else None
