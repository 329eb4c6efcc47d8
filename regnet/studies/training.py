"""The networks of some seeds, with every penalty, trained as one stack and measured at its end."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import leaves, tree_map
from regnet.estimators import parameters
from regnet.estimators.preparation import Prepared
from regnet.networks.model import Model
from regnet.studies.plan import Plan, SeedRows
from regnet.training.fit import FitResult, fit
from regnet.training.history import Record

__all__ = ["Outcome", "seconds_for", "train_seeds"]


class Outcome(NamedTuple):
    """What was measured of one seed's networks.

    train, held_out, subset, fresh: the metric on these rows, (penalties, measured epochs), fresh empty where there are
    no such rows; norms: squares of the weights' norms, (penalties, layers), in the last epoch; diverged: (penalties,);
    counts: of these rows, in this order; metric: its name.
    """

    train: NDArray[np.float64]
    held_out: NDArray[np.float64]
    subset: NDArray[np.float64]
    fresh: NDArray[np.float64]
    norms: NDArray[np.float64]
    diverged: NDArray[np.bool_]
    counts: tuple[int, ...]
    metric: str


class _Seed(NamedTuple):
    """A seed's rows, and what its networks begin with."""

    seed: int
    rows: SeedRows
    begun: Prepared


def train_seeds(plan: Plan, seeds: Sequence[int], tell: Callable[[int], None]) -> Iterator[tuple[int, Outcome]]:
    """Every seed with its outcome. tell: is given the epochs that are done, now and then.

    On NumPy a network of a stack has the bits that it has alone, so that other blocks give the same numbers.
    """
    made = [_made(plan, seed) for seed in seeds]
    for _, alike in groupby(made, key=lambda one: tuple(one.begun.problem.train.x.shape)):
        group = list(alike)
        measured: list[dict[str, NDArray[np.float64]]] = []

        def measure(record: Record, model: Model, group: list[_Seed] = group, measured: Any = measured) -> None:
            tell(record.epoch)
            if record.epoch in plan.measured:
                measured.append({"train": np.asarray(record.metric), **_scores(plan, group, model)})

        found = _fit(plan, group, plan.epochs, [measure])
        yield from _outcomes(plan, group, found, measured)


def seconds_for(plan: Plan, blocks: Sequence[Sequence[int]]) -> float:
    """About how long blocks take, by some epochs of the first one and one measurement.

    What so few epochs come to is no matter, and no warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _seconds_for(plan, blocks)


def _seconds_for(plan: Plan, blocks: Sequence[Sequence[int]]) -> float:
    group = [_made(plan, seed) for seed in blocks[0]]
    group = [one for one in group if one.begun.problem.train.x.shape == group[0].begun.problem.train.x.shape]
    epochs, seconds = 1, 0.0
    _fit(plan, group, 1, [])  # which compiles
    while seconds < 0.5 and epochs < plan.epochs:
        epochs *= 4
        started = time.perf_counter()
        model = _fit(plan, group, epochs, []).model
        seconds = time.perf_counter() - started
    started = time.perf_counter()
    _scores(plan, group, model)
    measuring = time.perf_counter() - started
    of_block = plan.epochs * seconds / epochs + len(plan.measured) * measuring
    return of_block * sum(len(block) for block in blocks) / len(group)


def _made(plan: Plan, seed: int) -> _Seed:
    rows = plan.rows_of(seed)
    return _Seed(seed, rows, plan.prepared(seed, rows))


def _fit(plan: Plan, group: list[_Seed], epochs: int, callbacks: list[Any]) -> FitResult:
    """The stack: seed after seed, each with all penalties; the rows and first weights of a seed are the same."""
    count, first = len(plan.penalties), group[0].begun
    problem = first.problem
    xp = array_namespace(problem.train.x)

    def stacked(arrays: list[Any]) -> Any:
        """Each as often as there are penalties; of one seed alone all networks share the rows."""
        return arrays[0] if len(group) == 1 else xp.stack([one for one in arrays for _ in range(count)])

    points = [one.begun.problem.state.point for one in group]
    point = xp.stack([one for one in points for _ in range(count)])
    rows = len(group[0].rows.y_train)
    size = parameters.batch_rows(plan.estimator, rows)
    return fit(
        first.network,
        stacked([one.begun.problem.train.x for one in group]),
        stacked([one.begun.problem.train.y for one in group]),
        sample_weight=_weights(group, count),
        optimizer=first.optimizer,
        penalties=plan.strengths(len(group)),
        epochs=epochs,
        batch_size=None if size >= rows else size,
        shuffle=bool(plan.estimator.shuffle),
        params=first.network.unpack(point),
        seed=[one.seed for one in group for _ in range(count)],
        log_every=plan.log_every,
        callbacks=callbacks,
        progress=False,
    )


def _weights(group: list[_Seed], count: int) -> NDArray[np.float64] | None:
    """Of the rows to train on, (K, n), or (n,) where the networks share them, or None where all rows count the same."""
    given = [one.begun.start.targets.weigh(one.rows.y_train, one.rows.weight_train) for one in group]
    if all(weight is None for weight in given):
        return None
    each = [np.ones(len(one.rows.y_train)) if own is None else own for one, own in zip(group, given, strict=True)]
    return np.asarray(each[0]) if len(group) == 1 else np.repeat(each, count, axis=0)


def _scores(plan: Plan, group: list[_Seed], model: Model) -> dict[str, NDArray[np.float64]]:
    """The metric of every network on its seed's other rows, (K,) each."""
    found: dict[str, list[float]] = {"held_out": [], "subset": [], "fresh": []}
    count = len(plan.penalties)
    for number, (seed, rows, begun) in enumerate(group):
        targets = begun.start.targets
        y_test, weight = targets.encode(rows.y_test), targets.weigh(rows.y_test, rows.weight_test, train=rows.y_train)
        chosen = plan.chosen(seed, len(y_test))
        few = None if weight is None else weight[chosen]
        parts = {"held_out": (rows.x_test, y_test, weight), "subset": (rows.x_test[chosen], y_test[chosen], few)}
        if rows.x_fresh is not None:
            parts["fresh"] = (rows.x_fresh, targets.encode(rows.y_fresh), None)
        for k in range(number * count, (number + 1) * count):
            own = Model(model.network, tree_map(lambda array, k=k: array[k, ...], model.params), model.placement)
            for name, part in parts.items():
                found[name].append(own.evaluate(*part)[model.network.metric.name])
    return {name: np.asarray(values) for name, values in found.items()}


def _outcomes(
    plan: Plan, group: list[_Seed], found: FitResult, measured: list[dict[str, NDArray[np.float64]]]
) -> Iterator[tuple[int, Outcome]]:
    count, host = len(plan.penalties), leaves(found.model.numpy_params())
    norms = np.stack([np.sum(np.asarray(one, dtype=np.float64) ** 2, axis=(-2, -1)) for one in host[::2]], axis=-1)
    columns = {name: np.stack([one[name] for one in measured], axis=-1) for name in measured[0]}
    for number, (seed, rows, _) in enumerate(group):
        own = slice(number * count, (number + 1) * count)
        fresh = 0 if rows.x_fresh is None else len(rows.y_fresh)
        counts = (len(rows.y_train), len(rows.y_test), min(plan.subset, len(rows.y_test)), fresh)
        scores = {name: column[own] for name, column in columns.items() if len(column)}
        scores.setdefault("fresh", np.empty((count, 0)))
        yield seed, Outcome(
            **scores, norms=norms[own], diverged=np.asarray(found.diverged_at)[own] >= 0, counts=counts,
            metric=found.history.metric_name,
        )  # fmt: skip
