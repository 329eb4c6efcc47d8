"""What a path found at each strength."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.display.plots import norms_figure

__all__ = ["PathResult"]


@final
@dataclass(frozen=True)
class PathResult:
    """What a path found at each strength; of the restart with the smallest objective (data loss + penalty) there.

    A relaxed path has the restarts that the penalised one chose. Norms are of the network as it was trained, on
    standardised inputs if `standardize` was True.

    Parameters
    ----------
    lambdas : array of float
        The strengths, ascending, (n,).
    losses : array of float
        The mean data loss on the training rows, of standardised targets, (n,).
    scores : array of float
        On the validation rows, (n,): the estimator's usual score, accuracy or R2; NaN without any.
    zeros : array of float
        The share of weights that are exactly 0, (n,).
    norms : array of float
        The Frobenius norm of each layer's weights, (n, layers).
    input_norms : array of float
        The norms of the rows of the first layer's weights, (n, features).
    feature_names : tuple of str
        Of the inputs.
    estimators : tuple of MLPClassifier or MLPRegressor
        Fitted, one per strength; their weights are in the table's own units.
    """

    lambdas: NDArray[np.float64]
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    zeros: NDArray[np.float64]
    norms: NDArray[np.float64]
    input_norms: NDArray[np.float32]
    feature_names: tuple[str, ...]
    estimators: tuple[Any, ...] = field(repr=False)

    @property
    def selected(self) -> NDArray[np.bool_]:
        """Whether an input has a weight that is not 0, (n, features)."""
        return self.input_norms > 0

    @property
    def n_selected(self) -> NDArray[np.int64]:
        """How many inputs are used, (n,)."""
        return np.asarray(self.selected.sum(axis=1))

    def plot(self, chosen: int = 0) -> Any:
        """Draw the norms of the inputs' weights against the strength.

        Parameters
        ----------
        chosen : int, default 0
            The number of a strength, whose inputs are coloured and named.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        return norms_figure(
            self.lambdas, self.input_norms, self.feature_names, chosen, title="regularisation path",
            ylabel="norm of an input's weights",
        )  # fmt: skip
