"""Products of wide layers, by MKL or SciPy's BLAS: of parts of arrays, and added to what is there.

`numpy.dot` does neither.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import get_cython_function_address, intrinsic

from regnet_numpy.mkl import mkl_library

__all__ = ["blas_address", "multiply"]


def blas_address(dtype: Any, /) -> int:
    """Of a type's function of MKL, or of SciPy's for compiled code: loops that are kept cannot hold it."""
    return _address("sgemm" if dtype.itemsize == 4 else "dgemm", mkl_library())


@cache
def _address(name: str, mkl: ctypes.CDLL | None) -> int:
    if mkl is not None:
        return int(ctypes.cast(mkl[f"{name}_"], ctypes.c_void_p).value or 0)
    return int(get_cython_function_address("scipy.linalg.cython_blas", name))


@intrinsic
def multiply(
    typingctx: Any, address: Any, a: Any, a_turned: Any, b: Any, b_turned: Any, c: Any, add: Any
) -> Any:  # fmt: skip
    """C <- A B, or C + A B if `add`; turned: a factor is given as its transpose.

    Arrays of one type with two dimensions, the last of which is contiguous. BLAS goes by columns, so it is told of the
    transposes: C^T = B^T A^T.
    """
    if {(array.dtype, array.ndim) for array in (a, b, c)} != {(c.dtype, 2)}:
        return None  # which numba tells as a TypingError: BLAS would read numbers of another type as its own

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number, int32, char = context.get_value_type(signature.args[1].dtype), ir.IntType(32), ir.IntType(8)
        left, right, out = (
            context.make_array(signature.args[place])(context, builder, args[place]) for place in (1, 3, 5)
        )

        def shape(array: Any, axis: int) -> Any:
            return builder.extract_value(array.shape, axis)

        def leading(array: Any) -> Any:
            """Numbers from row to row; an array of one row may say anything."""
            step = builder.sdiv(builder.extract_value(array.strides, 0), array.itemsize)
            columns = shape(array, 1)
            return builder.select(builder.icmp_signed(">", step, columns), step, columns)

        def size(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, builder.trunc(value, int32))

        def flag(turned: Any) -> Any:
            return cgutils.alloca_once_value(
                builder, builder.select(turned, ir.Constant(char, ord("T")), ir.Constant(char, ord("N")))
            )

        def constant(value: float) -> Any:
            return ir.Constant(number, value)

        shared = builder.select(args[2], shape(left, 0), shape(left, 1))
        one, kept = constant(1.0), builder.select(args[6], constant(1.0), constant(0.0))
        given = [
            flag(args[4]), flag(args[2]), size(shape(out, 1)), size(shape(out, 0)), size(shared),
            cgutils.alloca_once_value(builder, one), right.data, size(leading(right)), left.data, size(leading(left)),
            cgutils.alloca_once_value(builder, kept), out.data, size(leading(out)),
        ]  # fmt: skip
        function = ir.FunctionType(ir.VoidType(), [each.type for each in given])
        builder.call(builder.inttoptr(args[0], function.as_pointer()), given)
        return context.get_dummy_value()

    return types.none(types.intp, a, types.boolean, b, types.boolean, c, types.boolean), say
