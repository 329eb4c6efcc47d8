"""What a user says of the columns, by number or by name: which belong together, and their penalty factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.backend.faults import is_missing, shown
from regnet.backend.given import check_given, numbers_of, unmasked
from regnet.backend.placement import is_host_data, to_host
from regnet.mathematics.row_groups import unequal_within

__all__ = ["EVERY", "Grouping", "check_factors", "factors_of", "grouping_of", "some_columns"]

EVERY = "give one entry per column, or a dict from column name to entry"
LISTED = 10
"""Column names that an error tells."""


class Grouping(NamedTuple):
    """labels: of the groups, in the order of their first columns; numbers: of each column's group, (columns,);

    kind: what they are to the reader, 'inputs' where each is one column of a table, which was made several of.
    """

    labels: tuple[Any, ...]
    numbers: NDArray[np.int64]
    kind: Literal["groups", "inputs"] = "groups"

    def any_of(self, columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether any column of a group is True, (..., groups), for columns (..., columns)."""
        count = len(self.labels)
        return np.stack([columns[..., self.numbers == number].any(axis=-1) for number in range(count)], axis=-1)

    def whole(self, columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Columns (..., columns), and all others of their groups."""
        return np.asarray(self.any_of(columns)[..., self.numbers])

    def norms(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Root of the sum of squares within each group, (..., groups), of norms (..., columns)."""
        members = self.numbers[:, None] == np.arange(len(self.labels))
        return np.asarray(np.sqrt(columns.astype(np.float64) ** 2 @ members))

    def labels_of_columns(self) -> list[Any]:
        """The label of each column."""
        return [self.labels[number] for number in self.numbers]

    def some(self, kept: NDArray[np.bool_]) -> Grouping:
        """The groups of the columns that are kept."""
        left = np.flatnonzero(self.any_of(kept))
        labels = tuple(self.labels[number] for number in left)
        return self._replace(labels=labels, numbers=np.searchsorted(left, self.numbers[kept]))


def grouping_of(given: Any, names: Sequence[str] | None, count: int, /, *, behind: str = "") -> Grouping | None:
    """The groups of `count` columns by `input_groups`: None, a label for each, or a dict by name.

    behind: what made the columns, for errors. Raises ValueError or TypeError, naming input_groups.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        columns = _names("input_groups", given, names)
        labels = [given.get(name, name) for name in columns]
        both = [name for name in columns if name not in given and name in set(given.values())]
        if both:
            raise ValueError(
                f"input_groups has a label {both[0]!r}, which is also the name of a column that is not in it, and so a "
                "group of its own: name that column too, or choose another label."
            )
    else:
        labels = _entries("input_groups", given, count, behind)
    numbers: dict[Any, int] = {}
    try:
        of_each = [numbers.setdefault(label, len(numbers)) for label in labels]
    except TypeError:
        raise TypeError("input_groups: a label must be text or a number.") from None
    if any(map(is_missing, numbers)):
        raise ValueError("input_groups lacks a label (None or NaN): give columns of their own a label of their own.")
    return Grouping(tuple(numbers), np.asarray(of_each, dtype=np.int64))


def factors_of(
    given: Any, names: Sequence[str] | None, count: int, grouping: Grouping | None = None, /, *, behind: str = ""
) -> NDArray[np.float64] | None:
    """The penalty factors of `count` columns by `penalty_factor`, (count,), infinite for those that are left out; None

    where none is given. behind: see `grouping_of`. Raises ValueError or TypeError, naming penalty_factor.
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = [given.get(name, 1.0) for name in _names("penalty_factor", given, names)]
    factors = np.asarray(to_host(numbers_of("penalty_factor", given)), dtype=np.float64)
    if factors.shape != (count,):
        raise ValueError(
            f"penalty_factor must hold one number per input: X has {count} features{behind}, penalty_factor has shape "
            f"{factors.shape}."
        )
    if not (factors >= 0).all():
        raise ValueError(
            "penalty_factor holds a number that is negative or NaN: give 0 (not penalised) or more, inf to leave a "
            "column out."
        )
    label = None if grouping is None else unequal_within(grouping.numbers, factors)
    if grouping is not None and label is not None:
        raise ValueError(
            f"penalty_factor differs within group {grouping.labels[label]!r} of input_groups: give all columns of a "
            "group the same factor."
        )
    return factors


def check_factors(factors: NDArray[np.float64] | None, /) -> None:
    """Raise ValueError if a selection has nothing to select from."""
    if factors is not None and not (np.isfinite(factors) & (factors > 0)).any():
        raise ValueError(
            "penalty_factor is 0 or inf for every column, so no strength changes anything: give a number between to "
            "those that the penalty may remove."
        )


def some_columns(given: Any, kept: NDArray[np.bool_], names: Sequence[str] | None, /) -> Any:
    """`input_groups` or `penalty_factor` for some of the columns."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        left = set(np.asarray(names)[kept].tolist())
        return {name: entry for name, entry in given.items() if name in left}
    if isinstance(given, np.ndarray):
        return given[kept]
    return [entry for entry, used in zip(given, kept, strict=True) if used]


def _names(argument: str, given: Mapping[Any, Any], names: Sequence[str] | None) -> list[str]:
    """The names of all columns, which those of a dict must be among."""
    if names is None:
        raise ValueError(f"{argument} is a dict, but the columns have no names: give a list, one entry per column.")
    columns = [str(name) for name in names]
    unknown = [name for name in given if name not in columns]
    if unknown:
        more = ", ..." if len(columns) > LISTED else ""
        raise ValueError(
            f"{argument} names {unknown[0]!r}, which is no column: the columns are {', '.join(columns[:LISTED])}{more}."
        )
    return columns


def _entries(argument: str, given: Any, count: int, behind: str) -> list[Any]:
    if not is_host_data(given):
        given = check_given(argument, given)
    elif isinstance(given, np.ma.MaskedArray):
        given = unmasked(argument, given)
    is_array = hasattr(given, "dtype")
    if isinstance(given, str) or hasattr(given, "columns") or (is_array and len(given.shape) != 1):
        raise TypeError(f"{argument} is {_told(given)}: {EVERY}.")
    if not hasattr(given, "__len__"):
        raise TypeError(f"{argument}={shown(given)}: {EVERY}.")
    entries: list[Any] = np.asarray(to_host(given)).tolist() if is_array else list(given)
    if len(entries) != count:
        raise ValueError(f"{argument} has {len(entries)} entries, but there are {count} columns{behind}: {EVERY}.")
    return entries


def _told(given: Any) -> str:
    """What stands where a list should."""
    return f"the text {shown(given)}" if isinstance(given, str) else f"{type(given).__name__} of shape {given.shape}"
