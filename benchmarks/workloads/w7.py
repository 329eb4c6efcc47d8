"""W7: how a step's time grows with rows, width, depth and the number of networks in a stack."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, final

import numpy as np

from benchmarks.tasks import make_task
from benchmarks.workload import Contestant, Round, Workload

AXES = {
    "rows": (1_000, 10_000, 100_000, 1_000_000),
    "width": (64, 256, 1024),
    "depth": (1, 2, 4, 8),
    "networks": (8, 32, 128, 512),
}
QUICK = 2
"""Points of an axis in a quick run."""

AT_LEAST = 0.1
"""Seconds of a measurement."""


@final
class Growth:
    """Rounds over the points of an axis."""

    def __init__(self, axis: str, fast: bool, quick: bool) -> None:
        self.check: list[float] = []
        points = AXES[axis][:QUICK] if quick else AXES[axis]
        self._runs = {point: _runner(axis, point, fast) for point in points}

    def run(self) -> dict[str, float]:
        """Milliseconds a step, by point."""
        return {str(point): runner() for point, runner in self._runs.items()}


def _runner(axis: str, point: int, fast: bool) -> Any:
    from benchmarks.peers.ours import Regnet, RegnetFast

    kind = RegnetFast if fast else Regnet
    if axis == "rows":
        peer = kind(make_task(point, [20, 64, 3]))
    elif axis == "width":
        peer = kind(make_task(2000, [20, point, 3]))
    elif axis == "depth":
        peer = kind(make_task(2000, [20, *(64,) * point, 3]))
    else:
        peer = _stack(kind, point)

    def timed() -> float:
        steps = 1
        while True:
            started = time.perf_counter()
            peer.advance(steps)
            seconds = time.perf_counter() - started
            if seconds >= AT_LEAST:
                return seconds / steps * 1e3
            steps = max(steps + 1, int(1.3 * AT_LEAST / max(seconds, 1e-6) * steps))

    return timed


def _stack(kind: Any, networks: int) -> Any:
    """As many networks with strengths of their own, on one table."""
    from regnet import Adam, Network, Penalty, config_context
    from regnet.training.assembly import prepare
    from regnet.training.step import make_run

    task = make_task(300, [10, 16, 3])
    peer = kind(task)
    network = Network.mlp(task.widths, loss="categorical_crossentropy")
    penalty = Penalty(weight_l2=np.geomspace(1e-5, 1e-1, networks).tolist())
    with config_context(backend="numpy", fast=kind.fast, dtype="float32"):
        problem = prepare(
            network, task.x, task.labels, optimizer=Adam(1e-3), penalties=penalty, batch_size=None, sample_weight=None,
            validation_data=None, params=None, seed=0,
        )  # fmt: skip
        peer.run = make_run(problem.placement.backend, network, Adam(1e-3))
    peer.data, peer.hyper, peer.state = problem.data, problem.hyper, problem.state
    return peer


def _make(quick: bool, axis: str, fast: bool) -> Round:
    return Growth(axis, fast, quick)  # type: ignore[return-value]


WORKLOAD = Workload(
    "W7", "growth: rows (20 -> 64 -> 3); width, depth (2,000 rows); networks (300 rows, 10 -> 16 -> 3)", "ms a step",
    tuple(
        Contestant(f"{axis}, {name}", "ours", partial(_make, axis=axis, fast=bool(needs)), needs)
        for axis in AXES
        for name, needs in (("numpy", ()), ("fast", ("numba",)))
    ),
    rounds=(3, 1), slow=True,
)  # fmt: skip
