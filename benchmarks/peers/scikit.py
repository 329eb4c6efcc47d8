"""scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.tasks import Task


class ScikitLearn:
    """`fit` of n epochs, from the first weights each time: a fit begins Adam anew, at a constant rate."""

    def __init__(self, task: Task) -> None:
        self.task = task
        make = MLPClassifier if task.has_classes else MLPRegressor
        self.model = make(
            hidden_layer_sizes=task.widths[1:-1], activation=task.activation, alpha=2 * task.l2 * task.batch,
            batch_size=task.batch, shuffle=False, warm_start=True, learning_rate_init=task.learning_rate,
            epsilon=task.epsilon, tol=0.0, n_iter_no_change=10**9, max_iter=1,
        )  # fmt: skip
        self._fit()

    def _fit(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(self.task.x, self.task.labels)

    def advance(self, n: int) -> None:
        for own, first in ((self.model.coefs_, self.task.weights), (self.model.intercepts_, self.task.biases)):
            for number, array in enumerate(first):
                own[number] = array.copy()
        self.model.set_params(max_iter=max(1, n // len(self.task.batches())))
        self._fit()

    def params(self) -> list[Any]:
        return [array for pair in zip(self.model.coefs_, self.model.intercepts_, strict=True) for array in pair]
