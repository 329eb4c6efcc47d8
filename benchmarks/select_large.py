"""Seconds and memory of a search by the size of its table: rows x 50 columns, and columns at 2,000 rows.

Usage: python -m benchmarks.select_large [--rows 1000 10000 100000] [--columns 100 1000 10000] [--folds 2 5]
Each search is `MLPRegressorCV(cv=folds)` in a process of its own, on a float32 table whose target is a curved function
of five columns and noise. Memory is the peak beyond what the process had when all was imported, in multiples of the
table, which is one of them. Slopes are those of the logarithms from one size to the next.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS, ROWS = 50, 2000
"""Of tables whose rows are counted, and of those whose columns are."""

NOISE = 0.5

CURRENT, PEAK = "VmRSS", "VmHWM"
"""What Linux calls the memory that a process has, and the most that it has had."""


def table(rows: int, columns: int, seed: int = 0) -> tuple[Any, Any]:
    """Normal inputs in float32, and a target of five of them (n,)."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, columns), dtype=np.float32)
    signal = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + np.abs(x[:, 3]) + x[:, 4]
    return x, signal + np.float32(NOISE) * rng.standard_normal(rows, dtype=np.float32)


def memory(which: str) -> int:
    """Bytes of this process."""
    (kib,) = re.findall(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kib) * 1024


def one(rows: int, columns: int, folds: int) -> dict[str, float]:
    """A search in this process: seconds, the peak in multiples of the table, R2 on new rows, inputs that are used."""
    import numba  # noqa: F401 (what a search imports at its first fit is no part of its memory)

    from regnet import MLPRegressorCV

    warnings.simplefilter("ignore")
    before = memory(CURRENT)
    x, y = table(rows, columns)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    started = time.perf_counter()
    search = MLPRegressorCV(cv=folds, random_state=0).fit(x, y)
    seconds, peak = time.perf_counter() - started, memory(PEAK) - before
    score = search.score(*table(10_000, columns, seed=1))
    return {
        "seconds": seconds, "MiB": peak / 2**20, "tables": peak / x.nbytes, "R2": score,
        "inputs": int(search.selected_features_.sum()),
    }  # fmt: skip


def measure(rows: int, columns: int, folds: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.select_large", "--one", str(rows), str(columns), str(folds)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def series(sizes: list[int], title: str, ask: Callable[[int], dict[str, float]]) -> None:
    """One line a size, with the slopes of time and memory since the one before."""
    last: tuple[int, dict[str, float]] | None = None
    for size in sizes:
        found = ask(size)
        line = f"{size:>9,} {title}: {found['seconds']:7.1f} s, {found['MiB']:7.0f} MiB = {found['tables']:5.1f} tables"
        line += f", R2 {found['R2']:.3f}, {found['inputs']:.0f} inputs"
        if last is not None:
            step = math.log(size / last[0])
            slopes = [math.log(found[name] / last[1][name]) / step for name in ("seconds", "MiB")]
            line += f"; slopes {slopes[0]:.2f}, {slopes[1]:.2f}"
        print(line, flush=True)
        last = size, found


def main() -> None:
    """Both series for every number of folds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--columns", type=int, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--folds", type=int, nargs="*", default=[2])
    parser.add_argument("--one", type=int, nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(*asked.one)))
        return
    for folds in asked.folds:
        series(asked.rows, f"rows x {COLUMNS}, {folds} folds", lambda n, k=folds: measure(n, COLUMNS, k))
        series(asked.columns, f"columns at {ROWS:,} rows, {folds} folds", lambda p, k=folds: measure(ROWS, p, k))


if __name__ == "__main__":
    main()
