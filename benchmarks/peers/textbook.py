"""Plain NumPy, as a textbook writes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.tasks import Task


class Textbook:
    """Forward, backward and Adam with a fresh array for every operation."""

    def __init__(self, task: Task) -> None:
        self.task, self.t, self.targets = task, 0, task.targets
        self.theta = [array.copy() for pair in zip(task.weights, task.biases, strict=True) for array in pair]
        self.m = [np.zeros_like(array) for array in self.theta]
        self.v = [np.zeros_like(array) for array in self.theta]

    def advance(self, n: int) -> None:
        batches = self.task.batches()
        for _ in range(n):
            rows = batches[self.t % len(batches)]
            self.t += 1
            grads = self.gradient(self.task.x[rows], self.targets[rows])
            for number, grad in enumerate(grads):
                self.adam(number, grad)

    def gradient(self, x: Any, y: Any) -> list[Any]:
        weights, biases = self.theta[::2], self.theta[1::2]
        outputs = [x]
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            z = outputs[-1] @ weight + bias
            outputs.append(self.activate(z) if number < len(weights) - 1 else z)
        delta = (self.predict(outputs[-1]) - y) / len(x)
        grads: list[Any] = []
        for number in reversed(range(len(weights))):
            grads = [outputs[number].T @ delta + 2 * self.task.l2 * weights[number], delta.sum(axis=0), *grads]
            if number:
                delta = (delta @ weights[number].T) * self.slope(outputs[number])
        return grads

    def activate(self, z: Any) -> Any:
        return np.tanh(z) if self.task.activation == "tanh" else np.maximum(z, 0)

    def slope(self, output: Any) -> Any:
        return 1 - output**2 if self.task.activation == "tanh" else output > 0

    def predict(self, z: Any) -> Any:
        if not self.task.has_classes:
            return z
        exponentials = np.exp(z - z.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def adam(self, number: int, grad: Any) -> None:
        task = self.task
        self.m[number] = task.beta1 * self.m[number] + (1 - task.beta1) * grad
        self.v[number] = task.beta2 * self.v[number] + (1 - task.beta2) * grad**2
        m_hat = self.m[number] / (1 - task.beta1**self.t)
        v_hat = self.v[number] / (1 - task.beta2**self.t)
        rate = task.learning_rate / (1 + task.decay * (self.t - 1))
        self.theta[number] = self.theta[number] - rate * m_hat / (np.sqrt(v_hat) + task.epsilon)

    def params(self) -> list[Any]:
        return self.theta
