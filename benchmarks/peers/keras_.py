"""Keras on JAX."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
import keras

from benchmarks.tasks import Task


def _half_squares(y: Any, z: Any) -> Any:
    return 0.5 * keras.ops.sum((z - y) ** 2, axis=-1)


class Keras:
    """compile and fit."""

    def __init__(self, task: Task) -> None:
        self.task = task
        widths, penalty = task.widths, keras.regularizers.L2(task.l2)
        layers = [
            keras.layers.Dense(width, task.activation if number < len(widths) - 2 else None, kernel_regularizer=penalty)
            for number, width in enumerate(widths[1:])
        ]
        self.model = keras.Sequential([keras.Input((widths[0],)), *layers])
        self.model.set_weights(self._first())
        decay = keras.optimizers.schedules.InverseTimeDecay(task.learning_rate, decay_steps=1, decay_rate=task.decay)
        rate = decay if task.decay else task.learning_rate
        self.model.compile(
            keras.optimizers.Adam(rate, epsilon=task.epsilon),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True) if task.has_classes else _half_squares,
        )

    def _first(self) -> list[Any]:
        return [array for pair in zip(self.task.weights, self.task.biases, strict=True) for array in pair]

    def advance(self, n: int) -> None:
        epochs = max(1, n // len(self.task.batches()))
        self.model.fit(
            self.task.x, self.task.labels, batch_size=self.task.batch, epochs=epochs, shuffle=False, verbose=0
        )

    def params(self) -> list[Any]:
        return list(self.model.get_weights())
