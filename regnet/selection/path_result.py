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

    A relaxed path has the restarts that the penalised one chose.

    lambdas: ascending, (n,); losses: mean data loss on the training rows, of standardised targets; scores: on the
    validation rows (NaN without any; the estimator's usual score: accuracy or R2); zeros: share of weights that are
    exactly 0; norms: Frobenius norm of each layer's weights, (n, layers); input_norms: ||row|| of the first layer's
    weights, (n, features); selected: whether an input has a weight that is not 0, (n, features); feature_names: of
    the inputs. Norms are of the network as it was trained, on standardised inputs if `standardize` was True.
    estimators: fitted, one per strength; their weights are in the table's own units.
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
        """See the class."""
        return self.input_norms > 0

    @property
    def n_selected(self) -> NDArray[np.int64]:
        """How many inputs are used, (n,)."""
        return np.asarray(self.selected.sum(axis=1))

    def plot(self, chosen: int = 0) -> Any:
        """The norms of the inputs' weights against the strength, as a matplotlib Figure.

        chosen: the number of a strength, whose inputs are coloured and named.
        """
        return norms_figure(
            self.lambdas, self.input_norms, self.feature_names, chosen, title="regularisation path",
            ylabel="norm of an input's weights",
        )  # fmt: skip
