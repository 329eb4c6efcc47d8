"""Stop when the monitored value no longer improves, and give back the best parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from regnet.history import Record
from regnet.namespace import array_namespace
from regnet.registry import Placement
from regnet.tree import tree_map
from regnet.types import Tree

__all__ = ["Best", "EarlyStopping"]


@final
@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop after `patience` records in a row without an improvement of more than `min_delta`.

    monitor: 'loss' (falls) or 'metric' (rises), on the validation rows if there are any, else on the training rows
    (where 'loss' includes the penalty). The parameters of the best record are restored. Records come every
    `log_every` epochs. In a stack each network has its own best and its own stop; training ends when all have.
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: Literal["loss", "metric"] = "loss"

    def __post_init__(self) -> None:
        """Reject what cannot be counted or monitored."""
        if self.patience < 1 or self.min_delta < 0:
            raise ValueError("EarlyStopping: patience must be at least 1 and min_delta not negative.")
        if self.monitor not in ("loss", "metric"):
            raise ValueError(f"EarlyStopping(monitor={self.monitor!r}): choose 'loss' or 'metric'.")

    def badness(self, record: Record) -> Any:
        """The monitored value, as something to be minimised; a float or (K,)."""
        if self.monitor == "loss":
            return record.loss if record.validation_loss is None else record.validation_loss
        return -(record.metric if record.validation_metric is None else record.validation_metric)


@final
class Best:
    """The best parameters so far, each network of a stack apart."""

    def __init__(self, rule: EarlyStopping, placement: Placement) -> None:
        """Nothing has been seen yet."""
        self._rule, self._placement = rule, placement
        self.params: Tree = None
        self.epoch: Any = None
        self._value: Any = None
        self._waited: Any = None

    def update(self, record: Record, params: Tree) -> bool:
        """Take note of a record and its parameters (copied); True if every network has waited long enough."""
        value = np.atleast_1d(self._rule.badness(record))
        if self._value is None:
            self._value, self._waited = value, np.zeros(value.shape, dtype=int)
            self.epoch = np.full(value.shape, record.epoch)
            self.params = tree_map(lambda leaf: array_namespace(leaf).asarray(leaf, copy=True), params)
            return False
        waiting = self._waited < self._rule.patience
        # `not (>=)`: a first value of NaN counts as worse than any number.
        improved = waiting & (np.isfinite(value) & ~(value >= self._value - self._rule.min_delta))
        self._value = np.where(improved, value, self._value)
        self.epoch = np.where(improved, record.epoch, self.epoch)
        self._waited = np.where(improved, 0, self._waited + waiting)
        if improved.any():
            self.params = tree_map(lambda new, old: self._choose(improved, new, old), params, self.params)
        return bool((self._waited >= self._rule.patience).all())

    def _choose(self, improved: Any, new: Any, old: Any) -> Any:
        xp = array_namespace(new)
        mask = self._placement.put(improved.reshape(-1, 1, 1) if new.ndim > 2 else improved.reshape(1, 1), "int32")
        return xp.where(mask > 0, new, old)
