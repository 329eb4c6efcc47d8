"""Frames of numbers, text, dates and holes as a matrix of numbers, whose columns know what they are part of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from regnet.display.warning import warn
from regnet.tables.columns import Column, counts_rows
from regnet.tables.factors import level_columns, most_levels
from regnet.tables.frames import columns_of_frame

__all__ = ["EncodedColumn", "TableEncoder"]

SHOWN = 5
"""Values that a message shows."""


@final
@dataclass(frozen=True)
class EncodedColumn:
    """How one column of a table becomes columns of a matrix; data alone, so that it can be saved as such.

    kind: 'number' (dates and durations too, in days) or 'factor'; levels: of a factor, each a column of 0 and 1; fill:
    what stands where there is no value, the median or the commonest level; indicator: whether a further column is 1
    there.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    fill: float | str | None = None
    indicator: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its columns in the matrix.

        >>> EncodedColumn("site", "factor", ("north", "south"), "north", indicator=True).parts
        ('site=north', 'site=south', 'site is missing')
        """
        own = tuple(level_columns({self.name: self.levels})) if self.kind == "factor" else (self.name,)
        return (*own, f"{self.name} is missing") if self.indicator else own


@final
class TableEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A table with text, dates and holes as numbers: scikit-learn's transformer, for pandas' and polars' frames.

    Text and categories become a column of 0 and 1 for each of their values, as OneHotEncoder makes them; dates and
    durations become days (dates since 1970); numbers stay. Columns that say nothing of other rows are left out, and
    told of: those of one value, the numbers of the rows, and text with a value for nearly every row. `input_groups_`
    is what `input_groups` of estimators and searches takes, so that all values of a column are used or none.

    Parameters
    ----------
    missing : {'error', 'impute'}, default 'error'
        Where a number is missing its column's median stands, and where text is its commonest value; a further column,
        in the same group, says where.
    unseen : {'zeros', 'error'}, default 'zeros'
        Text that `fit` has not seen is 0 in all its columns, with a warning, or an error.
    columns : sequence of EncodedColumn, optional
        What becomes of each column, as `columns_` of a fitted encoder has it; then `fit` learns what stands for missing
        values alone, so that every fold of a table has the same columns.

    Attributes
    ----------
    columns_ : tuple of EncodedColumn
        What becomes of each column that is used.
    input_groups_ : dict of str to str
        The table's column for each one of the matrix.
    left_out_ : dict of str to str
        Columns that are not used, and why.
    feature_names_in_, n_features_in_ : array of str and int
        The table's columns.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [31.0, None, 45.0, 52.0], "site": ["a", "b", "a", "b"]})
    >>> encoder = TableEncoder(missing="impute").fit(table)
    >>> encoder.get_feature_names_out().tolist()
    ['age', 'age is missing', 'site=a', 'site=b']
    >>> encoder.transform(table)[1].tolist(), encoder.input_groups_["site=b"]
    ([45.0, 1.0, 0.0, 1.0], 'site')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "missing": [StrOptions({"error", "impute"})],
        "unseen": [StrOptions({"zeros", "error"})],
        "columns": ["array-like", None],
    }

    def __init__(
        self, *, missing: str = "error", unseen: str = "zeros", columns: Sequence[EncodedColumn] | None = None
    ) -> None:
        """See the class."""
        self.missing, self.unseen, self.columns = missing, unseen, columns

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what becomes of each column.

        Parameters
        ----------
        X : DataFrame
            Of pandas or polars, (n, columns).
        y : object, optional
            Not looked at.

        Returns
        -------
        TableEncoder
            Itself, fitted.

        Raises
        ------
        TypeError
            For what is no frame.
        ValueError
            For missing values that are not imputed, and columns that are neither numbers, text nor dates.

        Warns
        -----
        UserWarning
            Of columns that are left out.
        """
        given = columns_of_frame(X)
        self.feature_names_in_, self.n_features_in_ = np.asarray(list(given), dtype=object), len(given)
        self.left_out_: dict[str, str] = {}
        if self.columns is None:
            found = [self._learnt(name, column) for name, column in given.items()]
            self.columns_ = tuple(one for one in found if one is not None)
        else:
            self.columns_ = tuple(self._filled(one, given[one.name]) for one in self.columns)
        if not self.columns_:
            raise ValueError(f"No column of X says anything: {self.left_out_}.")
        self.input_groups_ = {part: one.name for one in self.columns_ for part in one.parts}
        parts = [part for one in self.columns_ for part in one.parts]
        twice = next((part for part in parts if parts.count(part) > 1), None)
        if twice is not None:
            raise ValueError(f"X: a value of one column and another column are both {twice!r}: rename one.")
        for name, reason in self.left_out_.items():
            warn(f"TableEncoder leaves out {name!r}: {reason}.")
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Make the matrix.

        Parameters
        ----------
        X : DataFrame
            With the columns that `fit` saw, in any order; further ones are not looked at.

        Returns
        -------
        array
            In float64, (n, parts), in the order of `get_feature_names_out`.

        Raises
        ------
        ValueError
            For a column that is not there or holds something else than in `fit`, missing values that are not imputed,
            and values that were not seen, with unseen='error'.

        Warns
        -----
        UserWarning
            Of values that were not seen.
        """
        check_is_fitted(self)
        given = columns_of_frame(X, only=[one.name for one in self.columns_])
        absent = [one.name for one in self.columns_ if one.name not in given]
        if absent:
            raise ValueError(
                f"X has no column {', '.join(map(repr, absent))}, which fit saw: columns go by their names."
            )
        return np.concatenate([self._encoded(one, given[one.name]) for one in self.columns_], axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of the matrix.

        Parameters
        ----------
        input_features : object, optional
            Not looked at.

        Returns
        -------
        array of str
            A number's own name; 'column=value' of a factor's values; 'column is missing'.
        """
        check_is_fitted(self)
        return np.asarray([part for one in self.columns_ for part in one.parts], dtype=object)

    def _learnt(self, name: str, column: Column) -> EncodedColumn | None:
        """What becomes of a column, None where it says nothing."""
        values, gone = _values(name, column), _gone(column)
        present = values[~gone]
        different = len(set(present.tolist()))
        rows = counts_rows(column)
        if different < 2 and not (different and gone.any()):
            self.left_out_[name] = "it is the same in every row" if different else "it has no values"
        elif rows is not None:
            self.left_out_[name] = f"it numbers the rows ({rows} to {rows + len(values) - 1})"
        elif values.dtype == object and different > most_levels(len(values)):
            self.left_out_[name] = f"it has {different} different values in {len(values)} rows"
        else:
            kind = "factor" if values.dtype == object else "number"
            levels = tuple(sorted(set(present.tolist()))) if kind == "factor" else ()
            return self._filled(EncodedColumn(name, kind, levels, indicator=bool(gone.any())), column)
        return None

    def _filled(self, one: EncodedColumn, column: Column) -> EncodedColumn:
        """With what stands for its missing values. Raises ValueError where there are some, and nothing is to stand."""
        values, gone = _values(one.name, column), _gone(column)
        if self.missing == "error":
            _refuse_missing(one.name, gone)
            return one
        present = values[~gone]
        if one.kind == "number":
            return replace(one, fill=float(np.median(present.astype(np.float64))) if len(present) else 0.0)
        counts = dict.fromkeys(one.levels, 0)
        for value in present.tolist():
            counts[value] = counts.get(value, 0) + 1
        return replace(one, fill=max(one.levels, key=lambda level: counts[level]))

    def _encoded(self, one: EncodedColumn, column: Column) -> NDArray[np.float64]:
        """The columns of the matrix that are made of one of the table, (n, parts)."""
        values, gone = _values(one.name, column), _gone(column)
        if (values.dtype == object) != (one.kind == "factor") and not gone.all():
            held = "text" if one.kind == "factor" else "numbers"
            raise ValueError(f"X: the column {one.name!r} held {held} in fit, and holds {column.kind} here.")
        if one.fill is None:
            _refuse_missing(one.name, gone)
        filled = values.copy()
        filled[gone] = one.fill
        if one.kind == "number":
            parts = [filled.astype(np.float64)]
        else:
            self._check_seen(one, filled)
            parts = [(filled == level).astype(np.float64) for level in one.levels]
        if one.indicator:
            parts.append(gone.astype(np.float64))
        return np.stack(parts, axis=1)

    def _check_seen(self, one: EncodedColumn, values: NDArray[np.object_]) -> None:
        unseen = sorted(set(values.tolist()) - set(one.levels))
        if not unseen:
            return
        listed = ", ".join(map(repr, unseen[:SHOWN])) + (", ..." if len(unseen) > SHOWN else "")
        fact = f"the column {one.name!r} holds values that fit has not seen ({listed})"
        if self.unseen == "error":
            raise ValueError(f"X: {fact}: leave such rows out, or take unseen='zeros'.")
        warn(f"X: {fact}, which are 0 in all its columns.")


def _gone(column: Column) -> NDArray[np.bool_]:
    """Where there is no value, (n,)."""
    gone = np.zeros(len(column.values), dtype=bool)
    gone[column.missing] = True
    return gone


def _values(name: str, column: Column) -> NDArray[Any]:
    """Numbers in float64, or text as objects, (n,). Raises ValueError for anything else."""
    if column.kind == "text":
        return np.asarray(column.values, dtype=object)
    if column.kind != "number":
        raise ValueError(f"X: the column {name!r} holds {column.kind}: make numbers or text of them, or drop it.")
    values = np.asarray(column.values, dtype=np.float64)
    if np.isinf(values).any():
        raise ValueError(f"X: the column {name!r} holds infinite numbers: drop such rows, or make them missing.")
    return values


def _refuse_missing(name: str, gone: NDArray[np.bool_]) -> None:
    if gone.any():
        raise ValueError(
            f"X: the column {name!r} has {int(gone.sum())} of {len(gone)} cells without a value: take "
            "missing='impute', or drop such rows."
        )
