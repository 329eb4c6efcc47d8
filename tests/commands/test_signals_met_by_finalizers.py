"""Errors of finalizers: told as ever, but for what a signal left half made."""

import signal
import subprocess
import sys

import pytest

HALF_MADE = """
import os, signal, sys
import typer
from regnet.commands.signals import ending, taken_to_end

class Made:
    def __init__(self):
        if sys.argv[1] == "signal":
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):  # where Python takes it
                pass
            self.handle = 1

    def __del__(self):
        self.handle

@taken_to_end
def command():
    Made()

with ending(signal.SIGTERM):
    try:
        command()
    except typer.Exit as end:  # as typer does
        sys.exit(end.exit_code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends a process there without a handler")
@pytest.mark.parametrize("met", ["signal", "nothing"])
def test_what_a_signal_left_half_made_is_not_told_of(met):
    done = subprocess.run([sys.executable, "-c", HALF_MADE, met], capture_output=True, text=True, timeout=120)
    assert ("has no attribute 'handle'" in done.stderr) == (met == "nothing"), done.stderr
    assert ("ended by SIGTERM" in done.stderr) == (met == "signal")
    assert done.returncode == (0 if met == "nothing" else 128 + signal.SIGTERM)
