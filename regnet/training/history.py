"""What training looked like: one record every `log_every` epochs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["History", "Record"]


@final
@dataclass(frozen=True)
class Record:
    """The state of training after `epoch` epochs (0: before the first step).

    Values are floats, or arrays (K,) for a stack of K networks.

    Parameters
    ----------
    epoch : int
        How many epochs have been run.
    loss : float
        The data loss plus the sum of the penalties.
    data_loss : float
        The mean over the training rows.
    penalty : dict of str to float
        By parameter array and kind, such as '0.weight.l2' (layer 0; 'alpha' as an epoch's batches have it on average).
    metric : float
        Accuracy or R2 on the training rows.
    learning_rate : float
        Of the next step.
    weight_norm : dict of str to float
        Frobenius norm of the weight, by layer.
    zeros : dict of str to float
        Share of weights that are exactly 0, by layer.
    validation_loss, validation_metric : float, optional
        On the validation rows, if there are any; the loss without penalties.
    """

    epoch: int
    loss: Any
    data_loss: Any
    penalty: dict[str, Any]
    metric: Any
    learning_rate: Any
    weight_norm: dict[str, Any]
    zeros: dict[str, Any]
    validation_loss: Any = None
    validation_metric: Any = None

    @property
    def penalty_loss(self) -> Any:
        """The sum of all penalties."""
        return sum(self.penalty.values(), start=0.0)


@final
@dataclass(frozen=True)
class History:
    """Records in the order of training; a sequence of `Record`.

    Parameters
    ----------
    metric_name : {'accuracy', 'r2'}
        What `metric` is.
    records : list of Record, optional
        From first to last.
    """

    metric_name: str
    records: list[Record] = field(default_factory=list)

    def __repr__(self) -> str:
        """How many records, and what the last one measured of one network."""
        last = self.records[-1] if self.records else None
        if last is None or np.ndim(last.loss):
            return f"History({self.metric_name!r}, {len(self.records)} records)"
        scores = f"loss {last.loss:.4g}, {self.metric_name} {last.metric:.4g}"
        return f"History({len(self.records)} records; epoch {last.epoch}: {scores})"

    def __len__(self) -> int:
        """Number of records."""
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        """The records from first to last."""
        return iter(self.records)

    def __getitem__(self, number: int) -> Record:
        """One record; -1 is the last."""
        return self.records[number]

    def column(self, name: str, key: str | None = None) -> NDArray[np.float64]:
        """Line up one quantity over time.

        Parameters
        ----------
        name : str
            A field of `Record`, or 'penalty_loss'.
        key : str, optional
            Picks from penalty, weight_norm or zeros.

        Returns
        -------
        numpy.ndarray
            One entry a record, (records,), or (records, K) for a stack.

        Raises
        ------
        KeyError
            For a name that was not recorded.
        """
        if name != "penalty_loss" and name not in Record.__dataclass_fields__:
            known = ", ".join([*Record.__dataclass_fields__, "penalty_loss"])
            raise KeyError(f"{name!r} is not recorded: choose one of {known}.")
        values = [getattr(record, name) for record in self.records]
        if any(value is None for value in values):
            raise KeyError(f"{name!r} was not recorded: the fit had no validation_data.")
        return np.asarray([value if key is None else value[key] for value in values], dtype=np.float64)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Make plain dictionaries of the records, ready for json or a data frame.

        Returns
        -------
        list of dict
            One a record, with lists for arrays.
        """
        return [_plain(asdict(record)) for record in self.records]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value
