"""How loops are compiled. Importing this file needs numba.

The first call for a combination of types compiles a loop and keeps the result on disk, in the user's folder for such
things. Sums run in a fixed order, so a result has the same bits in every run; they are other bits than NumPy's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, final

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator
from numba.core.ccallback import CFunc
from numba.extending import intrinsic, overload, register_jitable

from regnet_numpy.compiled.place import cache_folder

__all__ = [
    "apart", "call_at", "choose", "cut", "cut_at", "inline", "loop", "loop_at", "number", "scalar", "sum_loop",
    "wide_loop",
]  # fmt: skip


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
        return _kept(numba.njit(nogil=True, error_model="numpy", **options)(function), function)

    return decorate


def _kept(made: Any, function: Any) -> Any:
    """The loop, kept on disk where a place can be written to."""
    with suppress(RuntimeError):
        made._cache = _Cache(function)
        _apart(made)
    return made


def _apart(made: Any) -> None:
    """The loop's files on disk are written by no other process.

    numba numbers the files of a loop by what it has read of their index. Of two processes that compile at once both
    take one number, and a third reads the code of other types than it asked for ("can't unbox array", at best). With
    names of its own a process at worst loses its entry in the index, and compiles again.
    """
    with suppress(AttributeError):  # of another numba, which may number in another way
        file = made._cache._cache_file
        file._data_name_pattern = file._data_name_pattern.replace("{number", f"{os.urandom(6).hex()}.{{number")


# Elementwise loops round as they are written, so that a term which is 0 gives the bits of a term which is absent. Sums
# over rows may be reordered, as a vector unit needs; NaN and infinities keep their meaning in both.
loop = _compiled()
SUMS = {"reassoc", "contract", "arcp", "nsz"}
sum_loop = _compiled(fastmath=SUMS)
inline = numba.njit(inline="always")


@intrinsic
def apart(typingctx: Any) -> Any:
    """Said first in a function that stays one: a copy in each of its callers would be optimised there once more."""

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.none(), say


@intrinsic
def wide_loop(typingctx: Any) -> Any:
    """Said first in a loop, `apart`, whose arrays do not overlap: it need not look whether they do.

    And it takes whole vectors: LLVM takes half of AVX-512's by itself, for processors that slowed down under them years
    ago (products of ours take half as long again so).
    """

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        own = builder.function
        own.attributes.add("noinline")
        set.add(own.attributes, '"prefer-vector-width"="512"')  # llvmlite's own `add` knows no attribute with a value
        for arg in own.args:
            name = arg.name.split(".")
            is_data = len(name) == 2 or (len(name) == 3 and name[2] == "4")  # an address, or an array's
            if name[0] == "arg" and is_data and isinstance(arg.type, ir.PointerType):
                arg.add_attribute("noalias")
        return context.get_dummy_value()

    return types.none(), say


@intrinsic
def choose(typingctx: Any, condition: Any, one: Any, other: Any) -> Any:
    """`one if condition else other` of two numbers that are both there: a branch would keep a loop from vectors."""

    def select(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(args[0], args[1], args[2])

    return one(types.boolean, one, one), select


def number(like: Any, value: Any) -> Any:
    """A number of the type of another one: beside one written out, numba computes in float64."""
    return type(like)(value)


@overload(number, strict=False)
def _number(like: Any, value: Any) -> Callable[..., Any]:
    kind = np.float32 if like == types.float32 else np.float64
    return lambda like, value: kind(value)


def cut(array: Any, start: Any, stop: Any) -> Any:
    """Entries of an array, or None of None."""
    return None if array is None else array[start:stop]


@overload(cut, strict=False)
def _cut(array: Any, start: Any, stop: Any) -> Callable[..., Any]:
    if array == types.none:
        return lambda array, start, stop: None
    return lambda array, start, stop: array[start:stop]


def cut_at(array: Any, place: Any) -> Any:
    """A row of an array, or None of None."""
    return None if array is None else array[place]


@overload(cut_at, strict=False)
def _cut_at(array: Any, place: Any) -> Callable[..., Any]:
    if array == types.none:
        return lambda array, place: None
    return lambda array, place: array[place]


scalar = register_jitable(error_model="numpy", fastmath={"contract"})
"""A function of numbers, for loops."""


def loop_at(dtype: Any, arrays: int, function: Any, *, returns: bool = False) -> Any:
    """A loop that is called by its address, with addresses of as many arrays, and the shape of the first.

    So its callers, who take longer to compile, need not be compiled for each. It must be kept as long as its address.
    """
    known: Any = types  # whose names mypy finds or not, as numba is installed or not
    kind = known.float32 if dtype.itemsize == 4 else known.float64
    takes = [known.CPointer(kind)] * arrays + [known.intp, known.intp]
    signature = tuple(takes), kind if returns else known.void
    made = _kept(CFunc(function, signature, {}, {"fastmath": SUMS, "error_model": "numpy"}), function)
    made.compile()
    return made


@intrinsic
def call_at(typingctx: Any, address: Any, returns: Any, arrays: Any) -> Any:
    """Calls a loop of `loop_at` with a tuple of arrays; returns: a number of the type that it returns, or None."""

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds, values = list(signature.args[2]), cgutils.unpack_tuple(builder, args[2])
        made = [context.make_array(kind)(context, builder, value) for kind, value in zip(kinds, values, strict=True)]
        given = [one.data for one in made] + list(cgutils.unpack_tuple(builder, made[0].shape))
        result = ir.VoidType() if returns == types.none else context.get_value_type(returns)
        function = ir.FunctionType(result, [one.type for one in given])
        found = builder.call(builder.inttoptr(args[0], function.as_pointer()), given)
        return context.get_dummy_value() if returns == types.none else found

    return returns(address, returns, arrays), say
