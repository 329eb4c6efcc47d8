"""The same numbers in every container that holds them, and containers that hold none.

A dress makes (what is given, the same as plain numbers or None where there are no such numbers) of an array.
"""

from __future__ import annotations

import datetime
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy import sparse

WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _whole(dtype):
    def dress(a):
        values = np.rint(np.clip(np.abs(a) if dtype[0] == "u" else a, -3, 3) * 20).astype(dtype)
        return values, values.astype(np.float64)

    return dress


def _rounded(dtype):
    def dress(a):
        values = a.astype(dtype)
        return values, values.astype(np.float64)

    return dress


def _same(make):
    return lambda a: (make(a), a)


def _objects(kind):
    def dress(a):
        found = np.empty(a.shape, dtype=object)
        for where in np.ndindex(a.shape):
            found[where] = kind(float(a[where]))
        return found, a

    return dress


def _bad_cell(cell):
    def dress(a):
        found = a.astype(object)
        if found.size:
            found.flat[found.size // 2] = cell
        return found, None

    return dress


def _number_at(number, place):
    def dress(a):
        found = a.astype(np.float64)
        if found.size:
            found.flat[int(place * (found.size - 1))] = number
        return found, found.copy()

    return dress


def _strided(a):
    if not a.ndim:
        return a, a
    big = np.full(tuple(2 * n for n in a.shape), np.nan)
    view = big[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view, a


def _backwards(a):
    if not a.ndim:
        return a, a
    turned = a[tuple(slice(None, None, -1) for _ in a.shape)].copy()
    return turned[tuple(slice(None, None, -1) for _ in a.shape)], a


def _broadcast(a):
    if a.ndim < 2 or not len(a):
        return a, a
    found = np.broadcast_to(a[:, :1], a.shape)
    return found, np.array(found)


def _read_only(a):
    found = a.copy()
    found.flags.writeable = False
    return found, a


def _unaligned(a):
    if not a.size:
        return a, a
    raw = np.zeros(a.nbytes + 1, dtype=np.uint8)[1:]
    found = raw.view(np.float64).reshape(a.shape)
    found[...] = a
    return found, a


def _mapped(a):
    import tempfile

    if not a.size:
        return a, a
    with tempfile.TemporaryFile() as file:
        found = np.memmap(file, dtype=np.float64, shape=a.shape, mode="w+")
    found[...] = a
    return found, a


def _matrix(a):
    if a.ndim > 2:
        return a, a
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = np.asmatrix(a)
    return found, np.asarray(found)


class Own(np.ndarray):
    """A class of a user's own."""


def _masked(some):
    def dress(a):
        mask = np.zeros(a.shape, dtype=bool)
        if some and mask.size:
            mask.flat[0] = True
        return np.ma.MaskedArray(a.copy(), mask), None if mask.any() else a

    return dress


def _masked_integers(a):
    mask = np.zeros(a.shape, dtype=bool)
    if mask.size:
        mask.flat[-1] = True
    return np.ma.MaskedArray(np.rint(a * 10).astype(np.int64), mask), None if mask.any() else np.rint(a * 10)


def _as_bool(a):
    return a > 0, (a > 0).astype(np.float64)


def _frame(values, **options):
    """A Series of one axis, a DataFrame of two."""
    if np.ndim(values) == 1:
        return pd.Series(values, name="c", **options)
    return pd.DataFrame(values, columns=[f"c{k}" for k in range(np.shape(values)[1])], **options)


def _pandas(dtype, hole=False):
    def dress(a):
        if a.ndim not in (1, 2):
            return a, a
        if dtype == "boolean":
            plain = (a > 0).astype(np.float64)
            found = _frame(a > 0).astype(dtype)
        elif dtype.startswith(("Int", "int", "category")):
            plain = np.rint(np.clip(a, -1e3, 1e3) * 10)
            found = _frame(plain.astype(np.int64)).astype(dtype)
        else:
            plain, found = a, _frame(a.copy()).astype(dtype)
        if hole and a.size:
            found = found.copy()
            if a.ndim == 1:
                found.iloc[0] = pd.NA
            else:
                found.iloc[0, 0] = pd.NA
            return found, None
        return found, plain

    return dress


def _text_frame(a):
    return (_frame(a).astype(str) if a.ndim in (1, 2) else a.astype(str)), a


def _sparse_frame(a):
    return (_frame(a).astype(pd.SparseDtype("float64", 0.0)) if a.ndim in (1, 2) else a), a


def _columns(make):
    def dress(a):
        if a.ndim != 2 or not a.shape[1]:
            return a, a
        return pd.DataFrame(a, columns=make(a.shape[1])), a

    return dress


def _polars(kind):
    def dress(a):
        import polars as pl

        if a.ndim not in (1, 2):
            return a, a
        plain = a
        if kind == "Int32":
            plain = np.rint(np.clip(a, -1e3, 1e3) * 10)
        names = [f"c{k}" for k in range(a.shape[-1])]
        given = pl.Series("c", plain) if a.ndim == 1 else pl.DataFrame(plain, schema=names)
        if kind == "null":
            if not a.size:
                return given, a
            if a.ndim == 1:
                return pl.Series("c", [None, *a[1:].tolist()]), None
            return given.with_columns(c0=pl.Series([None, *a[1:, 0].tolist()], dtype=pl.Float64)), None
        if kind == "Decimal":
            if np.abs(a).max(initial=0.0) > 1e6:  # polars' own decimals end
                return given, a
            plain = np.round(a, 2)
            cells = [[Decimal(f"{cell:.2f}") for cell in column] for column in np.atleast_2d(plain.T)]
            made = [pl.Series(f"c{k}", column, dtype=pl.Decimal(12, 2)) for k, column in enumerate(cells)]
            return (made[0] if a.ndim == 1 else pl.DataFrame(made)), plain
        if kind == "nested":
            if a.ndim == 1:
                return pl.Series("c", [[cell] for cell in a.tolist()]), None if a.size else a
            return given.with_columns(c0=pl.Series([[cell] for cell in a[:, 0].tolist()])) if a.shape[1] else given, (
                None if a.size else a
            )
        if kind == "lazy":
            return (given if a.ndim == 1 else given.lazy()), (a if a.ndim == 1 else None)
        return given.cast(getattr(pl, kind)), plain

    return dress


def _sparse(name):
    def dress(a):
        return (getattr(sparse, name)(a), a) if a.ndim == 2 else (a, a)

    return dress


def _torch(dtype=None, gradient=False, sparse_layout=False):
    def dress(a):
        import torch

        plain = np.rint(np.clip(a, -1e3, 1e3) * 10) if dtype == "int32" else a.astype(dtype or "float64")
        found = torch.asarray(np.ascontiguousarray(plain).copy()).reshape(plain.shape)
        if dtype:
            found = found.to(getattr(torch, dtype))
        if gradient:
            found.requires_grad_(True)
        return (found.to_sparse() if sparse_layout and a.ndim else found), None if sparse_layout and a.ndim else plain

    return dress


def _jax(a):
    import jax

    return jax.numpy.asarray(a), a


def _records(a):
    if a.ndim != 2 or not a.shape[1]:
        return a, a
    fields = np.dtype([(f"f{k}", "f8") for k in range(a.shape[1])])
    return np.array([tuple(row) for row in a.tolist()], dtype=fields), None


def _dates(unit):
    return lambda a: (np.rint(a * 100).astype(f"M8[{unit}]"), None)


def _ragged(a):
    if a.ndim != 2 or len(a) < 2 or a.shape[1] < 2:
        return a, a
    return [row[: 1 + k % 2] for k, row in enumerate(a.tolist())], None


DRESSES = {
    "plain": _same(lambda a: a.copy()),
    "Fortran": _same(lambda a: np.asfortranarray(a).reshape(a.shape, order="F")),
    "strided": _strided,
    "backwards": _backwards,
    "broadcast": _broadcast,
    "read-only": _read_only,
    "unaligned": _unaligned,
    "memory-mapped": _mapped,
    "big-endian": _same(lambda a: a.astype(">f8")),
    "longdouble": _same(lambda a: a.astype(np.longdouble)),
    "of a class of its own": _same(lambda a: a.view(Own)),
    "matrix": _matrix,
    "lists": _same(lambda a: a.tolist()),
    "tuples": _same(lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()) if a.ndim else a),
    "list of arrays": _same(lambda a: list(a) if a.ndim else a),
    "float16": _rounded("float16"),
    "float32": _rounded("float32"),
    **{dtype: _whole(dtype) for dtype in WHOLE},
    "bool": _as_bool,
    "objects": _objects(float),
    "objects of NumPy": _objects(np.float64),
    "Decimal": _objects(lambda cell: Decimal(repr(cell))),
    "Fraction": _objects(Fraction),
    "mixed objects": _same(lambda a: np.where(np.arange(a.size).reshape(a.shape) % 2 == 0, a, a.astype(object))),
    "None inside": _bad_cell(None),
    "text inside": _bad_cell("many"),
    "bytes inside": _bad_cell(b"\xff\xfe"),
    "a list inside": _bad_cell([1.0, 2.0]),
    "a dict inside": _bad_cell({"a": 1}),
    "a date inside": _bad_cell(datetime.date(2026, 11, 27)),
    "NA inside": _bad_cell(pd.NA),
    "NaT inside": _bad_cell(pd.NaT),
    "10**400 inside": _bad_cell(10**400),
    "complex inside": _bad_cell(1 + 2j),
    "NaN first": _number_at(np.nan, 0.0),
    "NaN last": _number_at(np.nan, 1.0),
    "inf": _number_at(np.inf, 0.5),
    "-inf": _number_at(-np.inf, 0.3),
    "1e308": _number_at(1e308, 0.5),
    "complex": lambda a: (a + 1j, None),
    "complex without": lambda a: (a + 0j, None),
    "complex64": lambda a: ((a + 0.5j).astype(np.complex64), None),
    "numbers as text": lambda a: (a.astype(str), a),
    "numbers as bytes": lambda a: (a.astype("S"), a),
    "string dtype": lambda a: (np.asarray(a.astype(str), dtype=np.dtypes.StringDType()), a),
    "dates": _dates("D"),
    "dates of nanoseconds": _dates("ns"),
    "durations": lambda a: (np.rint(a * 100).astype("m8[s]"), None),
    "void": lambda a: (np.zeros(a.shape, dtype="V8"), None),
    "records": _records,
    "ragged": _ragged,
    "masked": _masked(True),
    "masked integers": _masked_integers,
    "mask without": _masked(False),
    "pandas": _pandas("float64"),
    "pandas Int64": _pandas("Int64"),
    "pandas Float64": _pandas("Float64"),
    "pandas boolean": _pandas("boolean"),
    "pandas category": _pandas("category"),
    "pandas Int64 with NA": _pandas("Int64", hole=True),
    "pandas Float64 with NA": _pandas("Float64", hole=True),
    "pandas boolean with NA": _pandas("boolean", hole=True),
    "pandas Arrow": _pandas("double[pyarrow]"),
    "pandas Arrow with NA": _pandas("double[pyarrow]", hole=True),
    "pandas Arrow integers": _pandas("int64[pyarrow]"),
    "pandas text": _text_frame,
    "pandas sparse": _sparse_frame,
    "levels of columns": _columns(lambda n: pd.MultiIndex.from_tuples([("a", k) for k in range(n)])),
    "one name twice": _columns(lambda n: ["twice"] * n),
    "numbers as names": _columns(lambda n: list(range(n))),
    "names of two types": _columns(lambda n: [k if k % 2 else f"c{k}" for k in range(n)]),
    "names of escapes": _columns(lambda n: [f"\x1b[31m{k}\r\n" for k in range(n)]),
    "polars": _polars("Float64"),
    "polars Int32": _polars("Int32"),
    "polars Decimal": _polars("Decimal"),
    "polars null": _polars("null"),
    "polars lists": _polars("nested"),
    "polars lazy": _polars("lazy"),
    **{name: _sparse(name) for name in ("csr_matrix", "csc_array", "coo_matrix", "dia_array", "lil_matrix")},
    "torch": _torch(),
    "torch float32": _torch("float32"),
    "torch int32": _torch("int32"),
    "torch with gradients": _torch(gradient=True),
    "torch sparse": _torch(sparse_layout=True),
    "jax": _jax,
    "None": lambda a: (None, None),
    "a number": lambda a: (3.0, np.asarray(3.0)),
    "text": lambda a: ("table", None),
    "bytes": lambda a: (b"table", None),
    "a set": lambda a: ({1.0, 2.0}, None),
    "a dict": lambda a: ({"a": a}, None),
    "an iterator": lambda a: (iter(a.reshape(-1).tolist()), None),
    "a function": lambda a: (len, None),
}
"""By name; each is given a float64 array in C order of any rank."""

SHAPES = {
    "as it is": lambda a: a,
    "rank 0": lambda a: np.asarray(1.5),
    "one axis more": lambda a: a[..., None],
    "two axes more": lambda a: a[None, :, None] if a.ndim == 1 else a[None, :, :, None],
    "one axis less": lambda a: a[:, 0] if a.ndim == 2 else np.asarray(a[0]),
    "a leading axis": lambda a: a[None],
    "no rows": lambda a: a[:0],
    "no columns": lambda a: a[..., :0],
    "no cells": lambda a: a[:0, ..., :0] if a.ndim > 1 else a[:0],
    "one row": lambda a: a[:1],
    "two rows": lambda a: a[:2],
    "one column": lambda a: a[:, :1] if a.ndim == 2 else a,
    "a column more": lambda a: np.concatenate([a, a[..., :1]], axis=-1),
    "a row more": lambda a: np.concatenate([a, a[:1]]),
    "a row less": lambda a: a[:-1],
    "constant": lambda a: np.full_like(a, 2.0),
    "zeros": lambda a: np.zeros_like(a),
    "negative": lambda a: -np.abs(a),
    "huge": lambda a: np.full_like(a, 1e308),
    "tiny": lambda a: np.full_like(a, 1e-300) * np.sign(a),  # XLA takes subnormal numbers for 0
}
"""What is done with an argument before it is dressed."""


def snapshot(given):
    """What is in it, to be compared; None for what cannot be looked at without being used up."""
    if isinstance(given, np.ma.MaskedArray):
        return given.data.tobytes(), np.ma.getmaskarray(given).tobytes()
    if isinstance(given, np.ndarray):
        return str(given.tolist()) if given.dtype.hasobject or given.dtype.kind == "T" else given.tobytes()
    if sparse.issparse(given):
        return given.toarray().tobytes()
    if hasattr(given, "detach"):
        return given.detach().to_dense().numpy().tobytes()
    if isinstance(given, (pd.DataFrame, pd.Series)):
        columns = list(map(str, given.columns)) if isinstance(given, pd.DataFrame) else None
        return str(given.to_numpy(dtype=object).tolist()), columns, str(given.index.tolist())
    return None if isinstance(given, type(iter([]))) else str(given)
