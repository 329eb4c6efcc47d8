"""Measure a network: scores on rows, penalties, norms and zeros, computed on the device and read at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet.backend import Backend
from regnet.history import Record
from regnet.namespace import array_namespace
from regnet.network import Network, Rows
from regnet.penalties import penalty_terms
from regnet.schedules import as_schedule
from regnet.step import Hyper, State
from regnet.tree import leaves, tree_map
from regnet.types import Array, Schedule, Tree

__all__ = ["Evaluator", "parameter_names"]


def parameter_names(network: Network, /) -> tuple[str, ...]:
    """'0.weight', '0.bias', '1.weight', ...: one name per parameter array, in the order of `leaves(params)`."""
    return tuple(f"{number}.{kind}" for number in range(len(network.dense_layers)) for kind in ("weight", "bias"))


class Evaluator:
    """Makes the records of a history."""

    def __init__(
        self, backend: Backend, network: Network, rate: float | Schedule, train: Rows, validation: Rows | None
    ) -> None:
        """rate: a learning rate or its schedule; train, validation: rows whose weights sum to 1."""
        self._backend, self._network, self._schedule = backend, network, as_schedule(rate)
        self._rows = {"train": train} | ({} if validation is None else {"validation": validation})
        self._measure = backend.compile(self._on_device)

    def _on_device(self, params: Tree, t: Array, hyper: Hyper, rows: dict[str, Rows]) -> dict[str, Any]:
        xp = array_namespace(hyper.learning_rate)
        result: dict[str, Any] = {"scores": {}, "penalty": {}, "norm": {}, "zeros": {}}
        for name, part in rows.items():
            loss, sums = self._backend.sum_rows(self._network.score_sums, part, params)
            result["scores"][name] = (loss, self._network.metric.finish(sums, part.y, part.weight))
        names = parameter_names(self._network)
        for name, w, strengths in zip(names, leaves(params), hyper.strengths, strict=True):
            for kind, value in penalty_terms(w, strengths).items():
                result["penalty"][f"{name}.{kind}"] = value
            layer, _, kind = name.partition(".")
            if kind == "weight":
                zero = xp.astype(w == 0, w.dtype)
                result["norm"][layer] = xp.sqrt(xp.sum(w * w, axis=(-2, -1), keepdims=True))
                result["zeros"][layer] = xp.mean(zero, axis=(-2, -1), keepdims=True)
        factor = self._schedule.factor(xp.astype(t, hyper.learning_rate.dtype))
        result["rate"] = hyper.learning_rate * factor
        return result

    def record(self, epoch: int, state: State, hyper: Hyper, networks: int | None) -> Record:
        """The record after `epoch` epochs; networks: K for a stack, None for one network."""
        measured = self._measure(state.params, state.t, hyper, self._rows)

        def read(array: Array) -> Any:
            values = np.asarray(self._backend.to_numpy(array), dtype=np.float64).reshape(-1)
            return float(values[0]) if networks is None else np.broadcast_to(values, (networks,)).copy()

        host = tree_map(read, measured)
        data_loss, metric = host["scores"]["train"]
        validation = host["scores"].get("validation", (None, None))
        penalty = host["penalty"]
        return Record(
            epoch=epoch,
            loss=data_loss + sum(penalty.values(), start=0.0),
            data_loss=data_loss,
            penalty=penalty,
            metric=metric,
            learning_rate=host["rate"],
            weight_norm=host["norm"],
            zeros=host["zeros"],
            validation_loss=validation[0],
            validation_metric=validation[1],
        )
