"""The command in a process of its own, and a table for it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import numpy as np


def run(*arguments, cwd, **environment):
    env = {key: value for key, value in os.environ.items() if not key.startswith("REGNET_")} | environment
    command = [sys.executable, "-m", "regnet", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def write_csv(path, *, target=True, rows=60):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 3))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", *(["kind"] if target else [])])
        for row in x:
            writer.writerow([*row, *(["yes" if row[0] > 0 else "no"] if target else [])])
    return path
