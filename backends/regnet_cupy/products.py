"""Matrix products into arrays that stay: by a cuBLAS handle of our own, which may be captured, or by CuPy."""

from __future__ import annotations

from typing import Any, Protocol, final

import numpy as np

__all__ = ["CublasProducts", "CupyProducts", "Products"]

WORKSPACE = 32 * 2**20
"""Bytes that cuBLAS may use; NVIDIA recommends 32 MiB for Hopper, and on every stream its own."""


class Products(Protocol):
    """How products are made. capturable: whether CUDA graphs may hold them."""

    capturable: bool

    def begin(self) -> None:
        """Before the products of a step: they follow on the current stream."""

    def multiply(
        self, a: Any, b: Any, out: Any, /, *, a_t: bool = False, b_t: bool = False, accumulate: bool = False
    ) -> None:
        """`out = a @ b`, or `out += a @ b`; a, b: (..., rows, columns), the last two axes exchanged if a_t or b_t.

        Rows lie one after another; a leading axis may be missing in a and b, whose matrix all share then.
        """


@final
class CupyProducts:
    """By CuPy's matmul, which makes the product as an array of its own first, and refuses to be captured."""

    capturable = False

    def __init__(self, xp: Any) -> None:
        """xp: cupy."""
        self._matmul = xp.matmul

    def begin(self) -> None:
        """Nothing: CuPy goes by the current stream."""

    def multiply(
        self, a: Any, b: Any, out: Any, /, *, a_t: bool = False, b_t: bool = False, accumulate: bool = False
    ) -> None:
        """See Products."""
        product = self._matmul(a.swapaxes(-1, -2) if a_t else a, b.swapaxes(-1, -2) if b_t else b)
        if accumulate:
            out += product
        else:
            out[...] = product


@final
class CublasProducts:
    """By nvmath's binding of cuBLAS: no allocation, no synchronisation, and the same algorithm in every step.

    cuBLAS counts columns first, so a row-major `out = a b` is its `out^T = b^T a^T`: the factors change places, and
    none is transposed that was not.
    """

    capturable = True

    def __init__(self, cupy: Any, dtype: Any) -> None:
        """Raises ImportError without nvmath, or where it finds no cuBLAS."""
        from nvmath.bindings import cublas

        single = np.dtype(dtype) == np.float32
        self._cupy, self._cublas = cupy, cublas
        self._one_product = cublas.sgemm if single else cublas.dgemm
        self._many_products = cublas.sgemm_strided_batched if single else cublas.dgemm_strided_batched
        self._workspace = cupy.empty(WORKSPACE, "uint8")
        self._handle = cublas.create()  # for as long as the process: to destroy one waits for the device
        self._one, self._zero = np.ones(1, dtype), np.zeros(1, dtype)  # read by the host, when a product is launched

    def begin(self) -> None:
        """A handle forgets its workspace whenever it is given a stream."""
        self._cublas.set_stream(self._handle, self._cupy.cuda.get_current_stream().ptr)
        self._cublas.set_workspace(self._handle, self._workspace.data.ptr, WORKSPACE)

    def multiply(
        self, a: Any, b: Any, out: Any, /, *, a_t: bool = False, b_t: bool = False, accumulate: bool = False
    ) -> None:
        """See Products."""
        m, n = out.shape[-2:]
        k = a.shape[-2] if a_t else a.shape[-1]
        count = out.shape[0] if out.ndim > 2 else 1
        kind, one = (self._handle, int(b_t), int(a_t), n, m, k), self._one.ctypes.data
        beta = (self._one if accumulate else self._zero).ctypes.data
        left, right, result = (b.data.ptr, b.shape[-1]), (a.data.ptr, a.shape[-1]), (out.data.ptr, n)
        if count == 1:
            self._one_product(*kind, one, *left, *right, beta, *result)
        else:
            self._many_products(*kind, one, *left, _stride(b), *right, _stride(a), beta, *result, _stride(out), count)


def _stride(matrices: Any) -> int:
    """Elements from one matrix to the next; 0 where there is one."""
    return matrices.strides[0] // matrices.itemsize if matrices.ndim > 2 and len(matrices) > 1 else 0
