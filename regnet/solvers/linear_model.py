"""A linear model's mean data loss as a function of its coefficients, with first and second derivatives, on the host.

Coefficients are (inputs + 1, outputs): the last row is the bias. Everything is float64, whatever the rows came in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from regnet.mathematics.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Gamma,
    Loss,
    Poisson,
    SquaredError,
    Tweedie,
)

__all__ = ["CURVATURES", "Gram", "Smooth", "TableRows", "smooth_of"]

Values: TypeAlias = NDArray[np.float64]

RowNumbers: TypeAlias = NDArray[np.int64] | slice
"""Some of the coefficients' rows."""

LARGEST_GRAM = 2048
"""Inputs up to which a squared error is known by the inputs' products: that many columns squared take 32 MiB."""


def _ones(loss: Loss, outputs: Values, targets: Values) -> Values:
    return np.ones_like(outputs)


def _bernoulli(loss: Loss, outputs: Values, targets: Values) -> Values:
    p = np.asarray(loss.predict(outputs))
    return np.asarray(p * np.asarray(loss.predict(-outputs)))  # 1 - p, with full relative precision


def _counts(loss: Loss, outputs: Values, targets: Values) -> Values:
    return np.exp(outputs)


def _amounts(loss: Loss, outputs: Values, targets: Values) -> Values:
    return targets * np.exp(-outputs)


def _sums(loss: Tweedie, outputs: Values, targets: Values) -> Values:
    a, b = loss.power - 1.0, 2.0 - loss.power
    return b * np.exp(b * outputs) + a * targets * np.exp(-a * outputs)


def _softmax(loss: Loss, outputs: Values, targets: Values) -> Values:
    p = np.asarray(loss.predict(outputs))
    return np.asarray(p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :])


CURVATURES: dict[type, Callable[[Any, Values, Values], Values]] = {
    SquaredError: _ones,
    BinaryCrossEntropy: _bernoulli,
    Poisson: _counts,
    Gamma: _amounts,
    Tweedie: _sums,
    CategoricalCrossEntropy: _softmax,
}
"""By type of a convex loss its second derivatives at outputs and targets: (n, outputs), or (n, outputs, outputs) where

outputs meet."""


class Smooth(Protocol):
    """A convex function of coefficients (rows, outputs) that is known through a linear image of them."""

    def image(self, coefficients: Values, rows: RowNumbers = slice(None), /) -> Values:
        """The image of coefficients in these rows, numbers or a slice, the others being 0."""

    def look(self, coefficients: Values, image: Values, /) -> tuple[float, Values]:
        """The value, and what `grad` makes a gradient of."""

    def grad(self, pull: Values, /) -> Values:
        """The gradient (rows, outputs)."""

    def hessian(self, image: Values, rows: RowNumbers, /) -> Values:
        """Second derivatives in these rows: (outputs, w, w), or (w, outputs, w, outputs) where outputs meet."""


@final
class Gram:
    """A squared error by the products of the inputs: no row is looked at again."""

    def __init__(self, x: Values, y: Values, weight: Values) -> None:
        """x: (n, rows), the last column 1; y: (n, outputs); weight: (n,), sums to 1."""
        weighted = x * weight[:, None]
        self._products, self._targets = weighted.T @ x, weighted.T @ y
        self._constant = 0.5 * float(weight @ np.einsum("ij,ij->i", y, y))

    def image(self, coefficients: Values, rows: RowNumbers = slice(None), /) -> Values:
        """The products with the coefficients, (rows, outputs)."""
        return self._products[:, rows] @ coefficients

    def look(self, coefficients: Values, image: Values, /) -> tuple[float, Values]:
        """See Smooth."""
        grad = image - self._targets
        return self._constant + 0.5 * float(np.vdot(coefficients, grad - self._targets)), grad

    def grad(self, pull: Values, /) -> Values:
        """See Smooth."""
        return pull

    def hessian(self, image: Values, rows: RowNumbers, /) -> Values:
        """See Smooth."""
        return _for_outputs(self._products[rows][:, rows], image.shape[1])


@final
class TableRows:
    """Any convex loss by its rows."""

    def __init__(self, x: Values, y: Values, weight: Values, loss: Loss) -> None:
        """x: (n, rows), the last column 1; y: (n, outputs); weight: (n,), sums to 1; loss: of a type in CURVATURES."""
        self._x, self._y, self._weight, self._loss = x, y, weight, loss
        self._curvature = CURVATURES[type(loss)]
        self._known: tuple[Any, Values] | None = None

    def image(self, coefficients: Values, rows: RowNumbers = slice(None), /) -> Values:
        """The model's outputs, (n, outputs)."""
        return self._x[:, rows] @ coefficients

    def look(self, coefficients: Values, image: Values, /) -> tuple[float, Values]:
        """See Smooth; not finite where the outputs overflow."""
        values, grad = self._loss.value_and_grad(image, self._y)
        return float(self._weight @ values[:, 0]), grad * self._weight[:, None]

    def grad(self, pull: Values, /) -> Values:
        """See Smooth."""
        return self._x.T @ pull

    def hessian(self, image: Values, rows: RowNumbers, /) -> Values:
        """See Smooth."""
        constant = type(self._loss) is SquaredError
        if constant and self._known is not None and np.array_equal(self._known[0], np.asarray(rows)):
            return self._known[1]
        x, outputs = self._x[:, rows], image.shape[1]
        if constant:
            self._known = rows, _for_outputs((x * self._weight[:, None]).T @ x, outputs)
            return self._known[1]
        bend = self._curvature(self._loss, image, self._y)
        bend = bend * self._weight.reshape(-1, *[1] * (bend.ndim - 1))
        if bend.ndim == 2:
            return np.stack([(x * bend[:, [k]]).T @ x for k in range(outputs)])
        w = x.shape[1]
        joint = np.empty((w, outputs, w, outputs))
        for k in range(outputs):
            for m in range(k + 1):
                joint[:, k, :, m] = joint[:, m, :, k] = (x * bend[:, k, [m]]).T @ x
        return joint


def _for_outputs(own: Values, outputs: int) -> Values:
    """The same matrix (w, w) for every output, without a copy."""
    return own[None] if outputs == 1 else np.broadcast_to(own, (outputs, *own.shape))


def smooth_of(x: Values, y: Values, weight: Values, loss: Loss, /) -> Smooth:
    """The quicker of the two for a table (n, rows) whose last column is 1."""
    n, rows = x.shape
    if type(loss) is SquaredError and rows <= min(n, LARGEST_GRAM):
        return Gram(x, y, weight)
    return TableRows(x, y, weight, loss)
