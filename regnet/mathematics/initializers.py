"""Initial weights, drawn on the host with `numpy.random.Generator`: the same numbers on every backend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.by_name import by_name

__all__ = [
    "INITIALIZERS",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "Normal",
    "get_initializer",
]

Weights: TypeAlias = NDArray[np.float64]


class Initializer(Protocol):
    """How one layer's first weight is drawn."""

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """Draw a weight.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the numbers come from.
        in_features, out_features : int
            The layer's widths.

        Returns
        -------
        numpy.ndarray
            The weight, (in_features, out_features), float64.
        """


@final
@dataclass(frozen=True)
class Normal:
    """Weights w ~ N(0, scale^2), whatever the layer's width.

    Parameters
    ----------
    scale : float, default 0.01
        The standard deviation.
    """

    scale: float = 0.01

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """Draw a weight, see `Initializer.draw`."""
        return self.scale * rng.standard_normal((in_features, out_features))


@final
@dataclass(frozen=True)
class GlorotNormal:
    """Weights w ~ N(0, 2 / (in + out)).

    References
    ----------
    Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """Draw a weight, see `Initializer.draw`."""
        return math.sqrt(2.0 / (in_features + out_features)) * rng.standard_normal((in_features, out_features))


@final
@dataclass(frozen=True)
class GlorotUniform:
    """Weights w ~ U(-b, b), b = sqrt(6 / (in + out)): the variance is 2 / (in + out).

    References
    ----------
    Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """Draw a weight, see `Initializer.draw`."""
        bound = math.sqrt(6.0 / (in_features + out_features))
        return rng.uniform(-bound, bound, (in_features, out_features))


@final
@dataclass(frozen=True)
class HeNormal:
    """Weights w ~ N(0, 2 / in), which keeps the variance through ReLU layers.

    References
    ----------
    He, Zhang, Ren, Sun, Delving deep into rectifiers, ICCV 2015.
    """

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """Draw a weight, see `Initializer.draw`."""
        return math.sqrt(2.0 / in_features) * rng.standard_normal((in_features, out_features))


@final
@dataclass(frozen=True)
class HeUniform:
    """Weights w ~ U(-b, b), b = sqrt(6 / in): the variance is 2 / in.

    References
    ----------
    He, Zhang, Ren, Sun, Delving deep into rectifiers, ICCV 2015.
    """

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """Draw a weight, see `Initializer.draw`."""
        bound = math.sqrt(6.0 / in_features)
        return rng.uniform(-bound, bound, (in_features, out_features))


INITIALIZERS: dict[str, Initializer] = {
    "normal": Normal(),
    "glorot_normal": GlorotNormal(),
    "glorot_uniform": GlorotUniform(),
    "he_normal": HeNormal(),
    "he_uniform": HeUniform(),
}


def get_initializer(initializer: str | Initializer, /) -> Any:
    """The initializer called by name, or the object itself.

    Parameters
    ----------
    initializer : str or Initializer
        A key of INITIALIZERS, or an object with `draw`.

    Returns
    -------
    Initializer
        An object is returned as it is.

    Raises
    ------
    ValueError
        For a name that is unknown, naming those that are known.
    """
    return by_name("initializer", initializer, INITIALIZERS)
