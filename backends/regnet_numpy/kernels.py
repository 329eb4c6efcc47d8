"""What NumPy has versions of its own for: gradients and runs on arrays that are kept, predictions in tiles."""

from __future__ import annotations

from regnet.arrays.types import Tree
from regnet.backend.protocol import Kernels, Run
from regnet_numpy.passes import make_gradient, tile_predict
from regnet_numpy.run import ARRAYS, make_run_of
from regnet_numpy.tiles import run_in_groups

__all__ = ["array_kernels"]


def array_kernels(reference: Kernels, /) -> Kernels:
    """The versions that keep their arrays; what they cannot do goes to the reference."""

    def run_groups(*args: Tree) -> Run:
        """The networks of a stack in groups, over threads."""
        return run_in_groups(reference.run(*args))

    return reference._replace(
        gradient=make_gradient(reference.gradient), run=make_run_of(ARRAYS, run_groups), predict=tile_predict
    )
