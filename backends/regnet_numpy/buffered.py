"""The versions of `regnet.kernels.gradient` and `regnet.step.make_run` in plain NumPy, on arrays that are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from regnet_numpy.passes import buffer_gradient
from regnet_numpy.run import NUMPY_PARTS, make_run_of

__all__ = ["buffered_kernel"]


def buffered_kernel(name: str, reference: Callable[..., Any], /) -> Callable[..., Any]:
    """The version of a kernel that keeps its arrays, or the reference."""
    if name == "gradient":
        return buffer_gradient(reference)
    return make_run_of(NUMPY_PARTS, reference) if name == "make_run" else reference
