"""Arrays that may not be written to, as loops take them."""

from __future__ import annotations

from typing import final

import numpy as np

from regnet.arrays.types import Array

__all__ = ["read_as_any"]


def read_as_any(array: Array, /) -> Array:
    """The array, of the type that numba gives to arrays which may be written to; loops only read it, nothing is copied.

    To numba a table of a file that was opened for reading is of another type than others: every loop would be compiled
    twice, and could not take rows of such a table in one step and copies of them in another.
    """
    return array if array.flags.writeable else np.asarray(_Opened(array))


@final
class _Opened:
    """What NumPy reads an array's place from; it keeps the array."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}
