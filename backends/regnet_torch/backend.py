"""PyTorch as a backend; torch is imported when the backend is made, not before."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, final

import numpy as np

from regnet.arrays.namespace import root_module
from regnet.arrays.tree import leaves
from regnet.arrays.types import Array, Tree
from regnet.backend.blocks import select_by_where
from regnet.backend.protocol import Backend, BackendError, BackendInfo, Kernels

__all__ = ["TorchBackend"]

OUT_OF_MEMORY = ("DefaultCPUAllocator: ", "MPS backend out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@final
class TorchBackend(Backend):
    """PyTorch tensors, on the processor or any accelerator that PyTorch knows."""

    name = "torch"

    def __init__(self) -> None:
        """Import torch, or say which extra brings it."""
        try:
            import torch
        except ImportError as error:
            raise BackendError("PyTorch is not installed: pip install torch.") from error
        self._torch = torch

    @staticmethod
    def owns(array: Any, /) -> bool:
        """torch.Tensor."""
        return root_module(array) == "torch"

    def _devices(self) -> tuple[str, ...]:
        names = ["cpu", *(f"cuda:{number}" for number in range(self._torch.cuda.device_count()))]
        if self._torch.backends.mps.is_available():
            names.append("mps")
        return tuple(names)

    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """See Backend.asarray. Tensors that carry a gradient are detached: training makes its own."""
        torch = self._torch
        if isinstance(device, str) and device not in self._devices() and device != "cuda":
            raise BackendError(
                f"The torch backend has no device {device!r} here (REGNET_DEVICE): choose one of "
                f"{', '.join(self._devices())}."
            )
        values = host.detach() if self.owns(host) else torch.from_numpy(np.array(host, dtype=dtype))
        return values.to(device=device, dtype=getattr(torch, dtype))

    def to_numpy(self, array: Array, /) -> Any:
        """Through the host's memory."""
        return array.detach().cpu().numpy()

    def synchronize(self, tree: Tree, /) -> None:
        """Waits for every CUDA device that holds a leaf."""
        for device in {leaf.device for leaf in leaves(tree) if leaf.device.type == "cuda"}:
            self._torch.cuda.synchronize(device)

    def free_bytes(self, device: Any = None, /) -> int | None:
        """Of a CUDA device, as its driver tells."""
        if not str(device).startswith("cuda"):
            return None
        return int(self._torch.cuda.mem_get_info(device)[0])

    def is_out_of_memory(self, error: BaseException, /) -> bool:
        """An accelerator's error has a class; the host's, and a BLAS library's, tell by their words only."""
        if isinstance(error, MemoryError | self._torch.OutOfMemoryError):
            return True
        return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)

    def session(self, device: Any = None, /, *, elements: int | None = None) -> AbstractContextManager[None]:
        """Autograd off."""
        context: AbstractContextManager[None] = self._torch.no_grad()
        return context

    def select(self, alive: Array, new: Tree, old: Tree, /) -> Tree:
        """Without a copy where all are alive, if asking costs no synchronisation."""
        if alive.device.type == "cpu" and bool(alive.all()):
            return new
        return select_by_where(alive, new, old)

    def kernels(self, reference: Kernels, /) -> Kernels:
        """With PyTorch's own fused operations."""
        from regnet_torch.kernels import fuse_kernels

        return fuse_kernels(reference)

    def describe(self) -> BackendInfo:
        """Version, devices, threads."""
        torch = self._torch
        return BackendInfo(torch.__version__, self._devices(), (f"{torch.get_num_threads()} threads",))
