"""Tables for readers: pandas' if it is installed, else polars'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from numpy.typing import NDArray

__all__ = ["make_frame", "norm_columns"]


def make_frame(columns: Mapping[str, Any], /) -> Any:
    """A DataFrame of the columns, by name; raises ImportError, naming both, if there is neither library."""
    for library in ("pandas", "polars"):
        if find_spec(library) is not None:
            return import_module(library).DataFrame(dict(columns))
    raise ImportError("to_frame() makes a table of pandas or of polars: install one of them, say `pip install pandas`.")


def norm_columns(names: Sequence[str], norms: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """A column 'norm_NAME' for each input; norms: (n, inputs)."""
    return {f"norm_{name}": norms[:, number] for number, name in enumerate(names)}
