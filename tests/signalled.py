"""Commands that are ended by signals, as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATIENCE = 10.0
"""Seconds after which what still runs has been left behind."""


@contextmanager
def heeding_interrupts():
    """SIGINT counts here, and in processes that are started here, though a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def begin(command, folder, *options):
    """`regnet`, once it catches signals."""
    with heeding_interrupts():
        process = subprocess.Popen(
            [sys.executable, "-m", "regnet", *command, *options], cwd=folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"}, start_new_session=True,
        )  # fmt: skip
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        caught = re.search(r"SigCgt:\s*(\w+)", status.read_text())
        if caught is not None and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return process
        time.sleep(0.005)
    raise AssertionError(process.communicate())


def figures(folder):
    """What --json wrote, but for the time that it took."""
    return json.loads((Path(folder) / "figures.json").read_text()) | {"seconds": None}


def wait_for_all(process):
    """Until no process that it began is left."""
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)
    raise AssertionError("a process is left")


def end_of(process, number, moment, goes_on):
    """Send a signal after so many seconds; those until its end, None if it was over before. goes_on: what it says."""
    time.sleep(moment)
    process.send_signal(number)
    sent = time.perf_counter()
    out, err = process.communicate(timeout=120)
    wait_for_all(process)
    seconds = time.perf_counter() - sent
    assert "Traceback" not in out + err, err
    if process.returncode == 0:
        return None
    assert process.returncode == 128 + number, (process.returncode, out[-500:], err)
    remedy = f"; to go on: {goes_on}" if out else ""  # it has read its options by then
    assert err.splitlines()[-1].startswith(f"regnet: ended by {signal.Signals(number).name}{remedy}"), err
    return seconds


def to_the_end(one_signal, folder, taken, next_moment):
    """Signals, until a command of that folder is over before its signal; the seconds of each join `taken`."""
    found = 0.0
    while found is not None:
        found = one_signal(folder, len(taken), next_moment())
        taken += [] if found is None else [found]


def whole_run(command, folder, *options):
    """What an uninterrupted command comes to, and how long it takes when all is compiled."""
    for _ in range(2):
        process, started = begin(command, folder, "--json", "figures.json", *options), time.perf_counter()
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    return figures(folder), time.perf_counter() - started


def told(taken, commands, kept):
    """The seconds that the slowest of all ends took, which are printed too."""
    print(f"{len(taken)} signals in {commands}: the slowest end took {max(taken):.2f} s; no traceback, no {kept} lost, "
          "no process left, figures equal")  # fmt: skip
    return max(taken)
