"""Rows that decide when a training stops: set aside as scikit-learn would, or given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.given import named
from regnet.backend.placement import Placement, to_host
from regnet.estimators import inputs as data
from regnet.estimators.parameters import FULL_BATCH, Parameters, batch_rows
from regnet.estimators.stopping import stops_by_score
from regnet.estimators.targets import Targets
from regnet.mathematics.losses import get_loss
from regnet.mathematics.weighting import RowWeights, weight_shares
from regnet.networks.model import apply_in_blocks
from regnet.networks.network import Network

__all__ = ["RowParts", "by_score", "hold_out", "scorer"]


RowParts: TypeAlias = tuple[Array, Array, RowWeights]
"""Table (n, inputs) on the device, encoded targets (n, outputs) where the caller has them, weights (n,) on the host."""


def by_score(estimator: Parameters, /) -> bool:
    """Whether a score on held-out rows stops the training."""
    return stops_by_score(estimator) and estimator.solver not in FULL_BATCH


def hold_out(
    estimator: Parameters,
    targets: Targets,
    placement: Placement,
    rows: RowParts,
    validation_data: tuple[Any, ...] | None,
    rng: np.random.RandomState,
) -> tuple[RowParts, RowParts | None, NDArray[np.int64] | None]:
    """The rows to train on, those held out, if there are any, and the numbers of the former where they lie beside the

    others: a table in batches is not copied.
    """
    if validation_data is not None:
        return rows, _check_validation(estimator, targets, validation_data, placement, rows), None
    if not by_score(estimator):
        return rows, None, None
    train, held_out = _split(estimator, targets, rows, rng)
    if batch_rows(estimator, len(train)) < len(train):
        table, encoded, weight = rows
        weight = np.ones(table.shape[0]) if weight is None else weight.copy()
        weight[held_out] = 0.0
        return (table, encoded, weight), _take(rows, held_out, placement), train
    return _take(rows, train, placement), _take(rows, held_out, placement), None


def _check_validation(
    estimator: Parameters, targets: Targets, validation_data: tuple[Any, ...], placement: Placement, rows: RowParts
) -> RowParts:
    """Validation rows as the training rows are: checked, encoded, on the same device."""
    x, y, *weight = validation_data
    with named("validation_data"):
        given = data.check_fit_inputs(
            estimator, x, y, weight[0] if weight else None, reset=False, numeric=targets.numeric
        )
        targets.check(given.y)
        encoded = targets.encode(given.y)
    if encoded.shape[1] != rows[1].shape[1]:
        raise ValueError(f"validation_data: y has {encoded.shape[1]} outputs, but y has {rows[1].shape[1]} in fit.")
    if given.placement.backend is placement.backend:
        return data.dense_rows(given.x, placement), encoded, given.weight
    table = to_host(data.dense_rows(given.x, given.placement))
    return placement.put(table), to_host(encoded), given.weight


def scorer(targets: Targets, network: Network, placement: Placement, rows: RowParts) -> Callable[[Array], float]:
    """scikit-learn's score of a point on the validation rows, of which only predictions go to the host."""
    table, encoded, weight = rows[0], to_host(rows[1]), rows[2]
    weight = None if weight is None else weight_shares(weight)

    def score(point: Array) -> float:
        outputs = apply_in_blocks(placement.backend, network, network.unpack(point), table)
        values = placement.backend.to_numpy(get_loss(network.loss).predict(outputs))
        return targets.score(values, encoded, weight)

    return score


def _split(
    estimator: Parameters, targets: Targets, rows: RowParts, rng: np.random.RandomState
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the rows to train on, and of the `validation_fraction` that scikit-learn would set aside."""
    train, held_out = train_test_split(
        np.arange(rows[0].shape[0]),
        random_state=rng,
        test_size=estimator.validation_fraction,
        stratify=targets.stratify_by(rows[1]),
    )
    if len(held_out) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    weight = rows[2]
    if weight is not None and not weight[held_out].any():
        raise ValueError(
            "All rows that early stopping holds out have weight 0: leave such rows out, or increase "
            "validation_fraction."
        )
    return train, held_out


def _take(rows: RowParts, numbers: NDArray[np.int64], placement: Placement) -> RowParts:
    def take(values: Array) -> Array:
        if values is None or isinstance(values, np.ndarray):
            return None if values is None else values[numbers]
        return array_namespace(values).take(values, placement.put(numbers, "int32"), axis=0)

    table, encoded, weight = rows
    return take(table), take(encoded), take(weight)
