"""Activations: elementwise functions whose derivative can be told from their own output.

`forward(z)` gives y, `backward(dy, y)` gives dz = dy * f'(z); every array has the shape of z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, final

from array_api_compat import device as device_of

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.mathematics.by_name import by_name

__all__ = ["ACTIVATIONS", "Activation", "Identity", "LeakyRelu", "Relu", "Sigmoid", "Tanh", "get_activation"]


class Activation(Protocol):
    """An elementwise function and its derivative."""

    def forward(self, z: Array, /) -> Array:
        """Apply f elementwise.

        Parameters
        ----------
        z : array
            Sums of a layer's weighted inputs, any shape.

        Returns
        -------
        array
            The outputs y = f(z), shape of z.
        """

    def backward(self, dy: Array, y: Array, /) -> Array:
        """Take the gradient back through f.

        Parameters
        ----------
        dy : array
            Gradient of the loss with respect to the outputs, shape of y.
        y : array
            The outputs f(z), from which the derivative can be told.

        Returns
        -------
        array
            The gradient with respect to z: dy * f'(z), shape of y.
        """


@final
@dataclass(frozen=True)
class Identity:
    """f(z) = z."""

    def forward(self, z: Array, /) -> Array:
        """Return z itself."""
        return z

    def backward(self, dy: Array, y: Array, /) -> Array:
        """Return dy itself."""
        return dy


@final
@dataclass(frozen=True)
class Relu:
    """f(z) = max(z, 0), with f'(0) = 0.

    References
    ----------
    Glorot, Bordes, Bengio, Deep sparse rectifier neural networks, AISTATS 2011.
    """

    def forward(self, z: Array, /) -> Array:
        """max(z, 0)."""
        xp = array_namespace(z)
        # A 0-d array, not 0.0: torch.compile cannot trace a Python number here, and `where` is slower on NumPy.
        return xp.maximum(z, xp.zeros((), dtype=z.dtype, device=device_of(z)))

    def backward(self, dy: Array, y: Array, /) -> Array:
        """Return dy where y > 0, else 0."""
        return dy * array_namespace(y).astype(y > 0, dy.dtype)


@final
@dataclass(frozen=True)
class LeakyRelu:
    """f(z) = z for z > 0, slope * z otherwise.

    Parameters
    ----------
    slope : float, default 0.01
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the slope lies elsewhere: the output would not tell the sign of z, or max() would be another function.

    References
    ----------
    Maas, Hannun, Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        """Outside (0, 1) the output does not tell the sign of z, or max() is another function."""
        if not 0 < self.slope < 1:
            raise ValueError(f"LeakyRelu(slope={self.slope}): slope must lie between 0 and 1.")

    def forward(self, z: Array, /) -> Array:
        """max(z, slope * z)."""
        return array_namespace(z).maximum(z, self.slope * z)

    def backward(self, dy: Array, y: Array, /) -> Array:
        """Return dy where y > 0, slope * dy elsewhere."""
        positive = array_namespace(y).astype(y > 0, dy.dtype)
        return dy * (self.slope + (1.0 - self.slope) * positive)


@final
@dataclass(frozen=True)
class Tanh:
    """f(z) = tanh z, f' = 1 - f^2."""

    def forward(self, z: Array, /) -> Array:
        """Return tanh z."""
        return array_namespace(z).tanh(z)

    def backward(self, dy: Array, y: Array, /) -> Array:
        """Return dy * (1 - y^2)."""
        return dy * (1.0 - y * y)


@final
@dataclass(frozen=True)
class Sigmoid:
    """f(z) = 1 / (1 + exp(-z)), f' = f (1 - f)."""

    def forward(self, z: Array, /) -> Array:
        """The same function as (1 + tanh(z / 2)) / 2, which cannot overflow."""
        return 0.5 + 0.5 * array_namespace(z).tanh(0.5 * z)

    def backward(self, dy: Array, y: Array, /) -> Array:
        """Return dy * y (1 - y)."""
        return dy * (y * (1.0 - y))


ACTIVATIONS: dict[str, Activation] = {
    "identity": Identity(),
    "relu": Relu(),
    "leaky_relu": LeakyRelu(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
}


def get_activation(activation: str | Activation, /) -> Activation:
    """The activation called by name, or the object itself.

    Parameters
    ----------
    activation : str or Activation
        A key of ACTIVATIONS, or an object with `forward` and `backward`.

    Returns
    -------
    Activation
        An object is returned as it is.

    Raises
    ------
    ValueError
        For a name that is unknown, naming those that are known.
    """
    return by_name("activation", activation, ACTIVATIONS)
