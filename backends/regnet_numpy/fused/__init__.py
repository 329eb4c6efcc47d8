"""Versions of `regnet.kernels` and `regnet.step.make_run` with loops compiled by numba, where that is installed.

Whatever has no loop here (dropout, other activations, losses and optimizers, and classes that are derived from ours)
goes to the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from regnet.backend.config import get_config

__all__ = ["fused_kernel", "numba_version"]


@lru_cache(maxsize=1)
def numba_version() -> str | None:
    """The version of numba, if it is installed."""
    if find_spec("numba") is None:
        return None
    from importlib.metadata import version

    return version("numba")


def fused_kernel(name: str, reference: Callable[..., Any], /) -> Callable[..., Any]:
    """The compiled version of a kernel if numba is there and `config_context(fast=False)` is not in force."""
    if not get_config().fast or numba_version() is None:
        return reference
    from regnet_numpy.fused.gradient import fuse_gradient
    from regnet_numpy.fused.run import fuse_make_run
    from regnet_numpy.fused.update import fuse_prox_update

    makers = {"gradient": fuse_gradient, "prox_update": fuse_prox_update, "make_run": fuse_make_run}
    return makers[name](reference) if name in makers else reference
