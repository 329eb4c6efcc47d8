"""Frames of numbers, text, dates and holes as a matrix of numbers, whose columns know what they are part of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from regnet.display.warning import warn
from regnet.tables.columns import Column, read_as
from regnet.tables.encoding import EncodedColumn, encode, filled, learn, parts_of, unseen
from regnet.tables.frames import frame_of
from regnet.tables.refused import Faults

__all__ = ["TableEncoder"]

SHOWN = 5
"""Values that a message shows."""


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
            Of columns that are left out, and of text that reads as dates, or as numbers with a decimal comma.
        """
        given = frame_of(X)
        self.feature_names_in_, self.n_features_in_ = np.asarray(given.columns, dtype=object), len(given.columns)
        self.left_out_: dict[str, str] = {}
        asked = None if self.columns is None else {one.name: one for one in self.columns}
        faults, found = Faults(), []
        for name in given.columns if asked is None else asked:
            column = given[name]
            if faults.note(name, column):
                continue
            one = learn(name, column) if asked is None else asked[name]
            if asked is None and (told := read_as(column)):
                warn(f"TableEncoder: the column {name!r} is text that reads as {told}.")
            if not isinstance(one, EncodedColumn):
                self.left_out_[name] = one
            elif self.missing == "impute":
                found.append(filled(one, column))
            elif not faults.note_holes(name, column):
                found.append(one)
        faults.tell()
        self.columns_ = tuple(found)
        if not self.columns_:
            raise ValueError(f"No column of X says anything: {self.left_out_}.")
        with _of_x():
            self.input_groups_ = parts_of(self.columns_)
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
        given = frame_of(X)
        absent = [one.name for one in self.columns_ if one.name not in given.columns]
        if absent:
            raise ValueError(
                f"X has no column {', '.join(map(repr, absent))}, which fit saw: columns go by their names."
            )
        found = np.empty((len(given), len(self.input_groups_)))
        faults, start = Faults(), 0
        for one in self.columns_:
            column, stop = given[one.name], start + len(one.parts)
            if not faults.note(one.name, column) and (one.fill is not None or not faults.note_holes(one.name, column)):
                self._check_seen(one, column)
                with _of_x():
                    found[:, start:stop] = encode(one, column)
            start = stop
        faults.tell()
        return found

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

    def _check_seen(self, one: EncodedColumn, column: Column) -> None:
        values = sorted(set(column.values[unseen(one, column)].tolist()))
        if not values:
            return
        listed = ", ".join(map(repr, values[:SHOWN])) + (", ..." if len(values) > SHOWN else "")
        fact = f"the column {one.name!r} holds values that fit has not seen ({listed})"
        if self.unseen == "error":
            raise ValueError(f"X: {fact}: leave such rows out, or take unseen='zeros'.")
        warn(f"X: {fact}, which are 0 in all its columns.")


@contextmanager
def _of_x() -> Iterator[None]:
    """Errors say that they are of X."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"X: {error}") from error
