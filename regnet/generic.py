"""Plain implementations of a backend's duties, and `GenericBackend` for any namespace of the Array API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from typing import Any, final

import numpy as np
from array_api_compat import device as device_of
from array_api_compat import is_array_api_obj

from regnet.backend import BackendError, BackendInfo
from regnet.namespace import array_namespace
from regnet.tree import leaves, tree_map
from regnet.types import Array, Step, Tree

__all__ = [
    "BLOCK_ELEMENTS",
    "GenericBackend",
    "add_trees",
    "compile_once",
    "make_once",
    "repeat_eagerly",
    "root_module",
    "row_blocks",
    "select_by_where",
    "sum_in_blocks",
]

BLOCK_ELEMENTS = 2**25
"""Rows times width of the largest intermediate that is computed at once where memory is the only concern (128 MiB
in float32): an evaluation on millions of rows must not need a layer's activations for all of them."""


def root_module(array: Any, /) -> str:
    """The top-level package that defines the type of `array`, such as 'numpy' or 'torch'."""
    return type(array).__module__.partition(".")[0]


def row_blocks(rows: Tree, size: int, /) -> Iterator[Tree]:
    """Cut every array of `rows` along axis -2 into blocks of `size` rows; the last one may be shorter."""
    count = leaves(rows)[0].shape[-2]
    if count <= size:
        yield rows
        return
    for start in range(0, count, size):
        yield tree_map(lambda leaf, start=start: leaf[..., start : start + size, :], rows)


def add_trees(left: Tree, right: Tree, /) -> Tree:
    """Leaf by leaf sum."""
    return tree_map(lambda a, b: a + b, left, right)


def sum_in_blocks(
    function: Callable[..., Tree],
    rows: Tree,
    args: tuple[Tree, ...],
    width: int,
    networks: int | None,
    /,
    *,
    elements: int = BLOCK_ELEMENTS,
) -> Tree:
    """Sum `function(block, *args)` over blocks of rows whose widest intermediate has about `elements` elements."""
    total = None
    for block in row_blocks(rows, max(1, elements // (width * (networks or 1)))):
        part = function(block, *args)
        total = part if total is None else add_trees(total, part)
    return total


def select_by_where(alive: Array, new: Tree, old: Tree, /) -> Tree:
    """Leaf by leaf `where(alive, new, old)`; alive: boolean, broadcastable to every leaf."""
    xp = array_namespace(alive)
    return tree_map(lambda a, b: xp.where(alive, a, b), new, old)


def repeat_eagerly(step: Step, /) -> Callable[[Tree, Tree, Tree, int], Tree]:
    """`run(state, data, hyper, n)` as a plain loop."""

    def run(state: Tree, data: Tree, hyper: Tree, n: int) -> Tree:
        for _ in range(n):
            state = step(state, data, hyper)
        return state

    return run


@final
class GenericBackend:
    """Any library whose arrays follow the standard, with no speed of its own: what array-api-strict runs on."""

    def __init__(self, like: Array, /) -> None:
        """like: an array of the library."""
        self._xp = array_namespace(like)
        self._device = device_of(like)
        self.name = root_module(like)

    @staticmethod
    def owns(array: Any, /) -> bool:
        """Whether `array` follows the Array API standard."""
        return bool(is_array_api_obj(array))

    def default_device(self) -> str:
        """The device of the array that this backend was made from, by name."""
        return str(self._device)

    def asarray(self, host: Any, /, *, dtype: str, device: Any = None) -> Array:
        """See Backend.asarray; `device` is a device object, or the name of the array's own device."""
        target = self._device if device in (None, self.default_device()) else device
        wanted = getattr(self._xp, dtype, None)
        if wanted is None:
            raise BackendError(f"{self.name} has no dtype {dtype!r} as it is configured here.")
        if not is_array_api_obj(host):
            host = np.asarray(host, dtype=dtype)
        return self._xp.asarray(host, dtype=wanted, device=target)

    def to_numpy(self, array: Array, /) -> Any:
        """Copies through DLPack or the buffer protocol, whichever the library has."""
        xp = self._xp
        host = next((d for d in xp.__array_namespace_info__().devices() if str(d).lower().find("cpu") >= 0), None)
        return np.asarray(array if host is None else xp.asarray(array, device=host))

    def synchronize(self, tree: Tree, /) -> None:
        """Reads one value of every array: the standard has no other way to wait."""
        for leaf in leaves(tree):
            self.to_numpy(leaf)

    def free_bytes(self, device: Any = None, /) -> int | None:
        """None: it computes in the host's memory."""
        return None

    def session(self, device: Any = None, /, *, elements: int | None = None) -> AbstractContextManager[None]:
        """Nothing to set up, but NumPy's error state, where the library computes by NumPy."""
        return np.errstate(all="ignore")

    def sum_rows(
        self, function: Callable[..., Tree], rows: Tree, /, *args: Tree, width: int, networks: int | None
    ) -> Tree:
        """Blocks bound the memory."""
        return sum_in_blocks(function, rows, args, width, networks)

    def select(self, alive: Array, new: Tree, old: Tree, /) -> Tree:
        """`where`, leaf by leaf."""
        return select_by_where(alive, new, old)

    def kernel(self, name: str, reference: Callable[..., Any], /) -> Callable[..., Any]:
        """The reference."""
        return reference

    def compile(self, function: Callable[..., Tree], /) -> Callable[..., Tree]:
        """The function itself."""
        return function

    def repeat(self, step: Step, /) -> Callable[[Tree, Tree, Tree, int], Tree]:
        """A plain loop."""
        return repeat_eagerly(step)

    def describe(self) -> BackendInfo:
        """Version and devices as the library reports them."""
        devices = tuple(str(device) for device in self._xp.__array_namespace_info__().devices())
        return BackendInfo(str(getattr(self._xp, "__version__", "unknown")), devices)


def make_once(make: Callable[..., Any], /, *args: Any) -> Any:
    """`make(*args)`, once for all that ask for the same; things with a hash count as unchanging.

    With an argument that has none, as a loss of the user's may, it is made anew.
    """
    try:
        hash(args)
    except TypeError:
        return make(*args)
    return _made(make, *args)


@lru_cache(maxsize=64)
def _made(make: Callable[..., Any], *args: Any) -> Any:
    return make(*args)


def compile_once(backend: Any, function: Callable[..., Tree], /, *static: Any) -> Callable[..., Tree]:
    """`function(*static, ...)`, compiled by the backend; see `make_once`."""
    compiled: Callable[..., Tree] = make_once(_compile, backend, function, *static)
    return compiled


def _compile(backend: Any, function: Callable[..., Tree], *static: Any) -> Callable[..., Tree]:
    return backend.compile(partial(function, *static))  # type: ignore[no-any-return]
