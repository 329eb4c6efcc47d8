"""Stop when the monitored value no longer improves, and give back the best parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement
from regnet.training.history import Record
from regnet.training.snapshot import array_of

__all__ = ["Best", "EarlyStopping"]


@final
@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Stop after `patience` records in a row without an improvement of more than `min_delta`.

    The parameters of the best record are restored. Records come every `log_every` epochs. In a stack each network has
    its own best and its own stop; training ends when all have.

    Parameters
    ----------
    patience : int, default 10
        Records without an improvement, 1 or more.
    min_delta : float, default 0
        What an improvement must exceed.
    monitor : {'loss', 'metric'}, default 'loss'
        What falls or rises, on the validation rows if there are any, else on the training rows (where 'loss' includes
        the penalty).

    Raises
    ------
    ValueError
        For what cannot be counted or monitored.
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
        """Read the monitored value, as something to be minimised.

        Parameters
        ----------
        record : Record
            Of the epoch to be judged.

        Returns
        -------
        float
            Or (K,) for a stack.
        """
        if self.monitor == "loss":
            return record.loss if record.validation_loss is None else record.validation_loss
        return -(record.metric if record.validation_metric is None else record.validation_metric)


@final
class Best:
    """The best parameters so far, each network of a stack apart."""

    def __init__(self, rule: EarlyStopping, placement: Placement) -> None:
        """Nothing has been seen yet."""
        self._rule, self._placement = rule, placement
        self.point: Array = None
        self.epoch: Any = None
        self._value: Any = None
        self._waited: Any = None

    @np.errstate(all="ignore")
    def update(self, record: Record, point: Array) -> bool:
        """Take note of a record and its parameters (copied); True if every network has waited long enough."""
        value = np.atleast_1d(self._rule.badness(record))
        if self._value is None:
            self._value, self._waited = value, np.zeros(value.shape, dtype=int)
            self.epoch = np.full(value.shape, record.epoch)
            self.point = array_namespace(point).asarray(point, copy=True)
            return False
        waiting = self._waited < self._rule.patience
        # `not (>=)`: a first value of NaN counts as worse than any number.
        # The same score, added up in another order, is no improvement.
        rounding = 16 * np.finfo(self._placement.dtype).eps * np.abs(self._value)
        improved = waiting & (np.isfinite(value) & ~(value >= self._value - self._rule.min_delta - rounding))
        self._value = np.where(improved, value, self._value)
        self.epoch = np.where(improved, record.epoch, self.epoch)
        self._waited = np.where(improved, 0, self._waited + waiting)
        if improved.any():
            shape = (-1, 1, 1) if point.ndim > 2 else (1, 1)
            mask = self._placement.put(improved.reshape(shape), "int32") > 0
            self.point = array_namespace(point).where(mask, point, self.point)
        return bool((self._waited >= self._rule.patience).all())

    def mark(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        point = None if self.point is None else self._placement.backend.to_numpy(self.point)
        return {"point": point, "epoch": self.epoch, "value": self._value, "waited": self._waited}

    def go_back(self, mark: dict[str, Any], like: Array) -> None:
        """Be what it was; like: a point. Raises ValueError for arrays of other shapes."""
        if mark["point"] is None:
            return
        self.point = array_of(mark["point"], like, self._placement)
        own = [np.asarray(mark[name]) for name in ("epoch", "value", "waited")]
        if len({array.shape for array in own}) > 1:
            raise ValueError("the best epochs are of several shapes")
        self.epoch, self._value, self._waited = own
