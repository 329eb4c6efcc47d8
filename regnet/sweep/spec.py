"""Cells of a sweep, and what is known of each when it has been trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from regnet.estimators.grouping import Grouping
from regnet.mathematics.optimizers import Optimizer
from regnet.networks.network import Network
from regnet.sweep.fold import Fold
from regnet.sweep.path_penalty import Mix

__all__ = ["Cell", "Lane", "Outcome", "SweepSpec"]


FIRST = 5
"""How many times longer a path's first strength is trained: the others begin where a solution was. (A wide table is

fitted exactly long before.)"""


class Cell(NamedTuple):
    """One network of a sweep: the number of its strength, of its fold and of its restart."""

    strength: int
    fold: int
    restart: int


class Outcome(NamedTuple):
    """A trained cell: its parameters (size,), the loss that its solver saw last, -1 or the step of its divergence, and

    whether a solver that goes on to a tolerance has reached it.
    """

    cell: Cell
    point: NDArray[Any]
    loss: float
    diverged_at: int
    converged: bool = True


class Lane(NamedTuple):
    """Cells that are trained one after another, each from where the one before it ended (or one cell alone)."""

    fold: int
    restart: int
    strengths: tuple[int, ...]


@final
@dataclass(frozen=True)
class SweepSpec:
    """Everything that decides the numbers of a sweep; it can be sent to another process.

    template: the estimator whose first weights are drawn; lambdas: ascending; epochs: per strength; batch_rows: None
    for all rows in every step; seeds: one per restart; warm_start: whether each strength starts from its neighbour's
    solution, the weaker one's, or the stronger one's if strongest_first (no trap for linear models, and shorter);
    factors: per input, (in,), per fold and input, (folds, in), or per cell (strengths, folds, restarts, in), or None,
    infinite for inputs that are left out, which are 0 in the folds; groups: of the inputs, or None where each is one;
    name: of the pass, which the journal knows it by; screen: whether inputs that are 0 for good leave the computation;
    data: a digest of the rows of the whole search, which may be more than those of this pass ('': they are these
    folds').
    """

    name: str
    template: Any
    network: Network
    optimizer: Optimizer
    mix: Mix
    lambdas: tuple[float, ...]
    folds: tuple[Fold, ...]
    seeds: tuple[int, ...]
    epochs: int
    batch_rows: int | None
    warm_start: bool
    dtype: str
    backend: str
    device: Any
    fast: bool
    factors: Any = None
    groups: Grouping | None = None
    screen: bool = False
    data: str = ""
    strongest_first: bool = False

    def lanes(self) -> list[Lane]:
        """All lanes, in the order of folds, restarts and strengths."""
        every = tuple(range(len(self.lambdas)))
        every = every[::-1] if self.strongest_first else every
        chains = [every] if self.warm_start else [(one,) for one in every]
        return [
            Lane(fold, restart, chain)
            for fold in range(len(self.folds))
            for restart in range(len(self.seeds))
            for chain in chains
        ]

    def epochs_at(self, stage: int) -> int:
        """Epochs of a lane's strength number `stage`: the first one of several begins with random weights."""
        return self.epochs * (FIRST if self.warm_start and stage == 0 and not self.screen else 1)

    def factor_of(self, cell: Cell) -> Any:
        """The penalty factors of a cell's inputs (in,), or None."""
        if self.factors is None:
            return None
        places = {1: (), 2: (cell.fold,)}.get(np.ndim(self.factors), tuple(cell))
        return self.factors[places]

    def whole(self, selected: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Selected inputs (..., in), and the others of their groups, of which the rows may say nothing."""
        return selected if self.groups is None else self.groups.whole(selected)

    def group_numbers(self, inputs: NDArray[np.int64] | None = None) -> NDArray[np.int64] | None:
        """The groups of some of the inputs, (in,) or, given (K, in), each network's own; None where each is one."""
        if self.groups is None:
            return None
        return self.groups.numbers if inputs is None else self.groups.numbers[inputs]
