"""Ctrl-C and SIGTERM at any moment of `regnet study`: a quick end, no seed lost, and the same figures later.

`python tests/faults/test_signals_of_study.py 200` sends so many, in place of two.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from signalled import SIGNALS, begin, figures, told, wait_for_all, whole_run

COMMAND = ["study", "diabetes", "--hidden", "8", "--epochs", "40", "--seeds", "6", "--subset", "30"]


def records(folder):
    """What is kept of seeds that are trained, with the times at which it was written."""
    return {(path.name, path.stat().st_mtime_ns) for path in Path(folder).glob("kept/seed-*.json")}


def one_signal(folder, number, moment):
    """Send one to a study that goes on from its journal; returns the seconds to its end, None if it was over before."""
    process, kept = begin(COMMAND, folder, "--json", "figures.json", "--study-dir", "kept"), records(folder)
    time.sleep(moment)
    process.send_signal(number)
    sent = time.perf_counter()
    out, err = process.communicate(timeout=120)
    wait_for_all(process)
    seconds = time.perf_counter() - sent
    assert "Traceback" not in out + err, err
    assert kept <= records(folder), "a seed that was trained is lost, or was trained again"
    if process.returncode == 0:
        return None
    assert process.returncode == 128 + number, (process.returncode, out[-500:], err)
    remedy = "; to go on: regnet study diabetes" if out else ""  # it has read its options by then
    assert err.splitlines()[-1].startswith(f"regnet: ended by {signal.Signals(number).name}{remedy}"), err
    return seconds


def run(count, *, limit):
    rng, taken, studies = random.Random(), [], 0
    with tempfile.TemporaryDirectory() as one:
        expected, total = whole_run(COMMAND, one)
    while len(taken) < count:
        with tempfile.TemporaryDirectory() as folder:
            found = 0.0
            while found is not None:
                found = one_signal(folder, SIGNALS[len(taken) % 2], rng.uniform(0, 1.1 * total))
                taken += [] if found is None else [found]
            assert figures(folder) == expected, "other figures than without a signal"
            studies += 1
    return told(taken, f"{studies} studies", "seed") <= limit


def test_signals_of_study():
    assert run(2, limit=float("inf"))


if __name__ == "__main__":
    sys.exit(0 if run(int(sys.argv[1]), limit=2.0) else 1)
