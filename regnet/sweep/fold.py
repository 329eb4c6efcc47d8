"""The rows that networks are trained on, fold by fold, as their layers see them: transformed, standardised, encoded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.scaling import Affine
from regnet.sweep.inputs import Inputs

__all__ = ["Fold"]


@final
@dataclass(frozen=True)
class Fold:
    """One fold, on the host.

    inputs (n, in): training rows in the type that is computed in, which `x` makes of the table when they are asked for;
    y (n, outputs), weight (n,): their targets and weights, float64, summing to 1; total_weight: what the user's own sum
    to (infinite where no number holds it). held_out, y_test, weight_test: rows that are held out, standardised as the
    others are (`x_test`), y_test encoded but in the targets' own units, weights as they were given, times those of
    classes where the default score has them; empty for "all rows". train, test: the rows' numbers in the user's table;
    transformer: fitted on the training rows, or None. left_out: the inputs that the user left out, (in,), which are 0
    in `x` and `x_test`; None: none.
    """

    inputs: Inputs
    y: NDArray[Any]
    weight: NDArray[np.float64]
    total_weight: float
    held_out: Inputs
    y_test: NDArray[Any]
    weight_test: NDArray[np.float64]
    affine: Affine
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    transformer: Any = None
    left_out: NDArray[np.bool_] | None = None

    @property
    def x(self) -> NDArray[Any]:
        """Training rows (n, in), standardised."""
        return self.inputs.values()

    @property
    def x_test(self) -> NDArray[Any]:
        """Held-out rows, standardised as x is."""
        return self.held_out.values()

    @property
    def n_rows(self) -> int:
        """How many rows there are to train on."""
        return self.inputs.shape[0]

    @property
    def n_inputs(self) -> int:
        """How many columns they have."""
        return self.inputs.shape[1]

    def kept(self) -> Self:
        """The same, without the table that its rows are rows of."""
        return replace(self, inputs=self.inputs.kept(), held_out=self.held_out.kept())

    @cached_property
    def absent(self) -> NDArray[np.bool_]:
        """The inputs that are 0 in every training row that counts, (in,): the fold can tell nothing of them.

        Standardisation makes such inputs of columns that hold one value.
        """
        counts, present = self.weight > 0, np.zeros(self.n_inputs, dtype=bool)
        for rows, part in self.inputs.parts():
            present |= part[counts[rows]].any(axis=0)
        return ~present
