"""JAX as a backend; jax is imported when the backend is made, not before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np

from regnet.arrays.namespace import root_module
from regnet.arrays.types import Array, Step, Tree
from regnet.backend.memo import make_once
from regnet.backend.protocol import Backend, BackendError, BackendInfo, Kernels, Run
from regnet.mathematics.optimizers import Optimizer

__all__ = ["JaxBackend"]


@final
class JaxBackend(Backend):
    """JAX arrays, jitted; on the processor unless REGNET_DEVICE names another device."""

    name = "jax"

    def __init__(self) -> None:
        """Import jax, or say which extra brings it."""
        try:
            import jax
        except ImportError as error:
            raise BackendError("JAX is not installed: pip install jax.") from error
        self._jax = jax

    @staticmethod
    def owns(array: Any, /) -> bool:
        """jax.Array, and the tracers that stand for one."""
        return root_module(array) in ("jax", "jaxlib")

    def default_device(self) -> str:
        """The processor."""
        return "cpu:0"

    def _devices(self) -> dict[str, Any]:
        platforms = {"cpu", self._jax.default_backend()}
        found = [device for platform in sorted(platforms) for device in self._jax.devices(platform)]
        return {f"{device.platform}:{device.id}": device for device in found}

    def _device(self, device: Any) -> Any:
        if device is not None and not isinstance(device, str):
            return device
        devices = self._devices()
        name = self.default_device() if device is None else device if ":" in device else f"{device}:0"
        if name not in devices:
            raise BackendError(
                f"The jax backend has no device {device!r} here (REGNET_DEVICE): choose one of {', '.join(devices)}."
            )
        return devices[name]

    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """See Backend.asarray. float64 needs JAX_ENABLE_X64, without which JAX would silently make it float32."""
        if dtype == "float64" and not self._jax.config.jax_enable_x64:
            raise BackendError(
                "JAX computes in float32 unless the environment variable JAX_ENABLE_X64=1 is set: set it, or give "
                "float32 data."
            )
        values = host if self.owns(host) else np.array(host, dtype=dtype)
        return self._jax.device_put(self._jax.numpy.asarray(values, dtype=dtype), self._device(device))

    def to_numpy(self, array: Array, /) -> Any:
        """Waits for the value; a copy that may be written to."""
        return np.array(array)

    def synchronize(self, tree: Tree, /) -> None:
        """Waits for every leaf."""
        self._jax.block_until_ready(tree)

    def free_bytes(self, device: Any = None, /) -> int | None:
        """What XLA has set aside and not used; a processor's device does not tell."""
        memory = self._device(device).memory_stats() or {}
        return memory["bytes_limit"] - memory["bytes_in_use"] if "bytes_limit" in memory else None

    def is_out_of_memory(self, error: BaseException, /) -> bool:
        """XLA has one class for all its errors, which begin with the name of their status."""
        if isinstance(error, self._jax.errors.JaxRuntimeError):
            return str(error).startswith("RESOURCE_EXHAUSTED")
        return isinstance(error, MemoryError)

    def compile(self, function: Callable[..., Tree], /) -> Callable[..., Tree]:
        """jax.jit."""
        compiled: Callable[..., Tree] = self._jax.jit(function)
        return compiled

    def kernels(self, reference: Kernels, /) -> Kernels:
        """A run is a compiled loop."""

        def run(backend: Backend, network: Any, optimizer: Optimizer, step: Step) -> Run:
            found: Run = make_once(_loop, step)
            return found

        return reference._replace(run=run)

    def describe(self) -> BackendInfo:
        """Version, devices, and whether float64 is on."""
        precision = "on" if self._jax.config.jax_enable_x64 else "off (set JAX_ENABLE_X64=1)"
        return BackendInfo(self._jax.__version__, tuple(self._devices()), (f"float64 {precision}",))


def _loop(step: Step) -> Run:
    """One loop whose length is an argument, so that it compiles once for all fits of a network by the same rule.

    The state is not donated: an interrupted fit goes back to it.
    """
    import jax

    def loop(state: Tree, data: Tree, hyper: Tree, n: Any) -> Tree:
        return jax.lax.fori_loop(0, n, lambda _, current: step(current, data, hyper), state)

    run: Run = jax.jit(loop)
    return run
