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
from pathlib import Path
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

    Parameters
    ----------
    version : str
        Of the array library.
    devices : tuple of str
        Names that REGNET_DEVICE takes.
    notes : tuple of str, optional
        One line each: BLAS library, its kernel architecture, threads, driver.
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
        """Whether an array belongs to this library, told by its type's module; imports nothing.

        Parameters
        ----------
        array : Any
            Of any type.

        Returns
        -------
        bool
            Whether it is computed on by this backend.
        """

    @abstractmethod
    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """Copy host data, or move an array of this library, to a device.

        Parameters
        ----------
        host : array-like
            Of the host, or of this library.
        dtype : str
            A name of the standard.
        device : Any, optional
            A name that REGNET_DEVICE takes, an array's own device, or None for the default.

        Returns
        -------
        array
            Of this library.

        Raises
        ------
        BackendError
            For a device or a dtype that cannot be had here.
        """

    @abstractmethod
    def to_numpy(self, array: Array, /) -> Any:
        """Read an array's values; waits for them.

        Parameters
        ----------
        array : array
            Of this library.

        Returns
        -------
        numpy.ndarray
            On the host.
        """

    @abstractmethod
    def describe(self) -> BackendInfo:
        """Say what a user wants to know of the backend.

        Returns
        -------
        BackendInfo
            Version, devices and notes.
        """

    def default_device(self) -> str:
        """Name the device that host data go to when REGNET_DEVICE is not set; by default the processor.

        Returns
        -------
        str
            A name that REGNET_DEVICE takes.
        """
        return "cpu"

    def synchronize(self, tree: Tree, /) -> None:
        """Wait until arrays have been computed; by default by reading them, the standard's only way.

        Parameters
        ----------
        tree : tree of array
            Those that are waited for.
        """
        for leaf in leaves(tree):
            self.to_numpy(leaf)

    def free_bytes(self, device: Any = None, /) -> int | None:
        """Ask what is free of the memory that a device has for itself.

        Parameters
        ----------
        device : Any, optional
            Of an array; None: the default.

        Returns
        -------
        int or None
            Bytes; None, as by default: it computes in the host's memory.
        """
        return None

    def code_folder(self) -> Path | None:
        """Name the folder where code that has been compiled is kept for later processes.

        Returns
        -------
        Path or None
            None, as by default: nothing is kept.
        """
        return None

    def is_out_of_memory(self, error: BaseException, /) -> bool:
        """Say whether an exception means that memory did not suffice, so that a smaller problem may fit.

        Parameters
        ----------
        error : BaseException
            From a call of this library.

        Returns
        -------
        bool
            By default, whether it is a MemoryError.
        """
        return isinstance(error, MemoryError)

    def session(self, device: Any = None, /, *, elements: int | None = None) -> AbstractContextManager[None]:
        """Set up what a fit or a prediction needs: thread limits, autograd off, streams. May be nested.

        Where NumPy computes, its error state is to ignore everything, whatever the caller's: underflow is no error. By
        default there is nothing else to set up.

        Parameters
        ----------
        device : Any, optional
            On which it computes; None: the default.
        elements : int, optional
            Of the widest activation, for a single prediction: what takes longer than that may be left out.

        Returns
        -------
        context manager
            Entered once per fit or prediction.
        """
        return np.errstate(all="ignore")

    def sum_rows(
        self, function: Callable[..., Tree], rows: Tree, /, *args: Tree, width: int, networks: int | None
    ) -> Tree:
        """Compute `function(rows, *args)`, whose results are sums over rows.

        So it may be applied to blocks and added up. The blocks depend on the number of rows and the width only, and are
        added in a fixed order. By default they bound the memory.

        Parameters
        ----------
        function : callable
            Pure, of trees.
        rows : tree of array
            With the rows on axis -2.
        *args : tree of array
            The function's other arguments.
        width : int
            Of the widest row that the function holds.
        networks : int or None
            How many, if arrays have a leading axis of a stack.

        Returns
        -------
        tree of array
            As of the function.
        """
        return sum_in_blocks(function, rows, args, width, networks)

    def select(self, alive: Array, new: Tree, old: Tree, /) -> Tree:
        """Take leaf by leaf `where(alive, new, old)`.

        Parameters
        ----------
        alive : array
            Boolean, (..., 1, 1), one per stacked network.
        new, old : tree of array
            Of the same form.

        Returns
        -------
        tree of array
            Of that form.
        """
        return select_by_where(alive, new, old)

    def compile(self, function: Callable[..., Tree], /) -> Callable[..., Tree]:
        """Make a pure function faster; by default it stays what it is.

        Parameters
        ----------
        function : callable
            Of trees.

        Returns
        -------
        callable
            With the same results, but for rounding.
        """
        return function

    def kernels(self, reference: Kernels, /) -> Kernels:
        """Put the backend's own functions in place of those that it has faster.

        What one of them cannot do it hands to the reference's. Asked once, and once more where
        `config_context(fast=False)` is in force.

        Parameters
        ----------
        reference : Kernels
            The functions on the Array API.

        Returns
        -------
        Kernels
            By default the reference.
        """
        return reference
