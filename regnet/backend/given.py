"""What is handed in as a table, targets or weights: refused in the user's words where it holds no numbers.

Whatever comes in goes through here before any library sees it, so that nothing is taken for what it is not: the cells
under a mask, the real part of a complex number, the days of a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from regnet.backend.faults import cells_of_column, explained, fault_of, faults_of, is_missing, shown, tell
from regnet.backend.placement import is_host_data, to_host

__all__ = ["check_given", "check_labels", "check_table", "named", "numbers_of", "told_of", "unmasked"]

DATES, DURATIONS = ("datetime", "date", "time[", "timestamp"), ("timedelta", "duration")
"""Beginnings of the names of types, in small letters, of pandas, polars and Arrow."""


def check_given(name: str, values: Any, /) -> Any:
    """The argument as an array, a frame, or a sparse matrix, which may hold numbers or text; no data are copied.

    Lists, ranges and series become NumPy arrays, masked arrays that hide nothing too. Raises TypeError or ValueError,
    naming the argument, for whatever holds dates, durations, complex numbers or records, for hidden cells, and for what
    is no array.
    """
    if isinstance(values, range):
        values = np.asarray(values)
    if isinstance(values, (list, tuple)):
        values = _stacked(name, values)
    if isinstance(values, np.ma.MaskedArray):
        values = unmasked(name, values)
    if isinstance(values, np.ndarray):
        _check_kind(name, values.dtype.kind, str(values.dtype))
        return np.asarray(values)
    if isinstance(values, (int, float, np.generic)):
        return check_given(name, np.asarray(values))
    if not is_host_data(values):
        return _check_device_array(name, values)
    if issparse(values):
        _check_kind(name, values.dtype.kind, str(values.dtype))
        return values
    return _frame_or_column(name, values)


def check_table(name: str, values: Any, /) -> Any:
    """As `check_given`, of two axes. Errors begin as scikit-learn's."""
    found = check_given(name, values)
    if is_host_data(found) and len(found.shape) != 2:  # polars' frames have no ndim
        shape = tuple(found.shape)
        if len(shape) > 2:
            raise ValueError(f"Found array with dim {len(shape)}: {name} has the shape {shape}, not (n, features).")
        what = "scalar array" if not shape else "1D array"
        raise ValueError(
            f"Expected 2D array, got {what} instead: {name} has the shape {shape}. Reshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample."
        )
    return found


def check_labels(name: str, values: Any, /) -> Any:
    """Class labels: numbers, or text, one type of them. Raises ValueError or TypeError, naming the argument."""
    found = _as_array(check_given(name, values))
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "OST":
        return found
    if found.dtype.kind == "S":
        raise TypeError(f"{name} holds bytes, which are no labels: decode them, {name}.astype(str).")
    cells = found.reshape(-1).tolist()
    absent = next((row for row, cell in enumerate(cells) if is_missing(cell)), None)
    if absent is not None:
        raise ValueError(
            f"Input {name} contains NaN: no class in {sum(map(is_missing, cells))} of {len(cells)} rows "
            f"({shown(cells[absent])} in row {absent} first): leave such rows out, or give them a class of their own."
        )
    kinds = {_kind_of_label(cell) for cell in cells}
    if len(kinds) > 1 or not kinds <= {"text", "number"}:
        raise TypeError(
            f"{name} holds labels of type {' and '.join(sorted(kinds))}: give text, or numbers, for all rows "
            "(str(label), for example)."
        )
    if kinds == {"number"}:
        plain = np.asarray(cells)
        if plain.dtype.kind == "O":
            raise ValueError(f"{name} holds numbers beyond any type of NumPy's: give text in their place.")
        return plain.reshape(found.shape)
    return found.astype(object)


def _kind_of_label(cell: Any) -> str:
    if isinstance(cell, str):
        return "text"
    is_number = isinstance(cell, (int, float, np.bool_, np.integer, np.floating)) and not isinstance(
        cell, np.timedelta64
    )
    return "number" if is_number else type(cell).__name__


def numbers_of(name: str, values: Any, /, *, text: bool = False, remedy: str = "make numbers of it") -> Any:
    """The argument as an array of numbers, where the caller has it: NumPy's (of objects: float64), or a device's.

    NaN stands for None and for pandas' NA. text: whether text of numbers is taken for them; remedy: for other text.
    Raises as `check_given`, and TypeError or ValueError for whatever is no number, naming column, cell and row.
    """
    found = _as_array(check_given(name, values))
    if issparse(found):
        raise TypeError(f"{name} is a sparse matrix, where an array is needed: give {name}.toarray().")
    if not isinstance(found, np.ndarray) or found.dtype.kind in "fiub":
        return found
    if found.dtype.kind in "UST" and not text:
        cell = found.reshape(-1)[0].item() if found.size and found.dtype.kind != "T" else str(found.reshape(-1)[:1])
        raise TypeError(f"{name} holds text ({shown(cell)} first), where numbers are needed: {remedy}.")
    return _floats(name, found, text, remedy)


