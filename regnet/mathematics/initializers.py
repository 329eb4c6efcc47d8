"""Initial weights, drawn on the host with `numpy.random.Generator`: the same numbers on every backend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

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
    """Draws one layer's weight."""

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """A weight (in_features, out_features), float64."""


@final
@dataclass(frozen=True)
class Normal:
    """w ~ N(0, scale^2), whatever the layer's width."""

    scale: float = 0.01

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """See Initializer.draw."""
        return self.scale * rng.standard_normal((in_features, out_features))


@final
@dataclass(frozen=True)
class GlorotNormal:
    """w ~ N(0, 2 / (in + out)). Source: Glorot & Bengio, AISTATS 2010."""

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """See Initializer.draw."""
        return math.sqrt(2.0 / (in_features + out_features)) * rng.standard_normal((in_features, out_features))


@final
@dataclass(frozen=True)
class GlorotUniform:
    """w ~ U(-b, b), b = sqrt(6 / (in + out)): the variance 2 / (in + out). Source: Glorot & Bengio, AISTATS 2010."""

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """See Initializer.draw."""
        bound = math.sqrt(6.0 / (in_features + out_features))
        return rng.uniform(-bound, bound, (in_features, out_features))


@final
@dataclass(frozen=True)
class HeNormal:
    """w ~ N(0, 2 / in), which keeps the variance through ReLU layers. Source: He et al., ICCV 2015."""

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """See Initializer.draw."""
        return math.sqrt(2.0 / in_features) * rng.standard_normal((in_features, out_features))


@final
@dataclass(frozen=True)
class HeUniform:
    """w ~ U(-b, b), b = sqrt(6 / in): the variance 2 / in. Source: He et al., ICCV 2015."""

    def draw(self, rng: np.random.Generator, in_features: int, out_features: int, /) -> Weights:
        """See Initializer.draw."""
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
    """The initializer called by name, or the object itself."""
    if not isinstance(initializer, str):
        return initializer
    if initializer not in INITIALIZERS:
        raise ValueError(f"initializer={initializer!r} is unknown: choose one of {', '.join(INITIALIZERS)}.")
    return INITIALIZERS[initializer]
