"""Names for what flows between the floors: arrays of any library, trees of them, and schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

__all__ = ["Array", "Schedule", "Step", "Tree"]

Array: TypeAlias = Any
"""An array of any library that follows the Array API standard (NumPy, CuPy, PyTorch, JAX, ...).

The standard has no static type that the libraries' own stubs agree with, so shapes and dtypes are stated in
docstrings instead: `(..., n, features)` means any number of leading axes, one per stacked network.
"""

Tree: TypeAlias = Any
"""Nested tuples, lists, dicts and NamedTuples whose leaves are arrays; None is a leafless tree."""

Step: TypeAlias = Callable[[Tree, Tree, Tree], Tree]
"""One training step: `step(state, data, hyper) -> state`, pure."""


@runtime_checkable
class Schedule(Protocol):
    """A learning rate over time: `initial * factor(t)`, t = number of steps already taken."""

    @property
    def initial(self) -> Any:
        """The learning rate of the first step; a number, or one per stacked network."""

    def factor(self, t: Array, /) -> Array:
        """Compute the multiplier of `initial` after t steps.

        Parameters
        ----------
        t : array
            Steps taken before, 0-d, floating, on the device.

        Returns
        -------
        array
            The multiplier, 0-d.
        """
