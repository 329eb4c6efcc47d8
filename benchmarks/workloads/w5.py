"""W5: the study note's whole run, 10,001 epochs, with its decay of the learning rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, final

from benchmarks.tasks import make_spiral_task
from benchmarks.workload import Contestant, Round, Workload

EPOCHS, QUICK = 10_001, 500
"""All of them, of peers too: a step takes some of them longer once the network has learnt, since L2 leaves dead neurons
weights whose products are below the smallest normal number."""


@final
class Whole:
    """Rounds of a whole run; the first one is short."""

    def __init__(self, run: Callable[[int], Any], epochs: int) -> None:
        self.check: list[float] = []
        self._run, self._epochs, self._warm = run, epochs, False

    def run(self) -> float:
        """Seconds."""
        started = time.perf_counter()
        self._run(self._epochs if self._warm else 20)
        self._warm = True
        return time.perf_counter() - started


def _peer(place: str) -> Callable[[bool], Round]:
    def make(quick: bool) -> Round:
        module, _, name = place.partition(":")
        make_peer = getattr(import_module(f"benchmarks.peers.{module}"), name)
        return Whole(lambda n: make_peer(make_spiral_task()).advance(n), QUICK if quick else EPOCHS)

    return make


def _fit(fast: bool) -> Callable[[bool], Round]:
    def make(quick: bool) -> Round:
        from benchmarks.peers.ours import adam
        from regnet import Network, Penalty, config_context, fit

        task = make_spiral_task()
        network = Network.mlp(task.widths, loss="categorical_crossentropy")

        def run(epochs: int) -> Any:
            with config_context(backend="numpy", fast=fast, dtype="float32"):
                penalty = Penalty(weight_l2=task.l2)
                return fit(network, task.x, task.labels, epochs=epochs, optimizer=adam(task), penalties=penalty, seed=0)

        return Whole(run, QUICK if quick else EPOCHS)

    return make


WORKLOAD = Workload(
    "W5", f"a run of 3,000 x 2 -> 512 -> 3, {EPOCHS:,} epochs", "s a run",
    (
        Contestant("regnet fit", "ours", _fit(False)),
        Contestant("regnet fit, fast", "ours", _fit(True), ("numba",)),
        Contestant("NumPy textbook", "peer", _peer("textbook:Textbook")),
        Contestant("scikit-learn", "peer", _peer("scikit:ScikitLearn")),
        Contestant("JAX jit", "peer", _peer("jax_:Jax"), ("jax",)),
        Contestant("PyTorch eager", "peer", _peer("torch_:Torch"), ("torch",)),
    ),
    rounds=(1, 1), slow=True,
)  # fmt: skip
