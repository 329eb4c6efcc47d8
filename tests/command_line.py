"""The command, in a process of its own and in this one, and a table for it."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import subprocess
import sys
import warnings
from unittest import mock

import numpy as np
from typer.testing import CliRunner

from regnet.commands.app import app, main


def run(*arguments, cwd, **environment):
    """In a process of its own, as a user has it."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("REGNET_")} | environment
    command = [sys.executable, "-m", "regnet", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=1800, check=False)


def called(*arguments, cwd, **environment):
    """What `run` gives back, without a process, which takes seconds to begin; its output has no descriptor."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("REGNET_")} | environment
    command, out, err, status = ["regnet", *map(str, arguments)], io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, env, clear=True), mock.patch.object(sys, "argv", command),
        warnings.catch_warnings(),
    ):  # fmt: skip
        warnings.simplefilter("default")
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    return subprocess.CompletedProcess(command, status, out.getvalue(), err.getvalue())


def typed(*arguments, given=None):
    """What the command prints, called in this process; given: what comes in, bytes."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)
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