def _floats(name: str, values: NDArray[Any], text: bool, remedy: str) -> NDArray[np.float64]:
    """Objects as numbers."""
    cells = values.reshape(-1).tolist()
    if not text and any(isinstance(cell, (str, bytes)) for cell in cells):
        row, cell = next((row, cell) for row, cell in enumerate(cells) if isinstance(cell, (str, bytes)))
        raise TypeError(f"{name} holds text ({shown(cell)}, cell {row}), where numbers are needed: {remedy}.")
    flat = np.empty(len(cells), dtype=object)
    flat[:] = cells
    fault = fault_of(flat)
    if fault is not None and fault.kind == "other":
        if values.ndim == 2:
            raise TypeError(tell(name, *faults_of(values)))
        raise TypeError(f"{name} holds {fault.fact}: give numbers, one a row.")
    found = np.asarray([np.nan if is_missing(cell) else float(cell) for cell in cells], dtype=np.float64)
    return found.reshape(values.shape)


def _as_array(values: Any) -> Any:
    """A frame as one array: of numbers where all its columns are, else of objects."""
    if isinstance(values, np.ndarray) or not is_host_data(values) or issparse(values):
        return values
    found = np.asarray(values)
    if found.dtype.kind != "O" or not found.shape[1]:
        return found
    columns = [cells_of_column(values, number) for number in range(found.shape[1])]  # a matrix mixes their types
    return np.stack(columns, axis=1) if all(column.dtype.kind in "fiub" for column in columns) else found


def _stacked(name: str, values: Any) -> NDArray[Any]:
    try:
        return np.asarray([to_host(one) for one in values] if any(not is_host_data(one) for one in values) else values)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        lengths = sorted({len(row) for row in values if isinstance(row, (list, tuple, np.ndarray))})
        fact = f"rows of {lengths[0]} to {lengths[-1]} cells" if len(lengths) > 1 else "cells and lists side by side"
        raise ValueError(f"{name} is a list with {fact}, which make no array: give rows of one length.") from None


def unmasked(name: str, values: Any) -> NDArray[Any]:
    """A masked array whose mask hides nothing, as the array it is."""
    hidden = int(np.ma.getmaskarray(values).sum())
    if hidden:
        raise ValueError(
            f"{name} is a masked array with {hidden} of {values.size} cells masked, which regnet would take for "
            f"numbers: drop such rows, or fill them ({name}.filled(...), or np.nan and an imputer)."
        )
    return np.ma.getdata(values)


def _check_kind(name: str, kind: str, dtype: str) -> None:
    """Raise for types that would lose a part of what they say. kind: as NumPy's `dtype.kind`."""
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {name} holds complex numbers ({dtype}): give {name}.real, or real and "
            "imaginary parts as columns of their own."
        )
    if kind in "Mm":
        raise TypeError(
            f"{name} holds {'dates' if kind == 'M' else 'durations'} ({dtype}), which are no numbers until a unit is "
            f"chosen: give days, say ({name} - {name}.min()) / np.timedelta64(1, 'D')"
            f"{', or text for classes' if kind == 'M' else ''}."
        )
    if kind == "V":
        raise TypeError(f"{name} holds records ({shown(dtype)}): give its fields as columns of numbers, or a frame.")


def _check_device_array(name: str, values: Any) -> Any:
    """An array of another library, which computes on it where it is."""
    if "sparse" in str(getattr(values, "layout", "")):
        raise ValueError(
            f"{name} is a sparse tensor, which no library but its own computes on: call {name}.to_dense()."
        )
    _check_kind(name, "c" if "complex" in str(values.dtype) else "f", str(values.dtype))
    return values


def _frame_or_column(name: str, values: Any) -> Any:
    """A frame as it is, a series as an array."""
    kind = type(values)
    if callable(getattr(kind, "collect", None)):
        raise TypeError(f"{name} is of type {kind.__name__}, which has no cells yet: call {name}.collect().")
    is_frame = hasattr(kind, "columns") or hasattr(values, "columns")
    if is_frame and len(getattr(values, "shape", ())) == 2:
        _check_columns(name, values)
        return values
    if hasattr(kind, "to_numpy"):
        _check_kind(name, _kind_of(str(values.dtype)), str(values.dtype))
        return check_given(name, values.to_numpy())
    if hasattr(kind, "__array__"):
        return check_given(name, np.asarray(values))
    told = "None" if values is None else f"of type {kind.__name__}"
    raise TypeError(f"{name} is {told}, where an array, a list or a frame is needed: give one with a row each.")


def _kind_of(dtype: str) -> str:
    """'M', 'm', 'c' or 'f', for anything else, of a series' type."""
    found = dtype.lower()
    if found.startswith(DATES):
        return "M"
    return "m" if found.startswith(DURATIONS) else "c" if found.startswith("complex") else "f"


def _check_columns(name: str, frame: Any) -> None:
    """Raise TypeError or ValueError for a frame with dates, durations or complex numbers: for all of them at once."""
    kinds = [_kind_of(str(dtype)) for dtype in frame.dtypes]
    if set(kinds) <= {"f"}:
        return
    found, count = faults_of(frame)
    if found:
        raise (ValueError if "c" in kinds else TypeError)(tell(name, found, count))


@contextmanager
def told_of(name: str, values: Any, /) -> Iterator[None]:
    """What a check of scikit-learn's says of the argument names it, and all of its bad columns."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        raise explained(name, values, error) from error


@contextmanager
def named(argument: str, /) -> Iterator[None]:
    """Errors say that they are of this argument, whose parts have names of their own."""
    try:
        yield
    except (TypeError, ValueError) as error:
        text = str(error)
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(text if text.startswith(argument) else f"{argument}: {text}") from error
