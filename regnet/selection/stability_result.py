"""What stability selection found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.display.html import html_table
from regnet.display.plots import stability_figure
from regnet.estimators.grouping import Grouping
from regnet.selection.input_names import kind_of_choices, names_of_choices

__all__ = ["StabilityResult"]

SHOWN, NAMED = 20, 10
"""Inputs that a notebook is shown, beside the stable ones, and stable ones that a line of text names."""


@final
@dataclass(frozen=True)
class StabilityResult:
    """What is selected when half of the rows are missing.

    Parameters
    ----------
    lambdas : array of float
        The strengths, ascending, (n,).
    frequencies : array of float
        The share of the subsamples in which an input is used, (n, features); of a group, in which any of it is.
    threshold : float
        The frequency that counts as stable.
    feature_names : tuple of str
        Of the inputs.
    start : int
        The number of the weakest strength of the range that counts (n: none does).
    q : float
        How many inputs (or groups) a subsample uses at any strength of that range, on average.
    bound : float
        Of how many inputs (or groups) of no effect are stable, on average, see `expected_false_selections`.
    grouping : Grouping, optional
        Which inputs belong together: `labels` of the groups, and the `numbers` of each input's. Pictures and tables
        then tell of the groups.
    """

    lambdas: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    threshold: float
    feature_names: tuple[str, ...]
    start: int
    q: float
    bound: float
    grouping: Grouping | None = None

    @property
    def largest(self) -> NDArray[np.float64]:
        """Each input's largest frequency over the strengths of the range, (features,)."""
        return np.asarray(self.frequencies[self.start :].max(axis=0, initial=0.0))

    @property
    def stable(self) -> NDArray[np.bool_]:
        """The inputs whose frequency, or whose group's, reaches the threshold in the range, (features,)."""
        return self.largest >= self.threshold

    @property
    def stable_groups(self) -> NDArray[np.bool_]:
        """The groups whose frequency reaches the threshold, (groups,). Raises AttributeError without groups."""
        if self.grouping is None:
            raise AttributeError("stable_groups: the estimator had no input_groups.")
        return self.grouping.any_of(self.stable)

    @property
    def _names(self) -> tuple[str, ...]:
        """Of what is selected from: inputs, or groups of them."""
        return names_of_choices(self.feature_names, self.grouping)

    def _of_choices(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (..., features) that whole groups share, for inputs or groups: (..., features or groups)."""
        return values if self.grouping is None else values[..., np.unique(self.grouping.numbers, return_index=True)[1]]

    def __repr__(self) -> str:
        """The numbers of what was selected from, and the names of the first stable ones."""
        stable = self._of_choices(self.stable)
        names = [name for name, one in zip(self._names, stable, strict=True) if one]
        told = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        found = f"{len(names)} of {len(stable)} {kind_of_choices(self.grouping)} stable" + (
            f": {told}" if names else ""
        )
        return f"StabilityResult(threshold={self.threshold:g}, bound={self.bound:.3g}; {found})"

    def plot(self) -> Any:
        """Draw the stability paths over the range, of inputs or groups.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        counts = (np.arange(len(self.lambdas)) >= self.start)[:, None]
        shown = np.where(counts, self._of_choices(self.frequencies), np.nan)
        return stability_figure(self.lambdas, shown, self._names, self.threshold)

    def _repr_html_(self) -> str:
        """A table of what is used most often, the stable inputs (or groups) and up to 20 in all, for notebooks."""
        largest, stable, names = self._of_choices(self.largest), self._of_choices(self.stable), self._names
        kind = kind_of_choices(self.grouping)
        order = np.argsort(-largest, kind="stable")[: max(SHOWN, int(stable.sum()))]
        rows = [[names[k], f"{largest[k]:.0%}", "yes" if stable[k] else "no"] for k in order]
        caption = f"{stable.sum()} of {len(names)} {kind} are stable: used by {self.threshold:.0%}"
        caption += f" of the subsamples (at most {self.bound:.3g} of them falsely, on average)"
        return html_table(caption, [kind[:-1], "used by", "stable"], rows)
