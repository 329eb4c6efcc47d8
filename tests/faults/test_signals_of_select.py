"""Ctrl-C and SIGTERM at any moment of `regnet select`: a quick end, no process left, and the same bits later.

`python tests/faults/test_signals_of_select.py 200` sends so many, in place of four.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from signalled import SIGNALS, begin, end_of, figures, to_the_end, told, whole_run

COMMAND = [
    "select", "diabetes", "--hidden", "8", "--cv", "3", "--n-lambdas", "8", "--epochs", "600", "--no-adaptive",
]  # fmt: skip


def records(folder):
    """What is kept of networks that are trained, with the times at which it was written."""
    return {(path.name, path.stat().st_mtime_ns) for path in Path(folder).glob("sweep/*/*.safetensors")}


def one_signal(folder, number, moment):
    """Send the signal of this number to a sweep that goes on from its journal; returns what `end_of` does."""
    options = ("--json", "figures.json", "--sweep-dir", "sweep", "--jobs", str(1 + number // 2 % 2))
    process, kept = begin(COMMAND, folder, *options), records(folder)
    seconds = end_of(process, SIGNALS[number % 2], moment, "regnet select diabetes")
    assert kept <= records(folder), "a network that was trained is lost, or was trained again"
    assert not list(Path(folder).glob("sweep/*/*.tmp*")), "a part of a record is left"
    return seconds


def run(count, *, limit):
    rng, taken, sweeps = random.Random(), [], 0
    with tempfile.TemporaryDirectory() as one:
        expected, total = whole_run(COMMAND, one)
    while len(taken) < count:
        with tempfile.TemporaryDirectory() as folder:
            to_the_end(one_signal, folder, taken, lambda: rng.uniform(0, 1.1 * total))
            assert figures(folder) == expected, "other figures than without a signal"
            sweeps += 1
    return told(taken, f"{sweeps} sweeps", "network") <= limit


def test_signals_of_select():
    assert run(4, limit=float("inf"))


if __name__ == "__main__":
    sys.exit(0 if run(int(sys.argv[1]), limit=2.0) else 1)
