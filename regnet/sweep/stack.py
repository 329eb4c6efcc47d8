"""Lanes of a sweep as one stack on the device: their rows, their batches, their first weights, their strengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from regnet.arrays.namespace import array_namespace
from regnet.backend.placement import Placement
from regnet.estimators.weights import draw_weights
from regnet.mathematics.schedules import as_schedule
from regnet.networks.layers import Dense
from regnet.networks.network import Network, Rows, alternating
from regnet.sweep.blocks import filled_rows
from regnet.sweep.spec import Cell, Lane, SweepSpec
from regnet.training.batches import Data, batches_of
from regnet.training.judgement import data_losses, idle_losses
from regnet.training.samplers import shuffled_again
from regnet.training.step import Hyper, State, first_state

__all__ = ["Stack", "draw_point", "narrowed"]


MEASURED_ROWS = 2048
"""Rows that say whether a network has diverged: as many as are one batch anyway."""

TABLE_ELEMENTS = 2**20
"""Row numbers that are drawn at once, for as many epochs as that is: calls cost more than memory."""


def draw_point(spec: SweepSpec, rng: np.random.RandomState) -> NDArray[Any]:
    """First parameters (1, size): what an estimator with this random state begins with."""
    weights, biases = draw_weights(spec.template, spec.network, rng, spec.dtype)
    packed: NDArray[Any] = spec.network.layout.pack(alternating(weights, biases))
    return packed


def narrowed(network: Network, inputs: int) -> Network:
    """The network with fewer inputs."""
    first = next(number for number, layer in enumerate(network.layers) if isinstance(layer, Dense))
    layers = list(network.layers)
    layers[first] = replace(network.dense_layers[0], in_features=inputs)
    return replace(network, layers=tuple(layers))


@final
class Stack:
    """What the steps of some lanes of one group read."""

    def __init__(
        self,
        spec: SweepSpec,
        lanes: Sequence[Lane],
        placement: Placement,
        inputs: Sequence[NDArray[np.int64]] | None = None,
    ) -> None:
        """Places the rows on the device. inputs: for each lane the numbers of those that take part; None: all."""
        self.spec, self.lanes, self._placement, self._inputs = spec, list(lanes), placement, inputs
        self.network = spec.network if inputs is None else narrowed(spec.network, len(inputs[0]))
        self._pairs = list(dict.fromkeys((lane.fold, lane.restart) for lane in lanes))
        self._numbers = sorted({lane.fold for lane in lanes})
        self._folds = [spec.folds[number] for number in self._numbers]
        self._starts = dict.fromkeys(self._numbers, 0)
        if inputs is not None:
            self.data = self._tables([self._table(lane.fold, own) for lane, own in zip(lanes, inputs, strict=True)])
        elif spec.batch_rows is None:
            tables = {number: self._table(number) for number in self._numbers}
            self.data = self._tables([tables[lane.fold] for lane in lanes] if len(tables) > 1 else tables.values())
        else:
            self.data = self._side_by_side()
        self._batches_of = placement.backend.compile(batches_of)

    def _table(self, number: int, inputs: NDArray[np.int64] | None = None) -> tuple[NDArray[Any], ...]:
        """The rows of a fold, filled up with rows of weight 0, and their weights (rows, 1).

        Their target is another row's: of 0 a loss of positive values is not finite, which no weight makes 0.
        """
        fold = self.spec.folds[number]
        share = fold.weight[:, None]
        rows = filled_rows(self.spec, fold) if self.spec.batch_rows is None else max(one.n_rows for one in self._folds)
        more = rows - len(share)
        x = fold.x if inputs is None or len(inputs) == fold.n_inputs else fold.x[:, inputs]
        if not more:
            return x, fold.y, share
        below = ((0, more), (0, 0))
        return np.pad(x, below), np.pad(fold.y, below, mode="edge"), np.pad(share, below)

    def _tables(self, tables: Iterable[tuple[NDArray[Any], ...]]) -> Data:
        """Every lane's own rows; one table if all have the same."""
        of_all = list(zip(*tables, strict=True))
        alone = len(of_all[0]) == 1
        x, y, weight = (self._placement.put(arrays[0] if alone else np.stack(arrays)) for arrays in of_all)
        return Data(x, y, weight, self._row_numbers(x.shape[-2]))

    def _side_by_side(self) -> Data:
        """All folds' rows one below the other; batches say which rows they take."""
        put = self._placement.put
        parts = [[fold.x for fold in self._folds], [fold.y for fold in self._folds]]
        x, y = (own[0] if len(own) == 1 else np.concatenate(own) for own in parts)
        weight = np.concatenate([fold.weight for fold in self._folds])[:, None]
        ends = np.cumsum([fold.n_rows for fold in self._folds])
        self._starts = dict(zip(self._numbers, [0, *ends.tolist()], strict=False))
        rows = min(self.spec.batch_rows or len(x), self._folds[0].n_rows)
        return Data(put(x), put(y), put(weight), self._row_numbers(rows))

    def _row_numbers(self, rows: int) -> Any:
        return self._placement.put(np.arange(rows)[:, None], "int32") if self.spec.network.has_dropout else None

    def epochs(self, generators: dict[tuple[int, int], np.random.RandomState], total: int) -> Any:
        """Yields (data, steps) until `total` epochs are over; generators: by fold and restart."""
        spec = self.spec
        if spec.batch_rows is None:
            yield self.data, total
            return
        rows = self._folds[0].n_rows
        size = min(spec.batch_rows, rows)
        steps = -(-rows // size)
        at_once = max(1, TABLE_ELEMENTS // (len(self.lanes) * steps * size))
        orders = {pair: np.arange(spec.folds[pair[0]].n_rows, dtype=np.int32) for pair in self._pairs}
        parts = {pair: list(gen_batches(len(order), size)) for pair, order in orders.items()}
        done = 0
        while done < total:
            count = min(at_once, total - done)
            table = np.full((len(self._pairs), count * steps, size), -1, dtype=np.int32)
            for number, pair in enumerate(self._pairs):
                for epoch in range(count):
                    if spec.template.shuffle:
                        orders[pair] = shuffled_again(orders[pair], generators[pair])
                    for step, part in enumerate(parts[pair]):
                        drawn = orders[pair][part] + self._starts[pair[0]]
                        table[number, epoch * steps + step, : len(drawn)] = drawn
            table = np.roll(table, done * steps, axis=1)  # step t takes batch t % (count * steps)
            if len(self._pairs) == 1:  # all networks have the same batches
                table = table[0]
            elif len(self._pairs) < len(self.lanes):
                table = table[[self._pairs.index((lane.fold, lane.restart)) for lane in self.lanes]]
            batches = self._batches_of(self.data.weight, self._placement.put(table, "int32"), self._rows_in_all())
            yield self.data._replace(batches=batches), count * steps
            done += count

    def _rows_in_all(self) -> Any:
        """Of every network's fold, as `batches_of` takes it."""
        counts = [self.spec.folds[fold].n_rows for fold, _ in self._pairs]
        if len(counts) == 1:
            return self._placement.put(np.full((1, 1), counts[0]))
        counts = [self.spec.folds[lane.fold].n_rows for lane in self.lanes]
        return self._placement.put(np.asarray(counts)[:, None, None])

    def losses(self, point: Any) -> NDArray[np.float64]:
        """The mean data loss of every lane's network, (K,), on no more than MEASURED_ROWS of its rows."""
        result = np.empty(len(self.lanes))
        for own, rows in self._measured:
            chosen = self._placement.put(np.asarray(own), "int32")
            part = point if len(own) == len(self.lanes) else array_namespace(point).take(point, chosen, axis=0)
            result[own] = data_losses(self.network, self._placement, part, rows)
        return result

    def idle_losses(self) -> NDArray[np.float64]:
        """The mean data loss of outputs that are all 0, for every lane, (K,), on the same rows."""
        result = np.empty(len(self.lanes))
        for own, rows in self._measured:
            result[own] = idle_losses(self.network, self._placement, rows)
        return result

    @cached_property
    def _measured(self) -> list[tuple[list[int], Rows]]:
        """The numbers of lanes whose rows lie together, and these rows; weights sum to 1."""
        data, groups = self.data, []
        together = self.spec.batch_rows is None or self._inputs is not None
        for number in self._numbers:
            start = 0 if together else self._starts[number]
            size = data.x.shape[-2] if together else self.spec.folds[number].n_rows
            cut = slice(start, start + min(size, MEASURED_ROWS))
            x, y, weight = (array[..., cut, :] for array in (data.x, data.y, data.weight))
            xp = array_namespace(weight)
            total = xp.sum(weight, axis=-2, keepdims=True)
            rows = Rows(x, y, weight / xp.where(total > 0, total, xp.ones_like(total)))
            if together:
                return [(list(range(len(self.lanes))), rows)]
            groups.append(([k for k, lane in enumerate(self.lanes) if lane.fold == number], rows))
        return groups

    def start(self, points: NDArray[Any]) -> State:
        """The state before the first step; points: (K, 1, size)."""
        point = self._placement.put(np.array(points))  # a copy: the state passed to a step is consumed
        return first_state(self.spec.optimizer, point, self._placement)

    def hyper(self, stage: int, seeds: NDArray[np.int32] | None) -> Hyper:
        """Learning rate and strengths of every lane in this stage; seeds: for dropout, one per lane, or None."""
        spec, put = self.spec, self._placement.put
        cells = [Cell(lane.strengths[stage], lane.fold, lane.restart) for lane in self.lanes]
        lambdas = [spec.lambdas[cell.strength] for cell in cells]
        factors = None
        if spec.factors is not None:
            factors = np.stack([spec.factor_of(cell) for cell in cells])
            factors = factors if self._inputs is None else np.take_along_axis(factors, np.stack(self._inputs), axis=1)
        groups = spec.group_numbers(None if self._inputs is None else np.stack(self._inputs))
        totals = [spec.folds[cell.fold].total_weight for cell in cells]
        rate = np.full((len(cells), 1, 1), as_schedule(spec.optimizer.learning_rate).initial)
        return Hyper(
            put(rate),
            spec.mix.place(self.network, self._placement, lambdas, totals, factors, groups),
            None if seeds is None else put(seeds.reshape(-1, 1, 1), "int32"),
        )
