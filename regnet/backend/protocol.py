"""The one seam between the mathematics and an array library: what a backend must do.

The mathematics is pure and written against the Array API. A backend says where host data go, may compile the
training step, and may cut a sum over rows into pieces. A package joins by the entry-point group
`regnet.backends`, whose entries name a class that follows `Backend`; importing that package must stay cheap (it
must not import the array library), because every registered class is asked whether it owns an array.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from regnet.arrays.types import Array, Step, Tree

__all__ = ["Backend", "BackendError", "BackendInfo"]


class BackendError(RuntimeError):
    """A backend cannot be used here: its library, its driver or the device asked for is missing."""


class BackendInfo(NamedTuple):
    """What `regnet backends` prints of a usable backend.

    version: of the array library; devices: names that REGNET_DEVICE takes; notes: one line each (BLAS library,
    its kernel architecture, threads, driver).
    """

    version: str
    devices: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Backend(Protocol):
    """An array library as regnet uses it.

    Calling the class makes the backend; it raises `BackendError`, in one sentence that names the remedy, where
    the library or its driver is missing. Every array leaf of `rows` has its rows on axis -2.
    """

    name: str

    @staticmethod
    def owns(array: Any, /) -> bool:
        """Whether `array` belongs to this library, told by its type's module; imports nothing."""

    def default_device(self) -> str:
        """The name of the device that host data go to when REGNET_DEVICE is not set."""

    def asarray(self, host: Any, /, *, dtype: str, device: str | None = None) -> Array:
        """Copy host data, or move an array of this library, to `device` as `dtype` (a name of the standard).

        Raises BackendError for a device or a dtype that cannot be had here.
        """

    def to_numpy(self, array: Array, /) -> Any:
        """The values of `array` as a NumPy array; waits for them."""

    def synchronize(self, tree: Tree, /) -> None:
        """Wait until every array of `tree` has been computed."""

    def free_bytes(self, device: Any = None, /) -> int | None:
        """What is free of the memory that `device` has for itself; None: it computes in the host's memory."""

    def session(self, device: Any = None, /, *, elements: int | None = None) -> AbstractContextManager[None]:
        """Entered once per fit or prediction on `device`: thread limits, autograd off, streams. May be nested.

        Where NumPy computes, its error state is to ignore everything, whatever the caller's: underflow is no error.

        elements: of the widest activation, for a single prediction: what takes longer than that may be left out.
        """

    def sum_rows(
        self, function: Callable[..., Tree], rows: Tree, /, *args: Tree, width: int, networks: int | None
    ) -> Tree:
        """`function(rows, *args)`, whose results are sums over rows: it may be applied to blocks and added up.

        width: of the widest row that the function holds; networks: K if arrays have a leading axis of a stack, else
        None. The blocks depend on the number of rows and the width only, and are added in a fixed order.
        """

    def select(self, alive: Array, new: Tree, old: Tree, /) -> Tree:
        """Leaf by leaf `where(alive, new, old)`; alive: boolean (..., 1, 1), one per stacked network."""

    def kernel(self, name: str, reference: Callable[..., Any], /) -> Callable[..., Any]:
        """The version that the backend has of what `kernels`, `step.make_run` or `model` compute, or the reference."""

    def compile(self, function: Callable[..., Tree], /) -> Callable[..., Tree]:
        """A faster version of a pure function of trees, or the function itself."""

    def repeat(self, step: Step, /) -> Callable[[Tree, Tree, Tree, int], Tree]:
        """`run(state, data, hyper, n)`: the state after n steps. The state passed in is consumed."""

    def describe(self) -> BackendInfo:
        """What a user wants to know of it."""
