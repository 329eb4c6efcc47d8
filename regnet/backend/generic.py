"""`GenericBackend`, for any namespace of the Array API."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from array_api_compat import device as device_of
from array_api_compat import is_array_api_obj

from regnet.arrays.namespace import array_namespace, root_module
from regnet.arrays.types import Array
from regnet.backend.protocol import Backend, BackendError, BackendInfo

__all__ = ["GenericBackend"]


@final
class GenericBackend(Backend):
    """Any library whose arrays follow the standard, with no speed of its own: what array-api-strict runs on."""

    def __init__(self, like: Array, /) -> None:
        """like: an array of the library."""
        self._xp = array_namespace(like)
        self._device = device_of(like)
        self.name = root_module(like)

    @staticmethod
    def owns(array: Any, /) -> bool:
        """Whether `array` follows the Array API standard."""
        return bool(is_array_api_obj(array))

    def default_device(self) -> str:
        """The device of the array that this backend was made from, by name."""
        return str(self._device)

    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """See Backend.asarray; `device` is a device object, or the name of the array's own device."""
        target = self._device if device in (None, self.default_device()) else device
        wanted = getattr(self._xp, dtype, None)
        if wanted is None:
            raise BackendError(f"{self.name} has no dtype {dtype!r} as it is configured here.")
        if not is_array_api_obj(host):
            host = np.asarray(host, dtype=dtype)
        return self._xp.asarray(host, dtype=wanted, device=target)

    def to_numpy(self, array: Array, /) -> Any:
        """Copies through DLPack or the buffer protocol, whichever the library has."""
        xp = self._xp
        host = next((d for d in xp.__array_namespace_info__().devices() if str(d).lower().find("cpu") >= 0), None)
        return np.asarray(array if host is None else xp.asarray(array, device=host))

    def describe(self) -> BackendInfo:
        """Version and devices as the library reports them."""
        devices = tuple(str(device) for device in self._xp.__array_namespace_info__().devices())
        return BackendInfo(str(getattr(self._xp, "__version__", "unknown")), devices)
