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
        """Initial parameters as float64 NumPy arrays; () if the layer has none."""

    def forward(self, params: Any, x: Array, noise: Noise | None, /) -> tuple[Array, Backward]:
        """The output, and the way back; noise is None outside training."""


def _transposed(matrix: Array) -> Array:
    """The last two axes exchanged; of one matrix by its attribute, which is quicker."""
    return matrix.T if matrix.ndim == 2 else array_namespace(matrix).matrix_transpose(matrix)


@final
@dataclass(frozen=True)
class Dense:
    """y = f(x W + b).

    in_features, out_features: widths; activation, initializer: a name or an object. Biases start at 0.
    Backward: dz = dy * f'(z); dW = x^T dz; db = sum of dz over rows; dx = dz W^T.
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
        """Weight from the initializer, bias 0."""
        weight = get_initializer(self.initializer).draw(rng, self.in_features, self.out_features)
        return DenseParams(weight, np.zeros((1, self.out_features)))

    def forward(self, params: DenseParams, x: Array, noise: Noise | None, /) -> tuple[Array, Backward]:
        """See the class."""
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
    """y = x * keep / (1 - rate) in training, with keep 0 or 1 and P(keep = 0) = rate; y = x otherwise.

    Source: Srivastava et al., JMLR 2014 (scaled in training, so that prediction needs no change).
    """

    rate: float

    def __post_init__(self) -> None:
        """Rate 1 would leave nothing."""
        if not 0.0 <= self.rate < 1.0:
            raise ValueError(f"Dropout(rate={self.rate}): rate must lie in [0, 1).")

    def init(self, rng: np.random.Generator, /) -> tuple[()]:
        """No parameters."""
        return ()

    def forward(self, params: tuple[()], x: Array, noise: Noise | None, /) -> tuple[Array, Backward]:
        """See the class."""
        if noise is None or self.rate == 0.0:
            return x, lambda dy, input_grad: (dy, ())
        xp = array_namespace(x)
        keep = xp.astype(keep_mask(noise.key, noise.rows, x.shape[-1], self.rate), x.dtype)
        scale = keep * (1.0 / (1.0 - self.rate))
        return x * scale, lambda dy, input_grad: (dy * scale if input_grad else None, ())
