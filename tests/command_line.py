"""The command, in a process of its own and in this one, and a table for it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import numpy as np
from typer.testing import CliRunner

from regnet.commands.app import app


def run(*arguments, cwd, **environment):
    env = {key: value for key, value in os.environ.items() if not key.startswith("REGNET_")} | environment
    command = [sys.executable, "-m", "regnet", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def typed(*arguments):
    """What the command prints, called in this process."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def write_csv(path, *, target=True, rows=60):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 3))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", *(["kind"] if target else [])])
        for row in x:
            writer.writerow([*row, *(["yes" if row[0] > 0 else "no"] if target else [])])
    return path
