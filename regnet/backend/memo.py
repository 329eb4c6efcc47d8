"""What is made once for all that ask for the same: compiled functions, plans of a network."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from regnet.arrays.types import Tree

__all__ = ["compile_once", "make_once"]


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
