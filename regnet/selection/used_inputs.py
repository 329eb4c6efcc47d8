"""Which columns of the table a fitted search uses, for scikit-learn's selectors."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from regnet.selection.tried_strengths import TriedStrengths

__all__ = ["UsedInputs"]

NAMED = 3
"""Columns that an error names; the others are counted."""


class UsedInputs(TriedStrengths, ABC):
    """Columns of the table, as against `selected_features_`, which is of what a preprocessor makes of them.

    `_parents`: for each of these the numbers of the columns that it is made of, None where nothing tells.
    """

    _parents: list[frozenset[int] | None]
    n_features_in_: int
    selected_features_: NDArray[np.bool_]

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """How long each column of the table is used while the strength grows, (n_features_in_,), from 0 to 1.

        The strongest strength at which a network uses it (`path_`'s, or any fold's where there is no path), divided by
        the largest of these strengths; 0 for a column that no network uses. A penalty that drops no inputs tells them
        apart by the norm of their weights at the chosen strength, on standardised inputs, divided by the largest. Of
        columns that a preprocessor makes of one of the table the largest counts; NotFittedError before `fit`, and
        ValueError where their names do not say what they are made of. SelectFromModel and RFE go by it.
        """
        check_is_fitted(self, "lambdas_")
        norms = np.asarray(self.input_norms_, dtype=np.float64)
        if self.penalty in ("input_l1", "weight_l1"):
            used = np.isfinite(norms) & (norms > 0)
            if hasattr(self, "path_"):
                used &= ~self.path_.diverged[:, None]
            values = np.where(used, self.lambdas_[:, None], 0.0).max(axis=0)
        else:
            values = norms[self.best_index_]
        largest = values.max(initial=0.0)
        return self._by_column(values / largest if largest > 0 else values)

    def get_support(self, indices: bool = False) -> NDArray[Any]:
        """Tell which columns of the table the chosen network uses.

        Behind a preprocessor a column is used if one that is made of it is, as their names tell
        (`get_feature_names_out` of the preprocessor); `selected_features_` and `input_names_` are of the columns made.

        Parameters
        ----------
        indices : bool, default False
            Whether to give numbers in place of a mask.

        Returns
        -------
        array
            Boolean (n_features_in_,), or the numbers.

        Raises
        ------
        NotFittedError
            Before `fit`, and after one with refit=False.
        ValueError
            For a column made by the preprocessor whose name does not say what it is made of (a principal component).
        """
        self._fitted()
        mask = self._by_column(self.selected_features_.astype(np.float64)) > 0
        return np.flatnonzero(mask) if indices else mask

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns of the table that the chosen network uses: those of `get_support`.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names for the columns of a table that had none when the search was fitted, (n_features_in_,).

        Returns
        -------
        array of str
            Of the columns used.

        Raises
        ------
        NotFittedError
            Before `fit`, and after one with refit=False.
        ValueError
            As `get_support`, and for other names than those of the fit, or too many or few.
        """
        mask = self.get_support()
        known = getattr(self, "feature_names_in_", None)
        if input_features is None:
            input_features = self._columns()
        elif known is not None and not np.array_equal(known, np.asarray(input_features, dtype=object)):
            raise ValueError("input_features is not equal to feature_names_in_: leave it out, the search knows them.")
        elif len(input_features) != len(mask):
            raise ValueError(f"input_features should have length equal to number of features ({len(mask)}).")
        names: NDArray[np.object_] = np.asarray(input_features, dtype=object)
        return np.asarray(names[mask])

    def _columns(self) -> Sequence[str]:
        """The names of the table's columns: its own, or x0, x1, ..."""
        given = getattr(self, "feature_names_in_", None)
        return [f"x{number}" for number in range(self.n_features_in_)] if given is None else list(map(str, given))

    def _by_column(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest of values (inputs,) among those that are made of a column of the table, (n_features_in_,)."""
        if self.preprocessor is None:
            return values
        if not hasattr(self, "n_features_in_"):
            raise ValueError("The search was fitted on what has no columns: see selected_features_ and input_names_.")
        told = list(zip(self.input_names_.tolist(), self._parents, values.tolist(), strict=True))
        lost = [name for name, one, value in told if one is None and value > 0]
        if lost:
            more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
            raise ValueError(
                f"preprocessor: the name of {', '.join(lost[:NAMED])}{more} does not say of which column of the table "
                "it is made: see selected_features_ and input_names_, which are of the columns that it makes."
            )
        found = np.zeros(self.n_features_in_)
        for _, one, value in told:
            for number in one or ():
                found[number] = max(found[number], value)
        return found
