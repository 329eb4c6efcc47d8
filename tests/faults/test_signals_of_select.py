"""Ctrl-C and SIGTERM at any moment of `regnet select`: a quick end, no process left, and the same bits later.

`python tests/faults/test_signals_of_select.py 200` sends so many, in place of four.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from signalled import SIGNALS, begin, figures, told, wait_for_all, whole_run

COMMAND = [
    "select", "diabetes", "--hidden", "8", "--cv", "3", "--n-lambdas", "8", "--epochs", "600", "--no-adaptive",
]  # fmt: skip


def records(folder):
    """What is kept of networks that are trained, with the times at which it was written."""
    return {(path.name, path.stat().st_mtime_ns) for path in Path(folder).glob("sweep/*/*.safetensors")}


def one_signal(folder, number, moment, jobs):
    """Send one to a sweep that goes on from its journal; returns the seconds to its end, None if it was over before."""
    options = ("--json", "figures.json", "--sweep-dir", "sweep", "--jobs", str(jobs))
    process, kept = begin(COMMAND, folder, *options), records(folder)
    time.sleep(moment)
    process.send_signal(number)
    sent = time.perf_counter()
    out, err = process.communicate(timeout=120)
    wait_for_all(process)
    seconds = time.perf_counter() - sent
    assert "Traceback" not in out + err, err
    assert kept <= records(folder), "a network that was trained is lost, or was trained again"
    assert not list(Path(folder).glob("sweep/*/*.tmp*")), "a part of a record is left"
    if process.returncode == 0:
        return None
    assert process.returncode == 128 + number, (process.returncode, out[-500:], err)
    remedy = "; to go on: regnet select diabetes" if out else ""  # it has read its options by then
    assert err.splitlines()[-1].startswith(f"regnet: ended by {signal.Signals(number).name}{remedy}"), err
    return seconds


def run(count, *, limit):
    rng, taken, sweeps = random.Random(), [], 0
    with tempfile.TemporaryDirectory() as one:
        expected, total = whole_run(COMMAND, one)
    while len(taken) < count:
        with tempfile.TemporaryDirectory() as folder:
            found = 0.0
            while found is not None:
                number = len(taken)
                found = one_signal(folder, SIGNALS[number % 2], rng.uniform(0, 1.1 * total), 1 + number // 2 % 2)
                taken += [] if found is None else [found]
            assert figures(folder) == expected, "other figures than without a signal"
            sweeps += 1
    return told(taken, f"{sweeps} sweeps", "network") <= limit


def test_signals_of_select():
    assert run(4, limit=float("inf"))


if __name__ == "__main__":
    sys.exit(0 if run(int(sys.argv[1]), limit=2.0) else 1)
