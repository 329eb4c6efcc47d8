"""A trained network: parameters on their device, ready to predict and to be measured."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from regnet.arrays.tree import leaves, tree_map
from regnet.arrays.types import Array, Tree
from regnet.backend.placement import Placement, is_host_data
from regnet.backend.protocol import Backend
from regnet.backend.registry import get_backend
from regnet.mathematics.losses import get_loss
from regnet.mathematics.scaling import Affine
from regnet.networks.kernels import kernels_of
from regnet.networks.network import Network, Rows, alternating
from regnet.networks.rows import rows_of, table_of

__all__ = ["Model", "apply_in_blocks", "in_own_units", "score"]


def apply_in_blocks(backend: Backend, network: Network, params: Tree, table: Array, /) -> Array:
    """The network's outputs for a table on its device, block by block: activations need bounded memory."""
    return kernels_of(backend).predict(network, params, table)


def score(network: Network, backend: Backend, params: Tree, rows: Rows, /) -> tuple[Array, Array]:
    """The mean data loss and the network's metric on rows whose weights sum to 1, each (..., 1, 1), on the device."""
    first = leaves(params)[0]
    networks = first.shape[0] if first.ndim > 2 else rows.x.shape[0] if rows.x.ndim > 2 else None
    loss, sums = backend.sum_rows(network.score_sums, rows, params, width=network.width, networks=networks)
    return loss, network.metric.finish(sums, rows.y, rows.weight)


@final
@dataclass(frozen=True)
class Model:
    """A network with its parameters. Arrays have a leading axis K if it is a stack.

    Parameters
    ----------
    network : Network
        The description.
    params : tuple
        One entry a layer, arrays on the device of `placement`.
    placement : Placement
        Backend, device and dtype.
    """

    network: Network
    params: Tree
    placement: Placement

    def __repr__(self) -> str:
        """Widths, loss, and where the parameters are; how many networks a stack has."""
        widths = [self.network.in_features, *(layer.out_features for layer in self.network.dense_layers)]
        first, place = leaves(self.params)[0], self.placement
        stack = f"{first.shape[0]} networks of " if first.ndim > 2 else ""
        loss = self.network.loss if isinstance(self.network.loss, str) else type(self.network.loss).__name__
        where = f"{place.backend.name} {place.device} {place.dtype}"
        return f"Model({stack}widths {'-'.join(map(str, widths))}, {loss}, on {where})"

    def outputs(self, x: Any, /) -> Array:
        """Compute the network's outputs (logits).

        Parameters
        ----------
        x : array-like
            The rows, (n, in), or (K, n, in) for a stack.

        Returns
        -------
        array
            The outputs, (..., n, out). NumPy arrays, lists and frames give NumPy arrays; arrays of another library stay
            what they are.

        Raises
        ------
        TypeError
            If x holds no numbers.
        ValueError
            If x has no rows, other features than the network takes, or values that are not finite, naming the column.
        """
        table = self._table(x)
        with self._session(table):
            return self._give(x, apply_in_blocks(self.placement.backend, self.network, self.params, table))

    def predict(self, x: Any, /) -> Array:
        """Predict: the outputs in the targets' own units.

        Parameters
        ----------
        x : array-like
            The rows, as for `outputs`, which says what is refused.

        Returns
        -------
        array
            Probabilities (cross-entropies), expected counts (Poisson) or values, (..., n, out).
        """
        table = self._table(x)
        with self._session(table):
            outputs = apply_in_blocks(self.placement.backend, self.network, self.params, table)
            return self._give(x, get_loss(self.network.loss).predict(outputs))

    def evaluate(self, x: Any, y: Any, /, sample_weight: Any = None) -> dict[str, Any]:
        """Measure the network on rows.

        Parameters
        ----------
        x : array-like
            The rows, as for `outputs`, which says what is refused.
        y : array-like
            Class numbers, or values; (n,) or (n, out).
        sample_weight : array-like, optional
            Of the rows, (n,), 0 or more.

        Returns
        -------
        dict of str to float
            'loss', the mean data loss, and the metric's name with the score; arrays (K,) for a stack.
        """
        backend = self.placement.backend
        rows = rows_of(self.network, self.placement, x, y, sample_weight)
        with backend.session(self.placement.device):
            loss, metric = score(self.network, backend, self.params, rows)
        values = {"loss": loss, self.network.metric.name: metric}
        host = {name: np.asarray(backend.to_numpy(value), dtype=np.float64) for name, value in values.items()}
        return {name: float(value[0, 0]) if value.ndim == 2 else value[:, 0, 0] for name, value in host.items()}

    def numpy_params(self) -> Tree:
        """Copy the parameters to the host.

        Returns
        -------
        tuple
            One entry a layer, NumPy arrays.
        """
        return tree_map(self.placement.backend.to_numpy, self.params)

    def _table(self, x: Any) -> Array:
        return table_of(x, self.placement, in_features=self.network.in_features)

    def _session(self, rows: Array) -> AbstractContextManager[None]:
        placement = self.placement
        return placement.backend.session(placement.device, elements=rows.shape[-2] * self.network.width)

    def _give(self, x: Any, values: Array) -> Array:
        return self.placement.backend.to_numpy(values) if is_host_data(x) else values


def in_own_units(model: Model, affine: Affine, /) -> Model:
    """The network that gives for a table's own rows what `model` gives for them standardised, on the host.

    Its outputs are in the targets' own units; its loss is as it was. Inputs that hold one value have weights of 0.
    """
    arrays = leaves(model.numpy_params())
    weights, biases = affine.restore(arrays[::2], [bias[0, :] for bias in arrays[1::2]])
    params = model.network.params_from(alternating(weights, biases))
    return Model(model.network, params, Placement(get_backend("numpy"), "cpu", weights[0].dtype.name))
