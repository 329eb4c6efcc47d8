"""A trained cell of a sweep as the estimator that a user knows, in the units of the user's table."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from regnet.backend.blocks import row_blocks
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.estimators.fitted import Accounts, Fitted, Progress, write_fitted
from regnet.estimators.grouping import grouping_of
from regnet.estimators.weights import weights_of
from regnet.networks.network import Network
from regnet.sweep.fold import Fold

__all__ = ["apply_by_rows", "behind_transformer", "fitted_estimator", "outputs_of"]

TOGETHER = 2**22
"""Numbers of the widest layer that are computed together: 16 MiB in float32."""


def outputs_of(network: Network, fold: Fold, point: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """A network's outputs (..., n, outputs) in the targets' units, for rows x as the fold's standardisation left them.

    point: (..., size).
    """
    outputs = np.asarray(apply_by_rows(network, point[..., None, :], x), dtype=np.float64)
    outputs *= fold.affine.y_scale
    outputs += fold.affine.y_center
    return outputs


def apply_by_rows(network: Network, point: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """A network's outputs (..., n, outputs) for rows x, some after the others: layers are wider than the table.

    point: (..., 1, size).
    """
    params, networks = network.unpack(point), point[..., 0, 0].size
    parts = [network.apply(params, part) for part in row_blocks(x, max(1, TOGETHER // (networks * network.width)))]
    return np.asarray(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-2))


def fitted_estimator(
    template: MLPClassifier | MLPRegressor,
    network: Network,
    fold: Fold,
    point: NDArray[Any],
    parameters: dict[str, Any],
    *,
    loss: float,
    epochs: int,
) -> MLPClassifier | MLPRegressor:
    """A fitted `MLPClassifier` or `MLPRegressor` that takes rows as the fold did before it standardised them.

    template: unfitted, but for what the targets and the table have taught it, which is that of every fold.
    Its weights are those of the standardised network, taken back to the inputs' own units; zeros stay exact.
    parameters: the constructor's, for the record.
    """
    estimator = deepcopy(template)  # a clone asks for the constructor's signature anew, which takes longer than a fit
    for name, value in parameters.items():
        setattr(estimator, name, value)
    weights, biases = weights_of(network.unpack(point[None, :]))
    progress = Progress(epochs, epochs * fold.n_rows, np.float64(loss), accounts=Accounts(np.float64(loss)))
    given = parameters.get("input_groups", estimator.input_groups)
    grouping = grouping_of(given, getattr(estimator, "feature_names_in_", None), weights[0].shape[0])
    fitted = Fitted(template._targets, *fold.affine.restore(weights, biases), progress, grouping=grouping)
    write_fitted(estimator, fitted)
    if fold.transformer is not None:  # what it sees are the transformer's columns
        estimator.n_features_in_ = weights[0].shape[0]
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    return estimator


def behind_transformer(fold: Fold, estimator: MLPClassifier | MLPRegressor) -> Any:
    """What takes rows of the user's table: the estimator, in a Pipeline behind the fold's transformer if it has one."""
    return estimator if fold.transformer is None else make_pipeline(fold.transformer, estimator)
