"""What NumPy has versions of its own for: gradients and runs on arrays that are kept, predictions in tiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from regnet_numpy.passes import buffer_gradient, tile_apply
from regnet_numpy.run import NUMPY_PARTS, make_run_of

__all__ = ["buffered_kernel"]


def buffered_kernel(name: str, reference: Callable[..., Any], /) -> Callable[..., Any]:
    """The version of a kernel that keeps its arrays, or the reference."""
    makers: dict[str, Callable[..., Any]] = {
        "gradient": buffer_gradient,
        "make_run": partial(make_run_of, NUMPY_PARTS),
        "apply": tile_apply,
    }
    return makers[name](reference) if name in makers else reference
