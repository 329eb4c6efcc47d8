"""Interleaved rounds of a workload's contestants, each in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import clean_environment
from benchmarks.workload import Contestant, Workload

__all__ = ["REST", "run_workload"]

Tell = Callable[[str], None]

REST = 0.4
"""Seconds before a round: threads of some BLAS look for work a while after their turn, and take a core from whoever
comes next. A quick run does without."""


class _Child:
    """The process of a contestant."""

    def __init__(self, workload: Workload, contestant: Contestant, quick: bool) -> None:
        command = [
            sys.executable,
            "-m",
            "benchmarks.child",
            workload.name,
            contestant.name,
            "quick" if quick else "full",
        ]
        self.contestant, self._said = contestant, tempfile.TemporaryFile("w+")  # noqa: SIM115 (`end` closes it)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True,
            env=clean_environment(), cwd=Path(__file__).parent.parent,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        """Its next answer. Raises RuntimeError with what it printed if it has died."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self._said.seek(0)
            message = self._said.read().strip().splitlines()
            raise RuntimeError(f"{self.contestant.name}: {message[-1] if message else 'died'}")
        return dict(json.loads(line))

    def round(self) -> dict[str, Any]:
        """Time a round."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.read()

    def end(self) -> None:
        """Let it go."""
        self.process.kill()
        self.process.communicate()
        self._said.close()


def run_workload(
    workload: Workload,
    *,
    quick: bool,
    only: Callable[[Contestant], bool] = lambda one: True,
    tell: Tell = lambda what: None,
    at_once: int = 1,
) -> dict[str, Any]:
    """Every contestant's times, {name: {...}}; those that are not installed or fail are named with the reason.

    at_once: how many are prepared side by side. Raises RuntimeError if contestants do not compute the same.
    """
    results: dict[str, Any] = {}
    children = []
    try:
        entered = []
        for contestant in workload.contestants:
            if not only(contestant) or (quick and contestant.slow):
                continue
            results[contestant.name] = {"kind": contestant.kind}
            if contestant.missing:
                results[contestant.name]["left_out"] = f"{contestant.missing} is not installed"
            else:
                entered.append(contestant)
        # A quick run prepares two side by side: how long that takes is no figure of it.
        width = max(at_once, 2 if quick else 1)
        for start in range(0, len(entered), width):
            side_by_side = [_Child(workload, contestant, quick) for contestant in entered[start : start + width]]
            children += side_by_side
            for child in side_by_side:
                tell(f"{workload.name}: {child.contestant.name}")
                try:
                    results[child.contestant.name] |= {**child.read(), "times": []}
                except RuntimeError as error:
                    children.remove(child)
                    child.end()
                    results[child.contestant.name]["left_out"] = str(error)[:200]
        _check(workload, results)
        for number in range(workload.rounds[quick]):
            for child in list(children):
                tell(f"{workload.name}: round {number + 1} of {workload.rounds[quick]}, {child.contestant.name}")
                own = results[child.contestant.name]
                time.sleep(0.0 if quick else REST)
                try:
                    answer = child.round()
                except (RuntimeError, OSError) as error:  # it died; the others go on
                    children.remove(child)
                    child.end()
                    own |= {"left_out": str(error)[:200]}
                    own.pop("times")
                    continue
                own["times"].append(answer["time"])
                own["peak_bytes"] = answer["peak"]
    finally:
        for child in children:
            child.end()
    for own in results.values():
        if "times" in own:
            own |= _summary(own["times"])
    return results


def _summary(times: list[Any]) -> dict[str, Any]:
    """The median, and between what half of the rounds were; of curves, point by point."""
    if isinstance(times[0], dict):
        return {"median": {point: float(np.median([one[point] for one in times])) for point in times[0]}}
    return {"median": float(np.median(times)), "spread": np.quantile(times, [0.25, 0.75]).tolist()}


def _check(workload: Workload, results: dict[str, Any]) -> None:
    """Raise RuntimeError unless all that check anything agree."""
    checks = {name: own["check"] for name, own in results.items() if own.get("check")}
    for name, values in checks.items():
        first, expected = next(iter(checks.items()))
        if not np.allclose(values, expected, rtol=workload.tolerance, atol=workload.tolerance * np.abs(expected).max()):
            raise RuntimeError(f"{workload.name}: {name} computes {values}, but {first} {expected}.")
