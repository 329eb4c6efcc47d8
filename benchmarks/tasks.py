"""What every contestant of a training workload is given: rows, first weights, Adam's settings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from scipy.linalg import expm

from regnet.tables.datasets import spiral

__all__ = ["Task", "bytes_of_training", "make_exponential_task", "make_spiral_task", "make_task", "objective"]


@final
@dataclass(frozen=True)
class Task:
    """A network with Adam and an L2 on the weights.

    x: (n, in) float32; labels: (n,) int64, of which the loss is the cross-entropy, or values (n, out) float32, of which
    it is half the sum of squared residuals; weights, biases: one each a layer, (in, out) and (out,); batch: rows of a
    step, taken in order; activation: 'relu' or 'tanh', of the hidden layers; decay: the rate of step t, from 0, is
    learning_rate / (1 + decay * t); l2: multiplies the sum of squared weights, beside the mean loss.
    """

    x: Any
    labels: Any
    weights: tuple[Any, ...]
    biases: tuple[Any, ...]
    batch: int
    activation: str = "relu"
    learning_rate: float = 1e-3
    decay: float = 0.0
    l2: float = 5e-4
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    @property
    def widths(self) -> list[int]:
        """Inputs, hidden layers, classes."""
        return [self.weights[0].shape[0], *(weight.shape[1] for weight in self.weights)]

    @property
    def has_classes(self) -> bool:
        """Whether the labels are numbers of classes."""
        return self.labels.ndim == 1

    @property
    def targets(self) -> Any:
        """(n, out) float32: the values, or 1 for a row's class."""
        return np.eye(self.widths[-1], dtype=np.float32)[self.labels] if self.has_classes else self.labels

    def batches(self) -> list[slice]:
        """The rows of an epoch's steps."""
        return [slice(start, start + self.batch) for start in range(0, len(self.x), self.batch)]


def make_task(rows: int, widths: list[int], batch: int | None = None, **settings: Any) -> Task:
    """Spirals for two inputs, as in the study note, else normal inputs with labels from a random network.

    With one output the labels are that network's values.
    """
    rng = np.random.default_rng(0)
    if widths[0] == 2 and widths[-1] > 1:
        x, labels = spiral(samples=-(-rows // widths[-1]), classes=widths[-1], seed=0)
        x, labels = x[:rows], labels[:rows]
    else:
        x = rng.standard_normal((rows, widths[0])).astype(np.float32)
        values = np.maximum(x @ rng.standard_normal((widths[0], 16)), 0) @ rng.standard_normal((16, widths[-1]))
        labels = values.argmax(1) if widths[-1] > 1 else (values / values.std()).astype(np.float32)
    if widths[-1] > 1:
        labels = labels.astype(np.int64)
        labels[: widths[-1]] = np.arange(widths[-1])  # every class is there
    return Task(np.ascontiguousarray(x, np.float32), labels, *_draw_parameters(rng, widths), batch or rows, **settings)


def _draw_parameters(rng: Any, widths: list[int]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Weights by He's rule, and biases of 0."""
    weights = tuple((rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32) for a, b in pairwise(widths))
    return weights, tuple(np.zeros(b, np.float32) for b in widths[1:])


def make_spiral_task() -> Task:
    """The study note's: 3,000 rows of three spirals, 2 -> 512 -> 3, Adam at 0.02 with decay 5e-7, all rows a step."""
    return make_task(3000, [2, 512, 3], learning_rate=0.02, decay=5e-7)


def make_exponential_task(rows: int) -> Task:
    """SimpleChains.jl's: exponentials of 2 x 2 matrices, 4 -> 32 -> 16 -> 4 with tanh, Adam at 3e-4, all rows a step.

    Source: Elrod, Korsbo, Rackauckas, Doing small network scientific machine learning in Julia 5x faster than PyTorch,
    2022.
    """
    rng = np.random.default_rng(0)
    x = rng.random((rows, 2, 2))
    y = expm(x).reshape(rows, 4)
    parameters = _draw_parameters(rng, [4, 32, 16, 4])
    x, y = (array.reshape(rows, 4).astype(np.float32) for array in (x, y))
    return Task(x, y, *parameters, rows, "tanh", learning_rate=3e-4, l2=0.0)


def objective(task: Task, params: list[Any]) -> float:
    """Mean loss on all rows plus the penalty, in float64; params: weight, bias, weight, bias, ..."""
    arrays = [np.asarray(array, np.float64) for array in params]
    z = task.x.astype(np.float64)
    for number in range(0, len(arrays), 2):
        if number:
            z = np.tanh(z) if task.activation == "tanh" else np.maximum(z, 0)
        z = z @ arrays[number] + arrays[number + 1]
    if task.has_classes:
        z -= z.max(axis=1, keepdims=True)
        loss = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), task.labels]
    else:
        loss = 0.5 * ((z - task.labels) ** 2).sum(axis=1)
    return float(loss.mean() + task.l2 * sum((weight**2).sum() for weight in arrays[::2]))


def bytes_of_training(task: Task) -> int:
    """Data, parameters and Adam's two moments, in float32."""
    parameters = sum(array.size for array in (*task.weights, *task.biases))
    return 4 * (task.x.size + task.targets.size + 3 * parameters)
