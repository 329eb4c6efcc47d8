"""Layers as frozen descriptions. `forward` returns the output and a function that runs backward through the layer.

Parameters are NamedTuples of arrays kept outside the layer. Arrays may carry any leading axes, one per stacked
network: x (..., n, in), weight (..., in, out), bias (..., 1, out).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, final

import numpy as np

from regnet.arrays.namespace import array_namespace
from regnet.arrays.random_bits import keep_mask
from regnet.arrays.reductions import sum_rows
from regnet.arrays.types import Array
from regnet.mathematics.activations import Activation, get_activation
from regnet.mathematics.initializers import Initializer, get_initializer

__all__ = ["Backward", "Dense", "DenseParams", "Dropout", "Layer", "Noise"]


class DenseParams(NamedTuple):
    """The parameters of a Dense layer: weight (..., in, out), bias (..., 1, out). Gradients have the same form."""

    weight: Array
    bias: Array


class Noise(NamedTuple):
    """What a layer needs to draw random bits: key (..., 1, 1), rows (..., n, 1), both int32."""

    key: Array
    rows: Array


Backward: TypeAlias = Callable[[Array, bool], tuple[Array | None, Any]]
"""`backward(dy, input_grad) -> (dx, grads)`: dx is None unless `input_grad`; grads have the parameters' form."""


class Layer(Protocol):
    """One layer of a network."""

    def init(self, rng: np.random.Generator, /) -> Any:
        """Draw the first parameters.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        tuple
            NumPy arrays, float64; () if the layer has none.
        """

    def forward(self, params: Any, x: Array, noise: Noise | None, /) -> tuple[Array, Backward]:
        """Compute the output, and the way back.

        Parameters
        ----------
        params : tuple
            Arrays in the form of `init`; leading axes stack networks.
        x : array
            The rows, (..., n, in).
        noise : Noise or None
            What random bits are drawn from; None outside training.

        Returns
        -------
        y : array
            The output, (..., n, out).
        backward : callable
            `backward(dy, input_grad) -> (dx, grads)`, see `Backward`.
        """


def _transposed(matrix: Array) -> Array:
    """The last two axes exchanged; of one matrix by its attribute, which is quicker."""
    return matrix.T if matrix.ndim == 2 else array_namespace(matrix).matrix_transpose(matrix)


@final
@dataclass(frozen=True)
class Dense:
    """A layer of neurons that take all inputs: y = f(x W + b).

    Backward: dz = dy * f'(z); dW = x^T dz; db = sum of dz over rows; dx = dz W^T.

    Parameters
    ----------
    in_features, out_features : int
        Its widths, 1 or more.
    activation : str or Activation, default 'identity'
        The function f, by name or as an object.
    initializer : str or Initializer, default 'he_normal'
        How W is drawn, by name or as an object; b starts at 0.

    Raises
    ------
    ValueError
        For a width of 0 or less, and for a name that is unknown.
    """

    in_features: int
    out_features: int
    activation: str | Activation = "identity"
    initializer: str | Initializer = "he_normal"

    def __post_init__(self) -> None:
        """Names are looked up now, so that a typing error is found here."""
        if self.in_features < 1 or self.out_features < 1:
            raise ValueError(f"Dense({self.in_features}, {self.out_features}): both widths must be at least 1.")
        get_activation(self.activation)
        get_initializer(self.initializer)

    @property
    def activation_object(self) -> Activation:
        """The activation itself, where `activation` may be its name."""
        return get_activation(self.activation)

    def init(self, rng: np.random.Generator, /) -> DenseParams:
        """Draw the weight by the initializer; the bias is 0."""
        weight = get_initializer(self.initializer).draw(rng, self.in_features, self.out_features)
        return DenseParams(weight, np.zeros((1, self.out_features)))

    def forward(self, params: DenseParams, x: Array, noise: Noise | None, /) -> tuple[Array, Backward]:
        """Compute f(x W + b), and the way back."""
        weight, bias = params
        activation = self.activation_object
        z = x @ weight
        z += bias  # the product is ours: no fresh array for the sum
        y = activation.forward(z)

        def backward(dy: Array, input_grad: bool) -> tuple[Array | None, DenseParams]:
            dz = activation.backward(dy, y)
            bias_grad = sum_rows(dz)
            grads = DenseParams(_transposed(x) @ dz, bias_grad)
            if not input_grad:
                return None, grads
            back = _transposed(weight)
            # With one output this is an outer product, for which BLAS takes five times as long.
            return (dz * back if back.shape[-2] == 1 else dz @ back), grads

        return y, backward


@final
@dataclass(frozen=True)
class Dropout:
    """Dropout: y = x * keep / (1 - rate) in training, with keep 0 or 1 and P(keep = 0) = rate; y = x otherwise.

    It scales in training, so that prediction needs no change.

    Parameters
    ----------
    rate : float
        The share of the numbers that is dropped, in [0, 1).

    Raises
    ------
    ValueError
        For a rate elsewhere.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, Dropout, JMLR 15 (2014).
    """

    rate: float

    def __post_init__(self) -> None:
        """Rate 1 would leave nothing."""
        if not 0.0 <= self.rate < 1.0:
            raise ValueError(f"Dropout(rate={self.rate}): rate must lie in [0, 1).")

    def init(self, rng: np.random.Generator, /) -> tuple[()]:
        """Draw nothing: there are no parameters."""
        return ()

    def forward(self, params: tuple[()], x: Array, noise: Noise | None, /) -> tuple[Array, Backward]:
        """Drop and scale, if there is noise, and the way back."""
        if noise is None or self.rate == 0.0:
            return x, lambda dy, input_grad: (dy, ())
        xp = array_namespace(x)
        keep = xp.astype(keep_mask(noise.key, noise.rows, x.shape[-1], self.rate), x.dtype)
        scale = keep * (1.0 / (1.0 - self.rate))
        return x * scale, lambda dy, input_grad: (dy * scale if input_grad else None, ())
