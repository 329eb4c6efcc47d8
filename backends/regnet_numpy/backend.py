"""NumPy as a backend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, final

import numpy as np

from regnet.arrays.namespace import root_module
from regnet.arrays.types import Array, Tree
from regnet.backend.blocks import select_by_where
from regnet.backend.protocol import Backend, BackendError, BackendInfo, Kernels
from regnet_numpy import threads
from regnet_numpy.blas import older_kernels
from regnet_numpy.compiled import compiled_kernels, numba_version
from regnet_numpy.compiled.place import cache_folder
from regnet_numpy.kernels import array_kernels
from regnet_numpy.mkl import mkl_version
from regnet_numpy.tiles import sum_in_tiles

__all__ = ["NumpyBackend"]

SMALL_ELEMENTS = 2**12
"""Elements of the widest activation up to which a prediction needs no session: setting BLAS threads takes longer."""


@final
class NumpyBackend(Backend):
    """Host data on the processor."""

    name = "numpy"

    @staticmethod
    def owns(array: Any, /) -> bool:
        """NumPy arrays and scalars."""
        return root_module(array) == "numpy"

    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """See Backend.asarray. Shares memory where nothing has to change."""
        if device not in (None, "cpu"):
            raise BackendError(f"The numpy backend has no device {device!r}: it runs on cpu only (REGNET_DEVICE).")
        return np.asarray(host, dtype=dtype, order="C")

    def to_numpy(self, array: Array, /) -> Any:
        """The array itself."""
        return np.asarray(array)

    def synchronize(self, tree: Tree, /) -> None:
        """NumPy computes at once."""

    def session(self, device: Any = None, /, *, elements: int | None = None) -> AbstractContextManager[None]:
        """BLAS at one thread, tiles over our own threads, and an error state that is not the caller's.

        An exponential that underflows is 0, as it should be; under `np.seterr(all="raise")` it would be an error.
        """
        small = elements is not None and elements <= SMALL_ELEMENTS
        return np.errstate(all="ignore") if small else threads.session()

    def sum_rows(
        self, function: Callable[..., Tree], rows: Tree, /, *args: Tree, width: int, networks: int | None
    ) -> Tree:
        """Tiles, over threads."""
        return sum_in_tiles(function, rows, args, width, networks)

    def select(self, alive: Array, new: Tree, old: Tree, /) -> Tree:
        """Without a copy where all are alive."""
        return new if alive.all() else select_by_where(alive, new, old)

    def code_folder(self) -> Path | None:
        """That of numba's loops; NUMBA_CACHE_DIR may name another one."""
        return None if numba_version() is None else cache_folder()

    def kernels(self, reference: Kernels, /) -> Kernels:
        """Loops compiled by numba, where it is installed; else NumPy with arrays that are kept."""
        return compiled_kernels(array_kernels(reference))

    def describe(self) -> BackendInfo:
        """Version, and each BLAS library with the architecture whose kernels it runs, and whether there are newer."""
        libraries = threads.blas_libraries()
        notes = [
            f"{info['internal_api']} {info['version']}, {info.get('architecture', 'unknown')} kernels, "
            f"{info['num_threads']} threads"
            for info in libraries
        ]
        notes += [note for info in libraries if (note := older_kernels(info))]
        version = numba_version()
        if version is None:
            notes.append("pip install numba, and loops are compiled")
        else:
            mkl = mkl_version()
            notes.append(f"loops compiled by numba {version}" + (f", wide products by MKL {mkl}" if mkl else ""))
        return BackendInfo(np.__version__, ("cpu",), tuple(dict.fromkeys(notes)))
