"""Ctrl-C and SIGTERM at any moment of `regnet fit`: a quick end, its status, no traceback, and the same bits later.

`python tests/faults/test_signals.py 200` sends so many, in place of four.
"""

from __future__ import annotations

import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

from signalled import SIGNALS, begin, figures, told, wait_for_all, whole_run

from regnet.networks.container import open_container

COMMAND = ["fit", "digits", "--hidden", "32", "--epochs", "60", "--log-every", "1", "--dropout", "0.1"]
STEPS = 17
"""Of an epoch of the digits that are trained on."""


def epoch_of(path):
    if not path.exists():
        return 0
    with open_container(path) as file:
        return file.description["training"]["position"] / STEPS


def one_signal(folder, number, moment):
    """Send one to a run that goes on from a checkpoint; returns the seconds to its end, None if it was over before."""
    path = Path(folder) / "run.checkpoint"
    process = begin(
        COMMAND, folder, "--checkpoint", path.name, "--resume", "--json", "figures.json", "--save", "model.safetensors"
    )
    time.sleep(moment)
    process.send_signal(number)
    sent = time.perf_counter()
    out, err = process.communicate(timeout=120)
    seconds = time.perf_counter() - sent
    assert "Traceback" not in out + err, err
    if process.returncode == 0:
        return None
    assert process.returncode == 128 + number, (process.returncode, out[-500:], err)
    assert err.splitlines()[-1].startswith(f"regnet: ended by {signal.Signals(number).name}"), err
    printed = [int(epoch) for epoch in re.findall(r"^epoch (\d+):", out, re.MULTILINE)]
    assert epoch_of(path) >= max(printed, default=0), ("a finished epoch was lost", epoch_of(path), out[-300:], err)
    wait_for_all(process)
    return seconds


def run(count, *, limit):
    rng, taken, runs = random.Random(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        expected, total = whole_run(COMMAND, folder, "--save", "model.safetensors")
        while len(taken) < count:
            for name in ("run.checkpoint", "figures.json", "model.safetensors"):
                (Path(folder) / name).unlink(missing_ok=True)
            found = 0.0
            while found is not None and len(taken) < count:
                found = one_signal(folder, SIGNALS[len(taken) % 2], rng.uniform(0, 1.1 * total))
                taken += [] if found is None else [found]
            if found is not None:  # the last one was an end as well
                process = begin(COMMAND, folder, "--checkpoint", "run.checkpoint", "--resume", "--json", "figures.json")
                process.communicate(timeout=300)
            assert figures(folder) == expected, "other figures than without a signal"
            runs += 1
    return told(taken, f"{runs} runs", "finished epoch") <= limit


def test_signals():
    assert run(4, limit=float("inf"))


if __name__ == "__main__":
    sys.exit(0 if run(int(sys.argv[1]), limit=2.0) else 1)
