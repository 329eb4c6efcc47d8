"""The mathematics a second time, as a textbook writes it and for complex numbers, so that gradients follow by the
complex step: f'(x) = Im f(x + ih) / h, exact to rounding for h = 1e-30. Shares nothing with regnet.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import xlogy

H = 1e-30


def c_abs(z):
    return np.where(z.real < 0, -z, z)


def c_max0(z):
    return np.where(z.real > 0, z, 0)


ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": c_max0,
    "leaky_relu": lambda z: np.where(z.real > 0, z, 0.01 * z),
    "tanh": lambda z: np.sinh(z) / np.cosh(z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
}


def huber(r):
    return np.where(np.abs(r.real) <= 1, r * r / 2, c_abs(r) - 0.5)


def tweedie(m, y, p):
    """Half the deviance: the integral of (y - u) / u^p du from m to y, as its terms at y and at m."""
    return (y ** (2 - p) / (1 - p) - y ** (2 - p) / (2 - p)) - (y * m ** (1 - p) / (1 - p) - m ** (2 - p) / (2 - p))


LOSSES = {
    "categorical_crossentropy": lambda z, y: np.log(np.exp(z).sum(-1)) - (y * z).sum(-1),
    "binary_crossentropy": lambda z, y: (np.log(1 + np.exp(z)) - y * z).sum(-1),
    "squared_error": lambda z, y: ((z - y) ** 2).sum(-1) / 2,
    "absolute_error": lambda z, y: c_abs(z - y).sum(-1),
    "huber": lambda z, y: huber(z - y).sum(-1),
    "quantile": lambda z, y: np.where((y - z).real > 0, y - z, z - y).sum(-1) / 2,
    "poisson": lambda z, y: (np.exp(z) - y + xlogy(y, y) - y * z).sum(-1),
    "gamma": lambda z, y: (y / np.exp(z) - np.log(y / np.exp(z)) - 1).sum(-1),
    "tweedie": lambda z, y: tweedie(np.exp(z), y, 1.5).sum(-1),
}


def complex_step(f, x):
    """The gradient of a real-valued function of one array."""
    grad = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        z = x.astype(complex)
        z[place] += 1j * H
        grad[place] = f(z).imag / H
    return grad


def objective(weights, x, y, w, activation, loss):
    """Weighted mean loss of a dense network given as [W0, b0, W1, b1, ...]."""
    for k in range(0, len(weights), 2):
        x = x @ weights[k] + weights[k + 1]
        if k < len(weights) - 2:
            x = ACTIVATIONS[activation](x)
    return (LOSSES[loss](x, y) * w).sum()


def targets(rng, loss, n, out):
    """Targets that the loss takes."""
    if loss == "categorical_crossentropy":
        return np.eye(out)[rng.integers(0, out, n)]
    if loss == "binary_crossentropy":
        return rng.integers(0, 2, (n, out)).astype(float)
    if loss in ("poisson", "tweedie"):
        return rng.poisson(2.0, (n, out)).astype(float)
    if loss == "gamma":
        return rng.gamma(2.0, 3.0, (n, out))
    return rng.standard_normal((n, out)) * 2


def relative(a, b):
    """Largest difference relative to the largest entry."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-300)


def softplus(x):
    return math.log1p(math.exp(x)) if x < 0 else x + math.log1p(math.exp(-x))


def sure_rows(loss):
    """Outputs (n, k), targets, and each row's loss: sure and right, sure and wrong, in between, and a tie."""
    logits = [5.0, 15.0, 16.5, 30.0, 80.0]
    if loss == "binary_crossentropy":
        rows = [([s * z], [y], y * softplus(-s * z) + (1 - y) * softplus(s * z))
                for z in logits for s in (1, -1) for y in (0.0, 1.0, 0.25)]  # fmt: skip
    else:
        rows = [([z, 0.0, 0.0], y, math.log1p(2 * math.exp(-z)) + z * (1 - y[0]))
                for z in logits for y in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25])]  # fmt: skip
        rows.append(([2.0, 2.0, -13.0], [0.0, 1.0, 0.0], math.log(2) + math.log1p(math.exp(-15) / 2)))
    return tuple(np.asarray(column) for column in zip(*rows, strict=True))
