"""How loops are compiled. Importing this file needs numba.

The first call for a combination of types compiles a loop and keeps the result on disk, in the user's folder for such
things. Sums run in a fixed order, so a result has the same bits in every run; they are other bits than NumPy's.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, final

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator

from regnet_numpy.compiled.place import cache_folder

__all__ = ["exact_loop", "inline", "loop", "sum_loop"]


@lru_cache(maxsize=1)
def _sources() -> str:
    """A number for all files with loops: numba looks at the file of a loop, and not at those of the loops it calls."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


@final
class _Place(UserProvidedCacheLocator):  # type: ignore[misc]
    """Where the code of a loop is, and what it was made of."""

    def __init__(self, function: Any, path: str) -> None:
        super().__init__(function, path)
        own = Path(self.get_cache_path()).name  # with a hash of the sources' folder
        self._cache_path = str(cache_folder(numba.config.CACHE_DIR) / own)

    @classmethod
    def from_function(cls, function: Any, path: str) -> Self | None:
        """None where it cannot be written to."""
        place = cls(function, path)
        try:
            place.ensure_cache_path()
        except OSError:
            return None
        return place

    def get_source_stamp(self) -> str:
        """See `_sources`."""
        return _sources()


@final
class _Code(CompileResultCacheImpl):  # type: ignore[misc]
    """How numba writes and reads it."""

    _locator_classes = (_Place,)


@final
class _Cache(FunctionCache):  # type: ignore[misc]
    """That of one loop."""

    _impl_class = _Code


def _compiled(**options: Any) -> Any:
    """A decorator of numba's that keeps what it compiles on disk where a place can be written to."""

    def decorate(function: Any) -> Any:
        dispatcher = numba.njit(nogil=True, error_model="numpy", **options)(function)
        with suppress(RuntimeError):  # no place can be written to
            dispatcher._cache = _Cache(function)
            _apart(dispatcher)
        return dispatcher

    return decorate


def _apart(dispatcher: Any) -> None:
    """The loop's files on disk are written by no other process.

    numba numbers the files of a loop by what it has read of their index. Of two processes that compile at once both
    take one number, and a third reads the code of other types than it asked for ("can't unbox array", at best). With
    names of its own a process at worst loses its entry in the index, and compiles again.
    """
    with suppress(AttributeError):  # of another numba, which may number in another way
        file = dispatcher._cache._cache_file
        file._data_name_pattern = file._data_name_pattern.replace("{number", f"{os.urandom(6).hex()}.{{number")


# Elementwise loops round as they are written, so that a term which is 0 gives the bits of a term which is absent. Sums
# over rows may be reordered, as a vector unit needs; NaN and infinities keep their meaning in both. An exact loop may
# not be reordered, but fuses products with sums.
loop = _compiled()
sum_loop = _compiled(fastmath={"reassoc", "contract", "arcp", "nsz"})
exact_loop = _compiled(fastmath={"contract"})
inline = numba.njit(inline="always")
