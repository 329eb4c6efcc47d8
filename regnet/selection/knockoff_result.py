"""What knockoffs found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.display.evidence_figure import evidence_figure
from regnet.display.html import html_table
from regnet.estimators.grouping import Grouping
from regnet.selection.input_names import kind_of_choices, names_of_choices

__all__ = ["KnockoffResult"]

SHOWN = 20
"""Inputs that a notebook is shown, beside the selected ones."""


@final
@dataclass(frozen=True)
class KnockoffResult:
    """Which inputs are used more than their knockoffs, by evidence that bounds the share of false ones.

    Parameters
    ----------
    statistics : array of float
        Of each draw and input, (draws, features): how much the input is used, or minus how much its knockoff is,
        whichever is used more. With groups it is theirs, (draws, groups).
    e_values : array of float
        Each input's evidence, the mean over the draws, (features,): at most 1 on average over the inputs of no effect.
        With groups it is theirs, (groups,).
    fdr : float
        The bound of the mean share of false inputs.
    threshold : float
        The e-value that selects: features (or groups) / (fdr * number selected); infinite where none is.
    feature_names : tuple of str
        Of the inputs.
    lambdas : array of float
        The strengths, ascending, (n,).
    grouping : Grouping, optional
        Which inputs belong together: `labels` of the groups, and the `numbers` of each input's.
    """

    statistics: NDArray[np.float64]
    e_values: NDArray[np.float64]
    fdr: float
    threshold: float
    feature_names: tuple[str, ...]
    lambdas: NDArray[np.float64]
    grouping: Grouping | None = None

    @property
    def selected(self) -> NDArray[np.bool_]:
        """The inputs whose evidence, or whose group's, reaches the threshold, (features,)."""
        return self._reached if self.grouping is None else self._reached[self.grouping.numbers]

    @property
    def selected_groups(self) -> NDArray[np.bool_]:
        """The groups whose evidence reaches the threshold, (groups,). Raises AttributeError without groups."""
        if self.grouping is None:
            raise AttributeError("selected_groups: the estimator had no input_groups.")
        return self._reached

    @property
    def n_selected(self) -> int:
        """How many inputs are selected."""
        return int(self.selected.sum())

    @property
    def _reached(self) -> NDArray[np.bool_]:
        return np.asarray(self.e_values >= self.threshold * (1.0 - 1e-9))

    @property
    def _names(self) -> tuple[str, ...]:
        """Of what was selected from: inputs, or groups of them."""
        return names_of_choices(self.feature_names, self.grouping)

    @property
    def _kind(self) -> str:
        return kind_of_choices(self.grouping)

    def __repr__(self) -> str:
        """The numbers of what was drawn and selected, and the names of the first inputs selected."""
        names = [name for name, one in zip(self._names, self._reached, strict=True) if one]
        told = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        draws, count = self.statistics.shape
        found = f"{len(names)} of {count} {self._kind} selected" + (f": {told}" if names else "")
        return f"KnockoffResult(fdr={self.fdr:g}, draws={draws}; {found})"

    def plot(self) -> Any:
        """Draw the statistics of the inputs with the most evidence.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        return evidence_figure(self.statistics, self._reached, self.e_values, self._names)

    def _repr_html_(self) -> str:
        """A table of the inputs with the most evidence, the selected ones and up to 20 in all, for notebooks."""
        mean, chosen, names = self.statistics.mean(axis=0), self._reached, self._names
        order = np.lexsort((-mean, -self.e_values))[: max(SHOWN, int(chosen.sum()))]
        rows = [[names[k], f"{self.e_values[k]:.3g}", f"{mean[k]:.3g}", "yes" if chosen[k] else "no"] for k in order]
        caption = f"{chosen.sum()} of {len(names)} {self._kind} are selected (at most {self.fdr:.0%} of them falsely, "
        caption += f"on average): evidence of {self.threshold:.3g} or more, over {len(self.statistics)} draws"
        return html_table(caption, [self._kind[:-1], "evidence", "used more than its knockoff", "selected"], rows)
