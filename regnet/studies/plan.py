"""What a study trains: the penalties, the rows of each seed, when it measures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from regnet.backend.placement import is_host_data
from regnet.estimators import parameters
from regnet.estimators.base import BaseMLP
from regnet.estimators.parameters import FULL_BATCH, STRENGTHS
from regnet.estimators.preparation import Prepared, prepare
from regnet.estimators.stochastic import Call
from regnet.mathematics.penalties import Penalty
from regnet.training.evasion import Exits, exits_of

__all__ = ["Plan", "SeedRows", "make_plan"]

RECORDS = 200
"""Records of a training, at equal distances; the last ones are what is measured."""

MEASURED = 21
"""Records that a network's figures are the medians of, an odd number, so that a median is a figure that was measured.

The last tenth of the epochs: under Adam with a large learning rate the accuracy of single late epochs jumps by points.
"""


class SeedRows(NamedTuple):
    """The rows of one seed: to train on, held out, and others of the same law, as many as there can be, or None;

    weight_train, weight_test: of the rows, (n,), or None for equal ones.
    """

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any
    x_fresh: Any = None
    y_fresh: Any = None
    weight_train: Any = None
    weight_test: Any = None


@final
@dataclass(frozen=True)
class Plan:
    """Everything that decides the numbers of a study.

    estimator: without a penalty; penalties: the parameters that each sets; rows: of a seed; subset: how many of the
    held-out rows are measured alone too.
    """

    estimator: BaseMLP
    penalties: dict[str, dict[str, Any]]
    rows: Callable[[int], Any]
    seeds: tuple[int, ...]
    subset: int

    @property
    def epochs(self) -> int:
        """Of every training."""
        return int(self.estimator.max_iter)

    @property
    def log_every(self) -> int:
        """Epochs between two records."""
        return max(1, self.epochs // RECORDS)

    @property
    def measured(self) -> tuple[int, ...]:
        """The epochs after which networks are measured, ascending."""
        return tuple(sorted({*range(self.log_every, self.epochs, self.log_every), self.epochs})[-MEASURED:])

    def rows_of(self, seed: int) -> SeedRows:
        """The rows of a seed, of frames and lists as arrays. Raises TypeError for what is none."""
        found = self.rows(seed)
        if not isinstance(found, tuple) or len(found) not in (4, 6, 8):
            raise TypeError(
                "rows must return (X_train, y_train, X_test, y_test) for a seed, or these and (..., X_fresh, y_fresh), "
                "or all of these and (..., weight_train, weight_test)."
            )
        return SeedRows(*(np.asarray(one) if one is not None and is_host_data(one) else one for one in found))

    def prepared(self, seed: int, rows: SeedRows) -> Prepared:
        """What `fit` of the estimator with this random_state would begin with, on the device."""
        estimator = clone(self.estimator).set_params(random_state=seed)
        return prepare(estimator, rows.x_train, rows.y_train, rows.weight_train, Call(), None)

    def strengths(self, copies: int) -> list[Penalty]:
        """One Penalty per Dense layer, for a stack of `copies` times all penalties, one after the other."""
        variants = [
            parameters.make_penalties(clone(self.estimator).set_params(**own), None, None)
            for own in self.penalties.values()
        ]
        return [
            Penalty(
                **{name: [one.strengths()[name] for one in layer] * copies for name in layer[0].strengths()},
                l1_step=self.estimator.l1_step,
            )
            for layer in zip(*variants, strict=True)
        ]

    def exits(self) -> tuple[Exits | None, ...]:
        """Of each penalty, the layers from which and to which scale can move to evade it; None: there is no way out."""
        network = self.prepared(self.seeds[0], self.rows_of(self.seeds[0])).network
        own = [clone(self.estimator).set_params(**strengths) for strengths in self.penalties.values()]
        return tuple(exits_of(network, parameters.make_penalties(one, None, None)) for one in own)

    def chosen(self, seed: int, count: int) -> NDArray[np.int64]:
        """The numbers of the held-out rows that are measured alone too, drawn by the seed."""
        return np.random.default_rng(seed).permutation(count)[: self.subset]

    def blocks(self, seeds: tuple[int, ...], *, on_device: bool) -> list[tuple[int, ...]]:
        """Seeds that are trained at once, as one stack: as few as keep all processors busy, or 16 on a device.

        What ends the process costs the seeds of one block at most.
        """
        busy = -(-(os.cpu_count() or 1) // len(self.penalties))
        size = 16 if on_device else busy
        return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def make_plan(
    estimator: Any, rows: Callable[[int], Any], penalties: Mapping[str, Mapping[str, Any]], seeds: int, subset: int
) -> Plan:
    """Check the arguments of `study`. Raises ValueError or TypeError naming what cannot be."""
    if not isinstance(estimator, BaseMLP):
        raise TypeError(f"estimator={estimator!r}: give an MLPClassifier or an MLPRegressor.")
    if estimator.solver in FULL_BATCH:
        raise ValueError(
            f"solver={estimator.solver!r} goes to the minimum, and a study measures trainings of so many epochs: use "
            "'adam', 'sgd' or an optimizer."
        )
    if estimator.early_stopping:
        raise ValueError("early_stopping=True ends trainings at different epochs: leave it out.")
    if not callable(rows):
        raise TypeError("rows must be a function that makes the rows of a seed; see the example of regnet.study.")
    for name, value in (("n_seeds", seeds), ("subset", subset)):
        if isinstance(value, bool) or int(value) != value or value < 1:
            raise ValueError(f"{name}={value!r} must be a whole number of 1 or more.")
    if len(penalties) < 2:
        raise ValueError("penalties must name two settings or more: the first one is what the others are compared to.")
    for name, own in penalties.items():
        unknown = sorted(set(own) - set(STRENGTHS))
        if unknown:
            raise ValueError(f"penalties[{name!r}] sets {unknown[0]!r}: give strengths only, {', '.join(STRENGTHS)}.")
    bare = clone(estimator).set_params(**dict.fromkeys(STRENGTHS), alpha=0.0)
    own = {str(name): dict(strengths) for name, strengths in penalties.items()}
    return Plan(bare, own, rows, tuple(range(int(seeds))), int(subset))
