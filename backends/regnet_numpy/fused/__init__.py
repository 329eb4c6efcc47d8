"""Kernels with loops compiled by numba, where that is installed.

Whatever has no loop here (dropout, other activations, losses and optimizers, and classes that are derived from ours)
goes to the reference.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

from regnet.backend.config import get_config
from regnet.backend.protocol import Kernels

__all__ = ["fused_kernels", "numba_version"]


@lru_cache(maxsize=1)
def numba_version() -> str | None:
    """The version of numba, if it is installed."""
    if find_spec("numba") is None:
        return None
    from importlib.metadata import version

    return version("numba")


def fused_kernels(kernels: Kernels, /) -> Kernels:
    """The compiled versions if numba is there and `config_context(fast=False)` is not in force."""
    if not get_config().fast or numba_version() is None:
        return kernels
    from regnet_numpy.fused.gradient import fuse_gradient
    from regnet_numpy.fused.run import fuse_run
    from regnet_numpy.fused.update import fuse_update

    return kernels._replace(
        gradient=fuse_gradient(kernels.gradient), update=fuse_update(kernels.update), run=fuse_run(kernels.run)
    )
