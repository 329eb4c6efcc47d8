"""Measure a network: scores on rows, penalties, norms and zeros, computed on the device and read at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import tree_map
from regnet.arrays.types import Array, Schedule
from regnet.backend.memo import compile_once
from regnet.backend.protocol import Backend
from regnet.mathematics.schedules import Constant, as_schedule, is_constant
from regnet.networks.model import score
from regnet.networks.network import Network, Rows, parameter_names
from regnet.networks.regularizer import penalty_terms_by_array
from regnet.training.history import Record
from regnet.training.step import Hyper, State

__all__ = ["Evaluator"]


def _terms(network: Network, point: Array, hyper: Hyper) -> dict[str, Array]:
    """The value of each term on each parameter array, by names such as '0.weight.l2'."""
    by_array = penalty_terms_by_array(point, hyper.strengths, network.layout)
    names = parameter_names(network)
    return {f"{name}.{kind}": value for name, own in zip(names, by_array, strict=True) for kind, value in own.items()}


def _measure(
    backend: Backend, network: Network, schedule: Schedule, point: Array, t: Array, hyper: Hyper, rows: dict[str, Rows]
) -> dict[str, Any]:
    """What a record holds, on the device."""
    xp = array_namespace(point)
    result: dict[str, Any] = {"scores": {}, "penalty": _terms(network, point, hyper), "norm": {}, "zeros": {}}
    for name, part in rows.items():
        result["scores"][name] = score(network, backend, network.unpack(point), part)
    for name, w in zip(parameter_names(network), network.layout.split(point), strict=True):
        layer, _, kind = name.partition(".")
        if kind == "weight":
            zero = xp.astype(w == 0, w.dtype)
            result["norm"][layer] = xp.sqrt(xp.sum(w * w, axis=(-2, -1), keepdims=True))
            result["zeros"][layer] = xp.mean(zero, axis=(-2, -1), keepdims=True)
    result["rate"] = hyper.learning_rate * schedule.factor(xp.astype(t, hyper.learning_rate.dtype))
    return result


class Evaluator:
    """Makes the records of a history."""

    def __init__(
        self, backend: Backend, network: Network, rate: float | Schedule, train: Rows, validation: Rows | None
    ) -> None:
        """rate: a learning rate or its schedule; train, validation: rows whose weights sum to 1."""
        self._backend, self._network, self._schedule = backend, network, as_schedule(rate)
        self._rows = {"train": train} | ({} if validation is None else {"validation": validation})
        # The factor of a constant rate is 1, whatever the rate.
        schedule = Constant(1.0) if is_constant(self._schedule) else self._schedule
        self._measure = compile_once(backend, _measure, backend, network, schedule)
        self._active: set[str] | None = None

    def record(self, epoch: int, state: State, hyper: Hyper, networks: int | None) -> Record:
        """The record after `epoch` epochs; networks: K for a stack, None for one network."""
        measured = self._measure(state.point, state.t, hyper, self._rows)

        def read(array: Array) -> Any:
            values = np.asarray(self._backend.to_numpy(array), dtype=np.float64).reshape(-1)
            return float(values[0]) if networks is None else np.broadcast_to(values, (networks,)).copy()

        if self._active is None:  # a term that is laid out over all arrays is 0 on those without a strength
            ones = array_namespace(state.point).ones_like(state.point)
            self._active = {name for name, value in _terms(self._network, ones, hyper).items() if np.any(read(value))}
        host = tree_map(read, measured)
        data_loss, metric = host["scores"]["train"]
        validation = host["scores"].get("validation", (None, None))
        penalty = {name: value for name, value in host["penalty"].items() if name in self._active}
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
