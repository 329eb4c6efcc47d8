"""Contestants of a training workload, times in milliseconds a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any, final

import numpy as np

from benchmarks.tasks import Task, objective
from benchmarks.workload import Contestant

__all__ = ["STEPS_OF_CHECK", "Products", "Steps", "training_contestants"]

STEPS_OF_CHECK = 24
"""Steps after which all contestants must have the same objective."""


@final
class Steps:
    """Rounds of many steps of a peer; see `workload.Round`."""

    def __init__(self, peer: Any, task: Task, steps: int) -> None:
        self._peer, self._steps = peer, steps
        peer.advance(STEPS_OF_CHECK)
        self.check = [objective(task, peer.params())]

    def run(self) -> float:
        """Milliseconds a step."""
        started = time.perf_counter()
        self._peer.advance(self._steps)
        return (time.perf_counter() - started) / self._steps * 1e3


@final
class Products:
    """The floor: a step's matrix products alone, as NumPy's BLAS does them with all its threads."""

    def __init__(self, task: Task, steps: int) -> None:
        self.check: list[float] = []
        self._steps = steps
        rng, rows = np.random.default_rng(0), task.batch

        def draw(*shape: int) -> Any:
            return rng.standard_normal(shape).astype(np.float32)

        self._products = []
        for number, (a, b) in enumerate(pairwise(task.widths)):
            x, w, dy = draw(rows, a), draw(a, b), draw(rows, b)
            self._products += [(x, w, draw(rows, b)), (x.T, dy, draw(a, b))]
            if number:
                self._products.append((dy, w.T, draw(rows, a)))

    def run(self) -> float:
        """Milliseconds for the products of a step."""
        started = time.perf_counter()
        for _ in range(self._steps):
            for left, right, out in self._products:
                np.matmul(left, right, out=out)
        return (time.perf_counter() - started) / self._steps * 1e3


def training_contestants(make_task: Callable[[], Task], steps: int, quick_steps: int) -> tuple[Contestant, ...]:
    """The floor, ours on every backend, and every peer."""

    def peer(name: str, kind: str, place: str, *needs: str, slow: bool = False) -> Contestant:
        def make(quick: bool) -> Steps:
            module, _, class_name = place.partition(":")
            task = make_task()
            made = getattr(import_module(f"benchmarks.peers.{module}"), class_name)(task)
            return Steps(made, task, quick_steps if quick else steps)

        return Contestant(name, kind, make, needs, slow)

    def floor(quick: bool) -> Products:
        return Products(make_task(), quick_steps if quick else steps)

    return (
        Contestant("products alone", "floor", floor),
        peer("regnet numpy", "ours", "ours:Regnet"),
        peer("regnet numpy, fast", "ours", "ours:RegnetFast", "numba"),
        peer("regnet jax", "ours", "ours:RegnetJax", "jax"),
        peer("regnet torch", "ours", "ours:RegnetTorch", "torch"),
        peer("NumPy textbook", "peer", "textbook:Textbook", slow=True),
        peer("scikit-learn", "peer", "scikit:ScikitLearn"),
        peer("JAX jit", "peer", "jax_:Jax", "jax"),
        peer("PyTorch eager", "peer", "torch_:Torch", "torch"),
        peer("torch.compile", "peer", "torch_:TorchCompiled", "torch", slow=True),
        peer("Keras on JAX", "peer", "keras_:Keras", "keras", "jax", slow=True),
    )
