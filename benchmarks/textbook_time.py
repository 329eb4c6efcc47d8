"""Time of a step against NumPy as a textbook writes it, plain and compiled, in turn, each in a process of its own.

    python -m benchmarks.textbook_time [--rounds 15] [NAME ...]

All three begin with the same weights and end with the same loss, which is checked. Printed are medians, and of the
ratios ours / textbook, round by round, the median and between what half of the rounds were: at most 1 is what is asked.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.machine import SLOWING
from benchmarks.peers.ours import Regnet, RegnetFast
from benchmarks.peers.textbook import Textbook
from benchmarks.runner import REST
from benchmarks.tasks import Task, make_spiral_task, make_task, objective
from regnet import get_backend

TASKS: dict[str, Callable[[], Task]] = {
    "W1": make_spiral_task,
    "W2": lambda: make_task(256, [784, 512, 10]),
    "W3": lambda: make_task(4096, [784, 1024, 10]),
    "deep": lambda: make_task(2000, [20, *(64,) * 6, 3]),
    "wide": lambda: make_task(1000, [50, 1024, 3]),
    "narrow": lambda: make_task(1000, [2, 8, 2]),
    "one output": lambda: make_task(2000, [20, 64, 1]),
    "100 rows": lambda: make_task(100, [20, 64, 3]),
    "100,000 rows": lambda: make_task(100_000, [20, 64, 3]),
    "batches of 32": lambda: make_task(3200, [20, 64, 3], batch=32),
    "1,000 inputs": lambda: make_task(2000, [1000, 64, 3]),
}

PEERS = {"textbook": Textbook, "plain": Regnet, "compiled": RegnetFast}
STEPS_OF_CHECK = 20
AT_LEAST = 0.1
"""Seconds of a measurement."""

WARM = 0.06
"""Seconds of steps before a measurement: a core that was at rest may be given to another guest of the machine."""


def measure(name: str, rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds a step, every round's, by peer.

    Each in a process of its own, and after a rest: the textbook's BLAS threads look for work a while after its turn,
    and take a core from whoever comes next (2,000 x 1,000 -> 64 -> 3, plain: 6.7 ms a step right after it, 4.3 alone).
    """
    spawn = multiprocessing.get_context("spawn")
    pipes = {}
    for peer in PEERS:
        here, there = spawn.Pipe()
        spawn.Process(target=_answer, args=(there, name, peer), daemon=True).start()
        pipes[peer] = here
    losses = [pipe.recv() for pipe in pipes.values()]
    if not np.allclose(losses, losses[0], rtol=1e-3):
        raise SystemExit(f"{name}: the losses differ, {losses}: not the same work was timed.")
    taken: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for _ in range(rounds):
        for peer, pipe in pipes.items():
            time.sleep(REST)
            pipe.send(True)
            taken[peer].append(1e3 * pipe.recv())
    for pipe in pipes.values():
        pipe.send(False)
    return {peer: np.asarray(times) for peer, times in taken.items()}


def _answer(pipe: Any, name: str, kind: str) -> None:
    """In a process of its own: the loss after some steps, and the seconds of a step whenever they are asked for."""
    task = TASKS[name]()
    peer: Any = PEERS[kind](task)
    peer.advance(STEPS_OF_CHECK)
    pipe.send(objective(task, peer.params()))
    steps = max(1, int(AT_LEAST / _seconds(peer, STEPS_OF_CHECK)))
    while pipe.recv():
        peer.advance(max(1, round(WARM / AT_LEAST * steps)))
        pipe.send(_seconds(peer, steps))


def _seconds(peer: Any, steps: int) -> float:
    """Of a step."""
    started = time.perf_counter()
    peer.advance(steps)
    return (time.perf_counter() - started) / steps


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *TASKS], metavar="NAME", help=f"of {', '.join(TASKS)}")
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    for setting in SLOWING:
        os.environ.pop(setting, None)
    table = Table("step", "textbook, ms", *[f"{kind}{unit}" for kind in ("plain", "compiled") for unit in (", ms", "")])
    for name in track(asked.names or list(TASKS), console=Console(stderr=True), transient=True):
        task = TASKS[name]()
        taken = measure(name, asked.rounds)
        cells = [f"{np.median(taken['textbook']):.3g}"]
        for kind in ("plain", "compiled"):
            low, middle, high = np.quantile(taken[kind] / taken["textbook"], [0.25, 0.5, 0.75])
            cells += [f"{np.median(taken[kind]):.3g}", f"{middle:.2f} ({low:.2f} to {high:.2f})"]
        shape = " -> ".join(map(str, task.widths))
        table.add_row(f"{name}: {task.batch:,} x {shape}", *cells)
    console = Console(width=120)
    console.print(table)
    console.print("\n".join(get_backend("numpy").describe().notes))


if __name__ == "__main__":
    main()
