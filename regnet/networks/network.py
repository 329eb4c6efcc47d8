"""`Network`: layers and a data loss, with forward and backward written out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.random_bits import mix
from regnet.arrays.reductions import sum_rows
from regnet.arrays.types import Array, Tree
from regnet.mathematics.activations import Activation
from regnet.mathematics.initializers import Initializer
from regnet.mathematics.losses import Loss, get_loss
from regnet.mathematics.metrics import METRICS, Metric
from regnet.networks.layers import Backward, Dense, DenseParams, Dropout, Layer, Noise
from regnet.networks.layout import Layout

__all__ = ["Network", "Rows", "alternating", "parameter_names"]


class Rows(NamedTuple):
    """Rows of data: x (..., n, in), y (..., n, out), weight (..., n, 1), 0 for padding; that of all rows
    sums to 1, that of a batch does so on average.

    number (..., n, 1), int32: the row's number within the batch, which dropout draws its bits from; or None.
    """

    x: Array
    y: Array
    weight: Array
    number: Array | None = None


@final
@dataclass(frozen=True)
class Network:
    """A chain of layers and a data loss on its outputs (logits: softmax or sigmoid belong to the loss).

    Its parameters are kept outside: a tuple with one entry a layer, `DenseParams` or (); leading axes stack networks.
    While a network is trained they lie in one array, its point (see `Layout`).

    Parameters
    ----------
    layers : tuple of Dense and Dropout
        In the order in which they are applied, at least one of them Dense.
    loss : str or Loss
        By name, a key of `regnet.mathematics.losses.LOSSES`, or as an object.

    Raises
    ------
    ValueError
        If there is no Dense layer, or one's outputs are not as many as the next one's inputs.

    Examples
    --------
    >>> Network.mlp([2, 512, 3], loss="categorical_crossentropy").in_features
    2
    """

    layers: tuple[Layer, ...]
    loss: str | Loss

    def __post_init__(self) -> None:
        """Check that the layers fit one another."""
        object.__setattr__(self, "layers", tuple(self.layers))
        get_loss(self.loss)
        dense = self.dense_layers
        if not dense:
            raise ValueError("Network(layers): at least one Dense layer is needed.")
        for number, (left, right) in enumerate(pairwise(dense)):
            if left.out_features != right.in_features:
                raise ValueError(
                    f"Dense layer {number} has {left.out_features} outputs, but Dense layer {number + 1} takes "
                    f"{right.in_features} inputs: make the two widths equal."
                )

    @classmethod
    def mlp(
        cls,
        widths: Sequence[int],
        *,
        loss: str | Loss,
        activation: str | Activation = "relu",
        initializer: str | Initializer = "he_normal",
        dropout: float = 0.0,
    ) -> Network:
        """Make a network of Dense layers, with `activation` and `dropout` after every hidden one.

        Parameters
        ----------
        widths : sequence of int
            Number of inputs, widths of the hidden layers, number of outputs.
        loss : str or Loss
            As of `Network`.
        activation : str or Activation, default 'relu'
            Of the hidden layers; the last one has none.
        initializer : str or Initializer, default 'he_normal'
            How every weight is drawn.
        dropout : float, default 0
            The share of the hidden outputs that is dropped in training.

        Returns
        -------
        Network
            With one Dense layer for each pair of neighbouring widths.

        Raises
        ------
        ValueError
            For fewer than two widths, and for what a layer refuses.
        """
        if len(widths) < 2:
            raise ValueError(f"widths={list(widths)}: give at least the numbers of inputs and outputs.")
        layers: list[Layer] = []
        for number, (left, right) in enumerate(pairwise(widths)):
            last = number == len(widths) - 2
            layers.append(Dense(left, right, "identity" if last else activation, initializer))
            if dropout and not last:
                layers.append(Dropout(dropout))
        return cls(tuple(layers), loss)

    @cached_property
    def dense_layers(self) -> tuple[Dense, ...]:
        """The layers that have parameters, in order; penalties and histories number these from 0."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def loss_object(self) -> Loss:
        """The loss itself, where `loss` may be its name."""
        return get_loss(self.loss)

    @property
    def in_features(self) -> int:
        """Number of inputs."""
        return self.dense_layers[0].in_features

    @property
    def out_features(self) -> int:
        """Number of outputs."""
        return self.dense_layers[-1].out_features

    @cached_property
    def layout(self) -> Layout:
        """How weight and bias of each Dense layer, in order, lie in a point."""
        return Layout(
            tuple(
                shape
                for layer in self.dense_layers
                for shape in ((layer.in_features, layer.out_features), (1, layer.out_features))
            )
        )

    @cached_property
    def width(self) -> int:
        """The widest row of numbers that a row of data becomes."""
        return max(self.in_features, *(layer.out_features for layer in self.dense_layers))

    def pack(self, params: Tree, /) -> Array:
        """Lay parameters into one array.

        Parameters
        ----------
        params : tuple
            One entry a layer, `DenseParams` or ().

        Returns
        -------
        array
            Their point, (..., 1, size); a copy.
        """
        return self.layout.pack([array for layer in params for array in layer])

    def unpack(self, point: Array, /) -> Tree:
        """Cut a point into parameters.

        Parameters
        ----------
        point : array
            All of them in one array, (..., 1, size).

        Returns
        -------
        tuple
            One entry a layer, `DenseParams` or (); views where the library has them.
        """
        return self.params_from(self.layout.split(point))

    def params_from(self, arrays: Iterable[Array], /) -> Tree:
        """Group arrays into parameters.

        Parameters
        ----------
        arrays : iterable of array
            Weight (..., in, out) and bias (..., 1, out) of each Dense layer, as `leaves(params)` has them.

        Returns
        -------
        tuple
            One entry a layer, `DenseParams` or ().
        """
        given = iter(arrays)
        return tuple(DenseParams(next(given), next(given)) if isinstance(layer, Dense) else () for layer in self.layers)

    @cached_property
    def is_plain(self) -> bool:
        """Whether every layer is a Dense or a Dropout, none of a class derived from them or of another one.

        A backend may compute such a network its own way, from `dense_layers` and `dropouts`.
        """
        return all(type(layer) in (Dense, Dropout) for layer in self.layers)

    @cached_property
    def dropouts(self) -> tuple[tuple[int, int, float], ...]:
        """Where training draws random bits: a layer's number, the number of Dense layers before it, its rate."""
        dense, found = 0, []
        for number, layer in enumerate(self.layers):
            if isinstance(layer, Dense):
                dense += 1
            elif isinstance(layer, Dropout) and layer.rate:
                found.append((number, dense, layer.rate))
        return tuple(found)

    @property
    def has_dropout(self) -> bool:
        """Whether training draws random bits."""
        return bool(self.dropouts)

    @property
    def metric(self) -> Metric:
        """The score that goes with the loss."""
        return METRICS[self.loss_object.metric]

    def init(self, rng: np.random.Generator, /) -> tuple[Any, ...]:
        """Draw the first parameters, layer by layer.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        tuple
            One entry a layer, `DenseParams` of float64 NumPy arrays or ().
        """
        return tuple(layer.init(rng) for layer in self.layers)

    def apply(self, params: Tree, x: Array, /) -> Array:
        """Compute the outputs, without dropout.

        Parameters
        ----------
        params : tuple
            One entry a layer, `DenseParams` or ().
        x : array
            The rows, (..., n, in).

        Returns
        -------
        array
            The logits, (..., n, out).
        """
        outputs, _ = self._forward(params, x, None, None)
        return outputs

    def loss_and_grads(self, rows: Rows, params: Tree, key: Array | None = None, /) -> tuple[Array, Tree]:
        """Compute the weighted data loss and its gradient with respect to every parameter.

        The gradient with respect to the network's input is not computed: nobody asks for it.

        Parameters
        ----------
        rows : Rows
            The data, (..., n, ...), with their weights.
        params : tuple
            One entry a layer, `DenseParams` or ().
        key : array, optional
            For dropout, int32, (..., 1, 1); None: no dropout.

        Returns
        -------
        loss : array
            The sum over rows, (..., 1, 1).
        grads : tuple
            Sums over rows, in the form of the parameters.
        """
        outputs, backwards = self._forward(params, rows.x, rows.number, key)
        loss, dy = self.loss_object.value_and_grad(outputs, rows.y)
        total = sum_rows(loss * rows.weight)
        return total, self._backward(dy * rows.weight, backwards)

    def score_sums(self, rows: Rows, params: Tree, /) -> tuple[Array, Array]:
        """Compute what loss and score are made of, as weighted sums over rows.

        Parameters
        ----------
        rows : Rows
            The data, (..., n, ...), with their weights.
        params : tuple
            One entry a layer, `DenseParams` or ().

        Returns
        -------
        loss : array
            The data loss, (..., 1, 1).
        hits : array
            The metric's contributions, (..., 1, m).
        """
        loss_function = self.loss_object
        outputs = self.apply(params, rows.x)
        loss, _ = loss_function.value_and_grad(outputs, rows.y)
        hits = self.metric.rows(loss_function.predict(outputs), rows.y)
        xp = array_namespace(loss)
        return tuple(xp.sum(value * rows.weight, axis=-2, keepdims=True) for value in (loss, hits))

    def _forward(
        self, params: Tree, x: Array, row_number: Array | None, key: Array | None
    ) -> tuple[Array, list[Backward]]:
        backwards = []
        for number, (layer, layer_params) in enumerate(zip(self.layers, params, strict=True)):
            noise = None if key is None or row_number is None else Noise(mix(key + number), row_number)
            x, backward = layer.forward(layer_params, x, noise)
            backwards.append(backward)
        return x, backwards

    def _backward(self, dy: Array, backwards: Iterable[Backward]) -> Tree:
        # Nothing below the first Dense layer has parameters, so nothing below it needs a gradient.
        first = next(number for number, layer in enumerate(self.layers) if isinstance(layer, Dense))
        grads = []
        for number, backward in reversed(list(enumerate(backwards))):
            if number < first:
                grads.append(())
                continue
            dy, layer_grads = backward(dy, number > first)
            grads.append(layer_grads)
        return tuple(reversed(grads))


def alternating(weights: Sequence[Array], biases: Sequence[Array], /) -> list[Array]:
    """Weights (in, out) and biases (out,) as parameter arrays, a bias as (1, out), in the order of `leaves(params)`."""
    return [array for weight, bias in zip(weights, biases, strict=True) for array in (weight, bias[None, :])]


def parameter_names(network: Network, /) -> tuple[str, ...]:
    """'0.weight', '0.bias', '1.weight', ...: one name per parameter array, in the order of `leaves(params)`."""
    return tuple(f"{number}.{kind}" for number in range(len(network.dense_layers)) for kind in ("weight", "bias"))
