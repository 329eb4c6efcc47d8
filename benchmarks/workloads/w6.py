"""W6: a prediction for one row, and (W6L) for 100,000."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, final

import numpy as np

from benchmarks.tasks import Task, make_task
from benchmarks.workload import Contestant, Round, Workload


@final
class Predictions:
    """Rounds of `predict(x)`, which returns probabilities."""

    def __init__(self, predict: Callable[[Any], Any], x: Any, times: int, scale: float) -> None:
        self._predict, self._x, self._times, self._scale = predict, x, times, scale
        self.check: list[float] = []

    def run(self) -> float:
        """Time of a call, in the workload's unit."""
        started = time.perf_counter()
        for _ in range(self._times):
            self._predict(self._x)
        return (time.perf_counter() - started) / self._times * self._scale


def _bare(task: Task) -> Callable[[Any], Any]:
    (w1, w2), (b1, b2) = task.weights, task.biases

    def predict(x: Any) -> Any:
        z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    return predict


def _model(task: Task) -> Callable[[Any], Any]:
    from regnet import Model, Network
    from regnet.backend.placement import placement_of

    network = Network.mlp(task.widths, loss="categorical_crossentropy")
    arrays = [array.reshape(shape) for array, shape in zip(_flat(task), network.layout.shapes, strict=True)]
    placement = placement_of(task.x)
    return Model(network, network.unpack(network.layout.pack([placement.put(a) for a in arrays])), placement).predict


def _flat(task: Task) -> list[Any]:
    return [array for pair in zip(task.weights, task.biases, strict=True) for array in pair]


def _estimator(task: Task, kind: Any) -> Callable[[Any], Any]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = kind((task.widths[1],), max_iter=1).fit(task.x[:2000], task.labels[:2000])
    own = replace(task, weights=tuple(fitted.coefs_), biases=tuple(fitted.intercepts_))
    _agree(fitted.predict_proba, own)
    return lambda x: fitted.predict_proba(x)


def _agree(predict: Callable[[Any], Any], task: Task) -> None:
    """Raise ValueError unless a contestant computes what the bare expression does."""
    if not np.allclose(predict(task.x[:50]), _bare(task)(task.x[:50]), rtol=1e-4, atol=1e-6):
        raise ValueError("other probabilities than the bare expression")


def _regnet_estimator(task: Task) -> Callable[[Any], Any]:
    from regnet import MLPClassifier

    return _estimator(task, MLPClassifier)


def _scikit_learn(task: Task) -> Callable[[Any], Any]:
    from sklearn.neural_network import MLPClassifier

    return _estimator(task, MLPClassifier)


def _torch(task: Task) -> Callable[[Any], Any]:
    import torch

    from benchmarks.peers.torch_ import Torch

    model = Torch(task).model

    def predict(x: Any) -> Any:
        with torch.no_grad():
            return torch.softmax(model(torch.from_numpy(x)), dim=1).numpy()

    return predict


def _jax(task: Task) -> Callable[[Any], Any]:
    import jax
    import jax.numpy as jnp

    (w1, w2), (b1, b2) = map(jnp.asarray, task.weights), map(jnp.asarray, task.biases)
    apply = jax.jit(lambda x: jax.nn.softmax(jax.nn.relu(x @ w1 + b1) @ w2 + b2))
    return lambda x: np.asarray(apply(x))


def contestants(rows: int, times: int, scale: float) -> tuple[Contestant, ...]:
    def make(quick: bool, build: Any) -> Round:
        task = make_task(max(rows, 3000), [30, 64, 3])
        predict = build(task)
        if build not in (_regnet_estimator, _scikit_learn):  # they have weights of their own
            _agree(predict, task)
        return Predictions(predict, task.x[:rows], max(1, times // 4) if quick else times, scale)

    named = [
        ("bare NumPy", "floor", _bare, ()), ("regnet Model", "ours", _model, ()),
        ("regnet MLPClassifier", "ours", _regnet_estimator, ()), ("scikit-learn", "peer", _scikit_learn, ()),
        ("PyTorch eager", "peer", _torch, ("torch",)), ("JAX jit", "peer", _jax, ("jax",)),
    ]  # fmt: skip
    return tuple(Contestant(name, kind, partial(make, build=build), needs) for name, kind, build, needs in named)


WORKLOAD = Workload("W6", "probabilities of 1 row, 30 -> 64 -> 3", "us a call", contestants(1, 2000, 1e6))
