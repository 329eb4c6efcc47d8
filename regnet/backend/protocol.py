"""The one seam between the mathematics and an array library: what a backend must do, and what it may do better.

The mathematics is pure and written against the Array API. A backend says where host data go, may compile functions,
may cut a sum over rows into pieces, and may have kernels of its own. A package joins by the entry-point group
`regnet.backends`, whose entries name a subclass of `Backend`; importing that package must stay cheap (it must not
import the array library), because every registered class is asked whether it owns an array.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from regnet.arrays.tree import leaves
from regnet.arrays.types import Array, Step, Tree
from regnet.backend.blocks import select_by_where, sum_in_blocks

__all__ = ["Backend", "BackendError", "BackendInfo", "Kernels", "Run", "Updated"]

Run: TypeAlias = Callable[[Tree, Tree, Tree, int], Tree]
"""`run(state, data, hyper, n)`: the state after n steps. The state passed in is consumed."""


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


class Updated(NamedTuple):
    """A point and slots after a step, and the penalty before it, (..., 1, 1), or None if it was not asked for."""

    point: Array
    slots: tuple[Array, ...]
    penalty: Array | None


class Kernels(NamedTuple):
    """The functions that training and prediction spend their time in, for one array library.

    gradient: `(backend, network, rows, point, key) -> (loss, grad)`, see `networks.kernels.gradient`;
    update: `(optimizer, layout, point, grad, slots, strengths, t, learning_rate, row_share, with_penalty)`, see
    `networks.kernels.update`;
    run: `(backend, network, optimizer, step) -> run`, the maker of a run; step: what it repeats, made of this record's
    `gradient` and `update`, and one object for all fits of a network by a rule, whatever their strengths and rates;
    predict: `(network, params, table) -> outputs`, see `networks.kernels.predict`.
    """

    gradient: Callable[[Backend, Any, Any, Array, Array | None], tuple[Array, Array]]
    update: Callable[..., Updated]
    run: Callable[[Backend, Any, Any, Step], Run]
    predict: Callable[[Any, Tree, Array], Array]


class Backend(ABC):
    """An array library as regnet uses it: a name and four methods that every backend has, and defaults for the rest.

    Calling the class makes the backend; it raises `BackendError`, in one sentence that names the remedy, where
    the library or its driver is missing. Every array leaf of `rows` has its rows on axis -2.
    """

    name: str

    def __reduce__(self) -> tuple[Any, ...]:
        """A library's module cannot be pickled, and is the same elsewhere."""
        return type(self), ()

    @staticmethod
    @abstractmethod
    def owns(array: Any, /) -> bool:
        """Whether `array` belongs to this library, told by its type's module; imports nothing."""

    @abstractmethod
    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """Copy host data, or move an array of this library, to `device` as `dtype` (a name of the standard).

        device: a name that REGNET_DEVICE takes, an array's own device, or None for the default.
        Raises BackendError for a device or a dtype that cannot be had here.
        """

    @abstractmethod
    def to_numpy(self, array: Array, /) -> Any:
        """The values of `array` as a NumPy array; waits for them."""

    @abstractmethod
    def describe(self) -> BackendInfo:
        """What a user wants to know of it."""

    def default_device(self) -> str:
        """The name of the device that host data go to when REGNET_DEVICE is not set; by default the processor."""
        return "cpu"

    def synchronize(self, tree: Tree, /) -> None:
        """Wait until every array of `tree` has been computed; by default by reading it, the standard's only way."""
        for leaf in leaves(tree):
            self.to_numpy(leaf)

    def free_bytes(self, device: Any = None, /) -> int | None:
        """What is free of the memory that `device` has for itself; None: it computes in the host's memory."""
        return None

    def session(self, device: Any = None, /, *, elements: int | None = None) -> AbstractContextManager[None]:
        """Entered once per fit or prediction on `device`: thread limits, autograd off, streams. May be nested.

        Where NumPy computes, its error state is to ignore everything, whatever the caller's: underflow is no error.
        By default there is nothing else to set up.

        elements: of the widest activation, for a single prediction: what takes longer than that may be left out.
        """
        return np.errstate(all="ignore")

    def sum_rows(
        self, function: Callable[..., Tree], rows: Tree, /, *args: Tree, width: int, networks: int | None
    ) -> Tree:
        """`function(rows, *args)`, whose results are sums over rows: it may be applied to blocks and added up.

        width: of the widest row that the function holds; networks: K if arrays have a leading axis of a stack, else
        None. The blocks depend on the number of rows and the width only, and are added in a fixed order. By default
        they bound the memory.
        """
        return sum_in_blocks(function, rows, args, width, networks)

    def select(self, alive: Array, new: Tree, old: Tree, /) -> Tree:
        """Leaf by leaf `where(alive, new, old)`; alive: boolean (..., 1, 1), one per stacked network."""
        return select_by_where(alive, new, old)

    def compile(self, function: Callable[..., Tree], /) -> Callable[..., Tree]:
        """A faster version of a pure function of trees; by default the function itself."""
        return function

    def kernels(self, reference: Kernels, /) -> Kernels:
        """The reference, with the backend's own functions in place of those that it has faster.

        What one of them cannot do it hands to the reference's. Asked once, and once more where
        `config_context(fast=False)` is in force.
        """
        return reference
