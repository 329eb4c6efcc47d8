"""Kernels with loops compiled by numba, where that is installed.

Activations, losses and optimizers of ours have one each, by their exact type; what a user wrote, and classes that are
derived from ours, go to NumPy's arrays, or to the reference. A single update has none: runs have theirs, and beside a
gradient it takes little.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

from regnet.backend.config import get_config
from regnet.backend.protocol import Kernels

__all__ = ["compiled_kernels", "numba_version"]


@lru_cache(maxsize=1)
def numba_version() -> str | None:
    """The version of numba, if it is installed."""
    if find_spec("numba") is None:
        return None
    from importlib.metadata import version

    return version("numba")


def compiled_kernels(kernels: Kernels, /) -> Kernels:
    """The compiled versions if numba is there and `config_context(fast=False)` is not in force."""
    if not get_config().fast or numba_version() is None:
        return kernels
    from regnet_numpy.compiled.gradient import compile_gradient
    from regnet_numpy.compiled.run import compile_run

    return kernels._replace(gradient=compile_gradient(kernels.gradient), run=compile_run(kernels.run))
