"""CuPy as a backend; cupy is imported when the backend is made, not before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, final

import numpy as np

from regnet.arrays.namespace import root_module
from regnet.arrays.tree import leaves
from regnet.arrays.types import Array, Tree
from regnet.backend.protocol import Backend, BackendError, BackendInfo, Kernels

__all__ = ["CupyBackend"]


@final
class CupyBackend(Backend):
    """CuPy arrays on one CUDA device; devices are called cuda:0, cuda:1, ..."""

    name = "cupy"

    def __init__(self) -> None:
        """Import cupy and look for a driver, or say what is missing."""
        try:
            import cupy
        except ImportError as error:
            raise BackendError(
                "CuPy is not installed: pip install cupy-cuda13x (or cupy-cuda12x, by the driver's version)."
            ) from error
        if not cupy.cuda.is_available():
            raise BackendError(
                f"CuPy {cupy.__version__} is installed but finds no NVIDIA driver with a GPU: check nvidia-smi, or "
                "set REGNET_BACKEND to numpy."
            )
        try:  # a driver is enough to get here, and not to compile a kernel
            cupy.cuda.nvrtc.getVersion()
            import_module("cupy.cublas")
        except Exception as error:
            major = cupy.cuda.runtime.runtimeGetVersion() // 1000
            raise BackendError(
                f"CuPy {cupy.__version__} finds a GPU, and not NVIDIA's libraries NVRTC and cuBLAS ({error}): "
                f"pip install 'cupy-cuda{major}x[ctk]', or install the CUDA toolkit {major}."
            ) from error
        self._cupy = cupy

    @staticmethod
    def owns(array: Any, /) -> bool:
        """cupy.ndarray."""
        return root_module(array) == "cupy"

    def default_device(self) -> str:
        """The device that is current in CuPy."""
        return f"cuda:{self._cupy.cuda.Device().id}"

    def _device(self, device: Any) -> Any:
        cupy = self._cupy
        if isinstance(device, cupy.cuda.Device):
            return self._current(device)
        names = [f"cuda:{number}" for number in range(cupy.cuda.runtime.getDeviceCount())]
        name = self.default_device() if device in (None, "cuda") else device
        if name not in names:
            raise BackendError(
                f"The cupy backend has no device {device!r} here (REGNET_DEVICE): choose one of {', '.join(names)}."
            )
        return self._current(cupy.cuda.Device(names.index(name)))

    def _current(self, device: Any) -> Any:
        """CuPy makes new arrays on its current device, wherever the ones are that they are made from."""
        if device.id != self._cupy.cuda.Device().id:
            raise BackendError(
                f"cuda:{device.id} is not CuPy's current device: work under `with cupy.cuda.Device({device.id}):`, or "
                f"set CUDA_VISIBLE_DEVICES={device.id}, which makes it cuda:0."
            )
        return device

    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """See Backend.asarray."""
        with self._device(device):
            values = host if self.owns(host) else np.asarray(host, dtype=dtype, order="C")
            return self._cupy.asarray(values, dtype=dtype, order="C")

    def to_numpy(self, array: Array, /) -> Any:
        """Copies to the host; waits for the value."""
        return array.get()

    def synchronize(self, tree: Tree, /) -> None:
        """Waits for the current stream of every device that holds a leaf, and for no other thread's."""
        for device in {leaf.device.id: leaf.device for leaf in leaves(tree)}.values():
            with device:
                self._cupy.cuda.get_current_stream().synchronize()

    def free_bytes(self, device: Any = None, /) -> int | None:
        """What the driver has left, and what CuPy's pool keeps for the next arrays."""
        cupy = self._cupy
        with self._device(device):
            return int(cupy.cuda.runtime.memGetInfo()[0] + cupy.get_default_memory_pool().free_bytes())

    @contextmanager
    def session(self, device: Any = None, /, *, elements: int | None = None) -> Iterator[None]:
        """On `device`, which must be CuPy's current one.

        Raises MemoryError, which says what is free and what to do, where the device's memory does not suffice.
        """
        cupy = self._cupy
        with self._device(device):
            try:
                yield
            except cupy.cuda.memory.OutOfMemoryError as error:
                free, total = (size / 2**30 for size in cupy.cuda.runtime.memGetInfo())
                raise MemoryError(
                    f"The GPU's memory does not suffice ({free:.2g} of {total:.2g} GiB are free; {error}): give a "
                    "smaller batch_size, in a sweep a smaller memory_limit, or free arrays of your own."
                ) from error

    def kernels(self, reference: Kernels, /) -> Kernels:
        """Runs on kernels of our own, replayed as a CUDA graph."""
        from regnet_cupy.run import make_run_of

        return reference._replace(run=make_run_of(self._cupy, reference.run))

    def describe(self) -> BackendInfo:
        """Version, devices, their names, driver, and how far CUDA graphs go."""
        runtime = self._cupy.cuda.runtime
        count = runtime.getDeviceCount()
        names = tuple(runtime.getDeviceProperties(number)["name"].decode() for number in range(count))
        driver = runtime.driverGetVersion()
        version = f"CUDA driver {driver // 1000}.{driver % 1000 // 10}"
        graphs = "nvmath-python, for CUDA graphs of every network"
        if find_spec("nvmath") is None:
            graphs = "pip install nvmath-python, and wide networks are replayed as CUDA graphs too"
        return BackendInfo(self._cupy.__version__, tuple(f"cuda:{n}" for n in range(count)), (*names, version, graphs))
