"""A network at a strength that a search or a path has not tried: trained on the same rows, in the same way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from regnet.selection.as_estimator import behind_transformer
from regnet.selection.collector import Collector
from regnet.selection.relaxing import relax
from regnet.selection.reporting import report_unconverged
from regnet.sweep.fold import Fold
from regnet.sweep.lanes import train_lanes
from regnet.sweep.spec import Cell, Outcome, SweepSpec

__all__ = ["Between"]


@final
@dataclass(frozen=True)
class Between:
    """What trains at any strength, on the rows that a path was trained on.

    spec: the penalised sweep, of these rows as its one fold; points (n, size), restarts (n,) and diverged (n,): of the
    network that stands for each of its strengths; None for cold starts, which need no neighbour. gamma: the share of
    the penalty with which every selection is trained again, 1 for all of it, which is the sweep's own network.
    """

    spec: SweepSpec
    points: NDArray[Any] | None = None
    restarts: NDArray[np.int64] | None = None
    diverged: NDArray[np.bool_] | None = None
    gamma: float = 1.0
    memory_limit: int | None = None

    @classmethod
    def of_path(cls, spec: SweepSpec, collected: Collector, fold: int, **more: Any) -> Self:
        """From a sweep that kept the points of a fold, its penalised pass. more: gamma, memory_limit."""
        factors = spec.factors[fold : fold + 1] if np.ndim(spec.factors) == 2 else spec.factors
        own = replace(spec, folds=(spec.folds[fold].kept(),), factors=factors)
        if not spec.warm_start:
            return cls(own, **more)
        restarts = collected.chosen[:, fold]
        cells = [Cell(strength, fold, int(restart)) for strength, restart in enumerate(restarts)]
        points = np.stack([collected.points[cell] for cell in cells])
        diverged = np.asarray([collected.diverged_at[cell] >= 0 for cell in cells])
        return cls(own, points, restarts, diverged, **more)

    @property
    def fold(self) -> Fold:
        """The rows."""
        return self.spec.folds[0]

    def train(self, strength: float) -> Any:
        """The fitted estimator of a strength in the range of the grid, behind the transformer, if there is one.

        With warm starts it goes on from the network that the path would come from: that of the next weaker strength
        (next stronger for 'newton', whose minimum does not depend on it), with the steps and batches that the path
        takes there; so a strength has the network that it would have as the grid's next one. Cold ones begin with the
        first weights of every restart. Raises ValueError if it diverges.
        """
        collected, cell = self._cold(strength) if self.points is None else self._warm(strength)
        self._check(collected, cell, strength)
        if self.gamma != 1:
            used = collected.selected[cell.strength, 0, cell.restart][None, None, None, :]
            seeds = (collected.spec.seeds[cell.restart],)
            own = relax(replace(self.spec, lambdas=(strength,), seeds=seeds), used, self.gamma)
            collected = Collector(own, "", None, frozenset([0])).run(memory_limit=self.memory_limit)
            cell = Cell(0, 0, 0)
            self._check(collected, cell, strength)
        return behind_transformer(self.fold, collected.estimator_at(cell))

    def _cold(self, strength: float) -> tuple[Collector, Cell]:
        own = replace(self.spec, lambdas=(strength,))
        collected = Collector(own, "", None, frozenset([0])).run(memory_limit=self.memory_limit)
        return collected, Cell(0, 0, int(collected.chosen[0, 0]))

    def _warm(self, strength: float) -> tuple[Collector, Cell]:
        """The next stage of the path's lane, of which all earlier ones are known to be where the neighbour is."""
        spec, above = self.spec, int(np.searchsorted(self.spec.lambdas, strength))
        backwards = spec.strongest_first
        number, neighbour = (0, above) if backwards else (above, above - 1)
        grid = (strength, *spec.lambdas[above:]) if backwards else (*spec.lambdas[:above], strength)
        if self.points is None or self.restarts is None or self.diverged is None:
            raise AssertionError("warm starts have neighbours")
        start, stopped = self.points[neighbour], int(self.diverged[neighbour]) - 1
        own = replace(spec, lambdas=grid, seeds=(spec.seeds[self.restarts[neighbour]],))
        wanted = Cell(number, 0, 0)

        def known(cell: Cell) -> Outcome | None:
            return None if cell == wanted else Outcome(cell, start, float("nan"), stopped)

        collected = Collector(own, "", None, frozenset([0]))
        collected.take([one for one in train_lanes(own, own.lanes(), known) if one.cell == wanted])
        return collected, wanted

    def _check(self, collected: Collector, cell: Cell, strength: float) -> None:
        if not np.isfinite(collected.objectives[tuple(cell)]):
            raise ValueError(
                f"At strength {strength:.6g} the network diverged, or the one that it starts from had: lower "
                "learning_rate_init, or standardise the inputs."
            )
        report_unconverged(collected.spec, collected, 1)
