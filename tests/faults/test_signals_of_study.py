"""Ctrl-C and SIGTERM at any moment of `regnet study`: a quick end, no seed lost, and the same figures later.

`python tests/faults/test_signals_of_study.py 200` sends so many, in place of two.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from signalled import SIGNALS, begin, end_of, figures, to_the_end, told, whole_run

COMMAND = ["study", "diabetes", "--hidden", "8", "--epochs", "40", "--seeds", "6", "--subset", "30"]


def records(folder):
    """What is kept of seeds that are trained, with the times at which it was written."""
    return {(path.name, path.stat().st_mtime_ns) for path in Path(folder).glob("kept/seed-*.json")}


def one_signal(folder, number, moment):
    """Send the signal of this number to a study that goes on from its journal; returns what `end_of` does."""
    process, kept = begin(COMMAND, folder, "--json", "figures.json", "--study-dir", "kept"), records(folder)
    seconds = end_of(process, SIGNALS[number % 2], moment, "regnet study diabetes")
    assert kept <= records(folder), "a seed that was trained is lost, or was trained again"
    return seconds


def run(count, *, limit):
    rng, taken, studies = random.Random(), [], 0
    with tempfile.TemporaryDirectory() as one:
        expected, total = whole_run(COMMAND, one)
    while len(taken) < count:
        with tempfile.TemporaryDirectory() as folder:
            to_the_end(one_signal, folder, taken, lambda: rng.uniform(0, 1.1 * total))
            assert figures(folder) == expected, "other figures than without a signal"
            studies += 1
    return told(taken, f"{studies} studies", "seed") <= limit


def test_signals_of_study():
    assert run(2, limit=float("inf"))


if __name__ == "__main__":
    sys.exit(0 if run(int(sys.argv[1]), limit=2.0) else 1)
