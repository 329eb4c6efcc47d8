"""Tables from files: CSV, Parquet, NPY and NPZ, with errors that name the column."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.config import get_config
from regnet.datasets import NAMES, Table

__all__ = ["FileError", "read_features", "read_table"]

MOST_CLASSES = 20
"""A target of whole numbers with no more than this many different values is taken for classes."""


class FileError(ValueError):
    """A file cannot be used as a table; the message says why."""


class _Columns(NamedTuple):
    """Named columns, each (n,): floating, or text for the target."""

    names: tuple[str, ...]
    values: dict[str, NDArray[Any]]


def read_table(path: str, target: str | None = None, *, task: str | None = None) -> Table:
    """The file as inputs and a target; target: a column's name, by default the last column.

    task: 'classification' or 'regression'; by default classification if the target is text, boolean, or whole
    numbers with at most 20 different values. Raises FileError.
    """
    columns = _read(path, target)
    name = columns.names[-1] if target is None else target
    if name not in columns.names:
        raise FileError(f"{path} has no column {name!r} for the target. Its columns: {', '.join(columns.names)}.")
    features = tuple(column for column in columns.names if column != name)
    if not features:
        raise FileError(f"{path} has one column only: at least one input is needed beside the target.")
    y = columns.values[name]
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise FileError(f"{path}: column {name!r}, the target, holds NaN, infinite or empty values.")
    guessed = "classification" if _looks_like_classes(y) else "regression"
    if y.dtype.kind not in "fiub" and task == "regression":
        raise FileError(f"{path}: column {name!r}, the target, holds text, so it cannot be regressed on.")
    if y.dtype.kind == "f" and guessed == "classification":
        y = y.astype(np.int64)
    return Table(_matrix(path, columns, features), y, features, name, task or guessed)


def read_features(path: str, names: tuple[str, ...]) -> NDArray[Any]:
    """The columns `names` of the file, in this order, (n, len(names)); other columns are ignored.

    A file without these names is taken as it stands if it has as many columns. Raises FileError.
    """
    columns = _read(path, None, wanted=names)
    missing = [name for name in names if name not in columns.names]
    if missing and len(columns.names) == len(names) and len(missing) == len(names):
        return _matrix(path, columns, columns.names)
    if missing:
        raise FileError(
            f"{path} has {len(columns.names)} columns ({_short(columns.names)}), but the model was trained on "
            f"{len(names)}; missing: {_short(missing)}."
        )
    return _matrix(path, columns, names)


def _short(names: Any) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:10]) + (f", ... ({len(listed)} in all)" if len(listed) > 10 else "")


def _looks_like_classes(y: NDArray[Any]) -> bool:
    if y.dtype.kind not in "fiu":
        return True
    return bool((y == np.round(y)).all()) and len(np.unique(y)) <= MOST_CLASSES


def _matrix(path: str, columns: _Columns, names: tuple[str, ...]) -> NDArray[Any]:
    for name in names:
        values = columns.values[name]
        if values.dtype.kind not in "fiub":
            bad = next((value for value in values if not _is_number(value)), values[0])
            raise FileError(
                f"{path}: column {name!r} holds text ({str(bad)!r}), but inputs must be numbers: encode it, "
                "drop it, or name it as the target."
            )
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise FileError(
                f"{path}: column {name!r} holds a NaN, infinite or empty value (row {row + 1}): "
                "fill it, or drop the row."
            )
    if not len(columns.values[names[0]]):
        raise FileError(f"{path} has no rows.")
    return np.stack([columns.values[name] for name in names], axis=1).astype(get_config().dtype)


def _read(path: str, target: str | None, wanted: tuple[str, ...] | None = None) -> _Columns:
    file = Path(path)
    if file.is_dir():
        raise FileError(f"{path!r} is a folder: name a file in it.")
    if not file.is_file():
        known = "" if file.suffix else f", and no data set of that name ({', '.join(NAMES)})"
        raise FileError(f"There is no file {path!r}{known}.")
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".txt": _read_csv, ".parquet": _read_parquet}
    suffix = file.suffix.lower()
    try:
        if suffix in (".npy", ".npz"):
            return _read_numpy(file)
        if suffix not in readers:
            raise FileError(f"{path} is of no kind that regnet reads: give a .csv, .tsv, .parquet, .npy or .npz file.")
        return readers[suffix](file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} cannot be read: {error}") from error


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def _column(cells: list[str]) -> NDArray[Any]:
    """Numbers if every cell is one (empty: NaN), else text."""
    try:
        return np.asarray([cell if cell.strip() else "nan" for cell in cells], dtype=np.float64)
    except ValueError:
        return np.asarray(cells, dtype=object)


def _read_csv(path: Path) -> _Columns:
    with path.open(newline="", encoding="utf-8-sig") as file:
        sample = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=sample.count)
        reader = csv.reader(file, delimiter=delimiter)
        header: list[str] = next(reader, [])
        if not header:
            raise FileError(f"{path} is empty.")
        first = [header] if all(_is_number(cell) for cell in header) else []
        names = tuple(f"column{number}" for number in range(len(header))) if first else tuple(map(str.strip, header))
        if len(set(names)) < len(names):
            raise FileError(f"{path}: two columns have the same name: {', '.join(names)}.")
        chunks: list[list[NDArray[Any]]] = [[] for _ in names]
        line = 1
        while rows := first + list(islice(reader, 50_000)):
            first.clear()
            for row in rows:
                line += 1
                if len(row) != len(names):
                    raise FileError(f"{path}: row {line - 1} has {len(row)} cells, but there are {len(names)} columns.")
            for chunk, cells in zip(chunks, zip(*rows, strict=True), strict=True):
                chunk.append(_column(list(cells)))
        if not chunks[0]:
            raise FileError(f"{path} has no rows.")
    return _Columns(names, dict(zip(names, (_join(chunk) for chunk in chunks), strict=True)))


def _join(chunks: list[NDArray[Any]]) -> NDArray[Any]:
    if any(chunk.dtype == object for chunk in chunks):
        return np.concatenate([chunk.astype(object) for chunk in chunks])
    return np.concatenate(chunks)


def _read_parquet(path: Path) -> _Columns:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FileError("Reading Parquet needs pyarrow: pip install pyarrow.") from error
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    values = {name: table[name].to_numpy() for name in table.column_names}
    return _Columns(tuple(table.column_names), values)


def _read_numpy(path: Path) -> _Columns:
    try:
        loaded = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    x: Any
    y: Any = None
    if isinstance(loaded, np.ndarray):
        x = loaded
    else:
        with loaded:
            arrays: dict[str, Any] = {name.lower(): loaded[name] for name in loaded.files}
        x = next((arrays[name] for name in ("x", "data", "features") if name in arrays), None)
        y = next((arrays[name] for name in ("y", "target", "labels") if name in arrays), None)
        if x is None:
            raise FileError(f"{path} holds {', '.join(arrays)}; an NPZ file needs an array x, and y for the target.")
    if x.ndim != 2:
        raise FileError(f"{path}: the table has {x.ndim} axes, but needs 2 (rows, columns).")
    values = {f"column{number}": x[:, number] for number in range(x.shape[1])}
    if y is not None:
        if y.shape != (len(x),):
            raise FileError(f"{path}: y has shape {y.shape}, but x has {len(x)} rows.")
        values["y"] = y
    return _Columns(tuple(values), values)
