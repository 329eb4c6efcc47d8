"""The rows that networks are trained on, fold by fold, as their layers see them: transformed, standardised, encoded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.scaling import Affine

__all__ = ["Fold"]


@final
@dataclass(frozen=True)
class Fold:
    """One fold, on the host.

    x (n, in), y (n, outputs): training rows in the type that is computed in; weight (n,): theirs, float64, summing to
    1; total_weight: what the user's own sum to (infinite where no number holds it). x_test, y_test, weight_test:
    held-out rows, x_test standardised as x is, y_test encoded but in the targets' own units, weights as they were
    given, times those of classes where the default score has them; empty for "all rows". train, test: the rows' numbers
    in the user's table; transformer: fitted on the training rows, or None. left_out: the inputs that the user left out,
    (in,), which are 0 in x and x_test; None: none.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    weight: NDArray[np.float64]
    total_weight: float
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    weight_test: NDArray[np.float64]
    affine: Affine
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    transformer: Any = None
    left_out: NDArray[np.bool_] | None = None

    @cached_property
    def absent(self) -> NDArray[np.bool_]:
        """The inputs that are 0 in every training row that counts, (in,): the fold can tell nothing of them.

        Standardisation makes such inputs of columns that hold one value.
        """
        counts = self.weight > 0
        return np.asarray(~(self.x if counts.all() else self.x[counts]).any(axis=0))
