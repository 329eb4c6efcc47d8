"""What a workload is, and where to find one by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from typing import Any, Protocol, final

__all__ = ["GPU_NAMES", "NAMES", "Contestant", "Round", "Workload", "find_workload"]

NAMES = ("W1", "W2", "W3", "W4", "W5", "W6", "W6L", "W7", "W8", "W10")
GPU_NAMES = ("G1", "G2", "G3", "G4")


class Round(Protocol):
    """A contestant in its own process, warm and ready to be timed."""

    check: list[float]
    """Numbers that must agree with the other contestants' before anything is timed."""

    def run(self) -> float:
        """Time one round; in the workload's unit."""


@final
@dataclass(frozen=True)
class Contestant:
    """One column of the table.

    kind: 'ours', 'peer' or 'floor'; make: builds its `Round`, with everything slow inside; needs: modules, or packages
    without one, that must be installed; slow: left out of a quick run.
    """

    name: str
    kind: str
    make: Callable[[bool], Round]
    needs: tuple[str, ...] = ()
    slow: bool = False

    @property
    def missing(self) -> str:
        """What it needs and is not here, or ''."""
        return next((name for name in self.needs if not _is_here(name)), "")


def _is_here(name: str) -> bool:
    if find_spec(name) is not None:
        return True
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


@final
@dataclass(frozen=True)
class Workload:
    """A question with its contestants.

    unit: of the times; tolerance: relative, within which checks must agree; rounds: full and quick; slow: not among the
    workloads of a quick run, unless it is named.
    """

    name: str
    title: str
    unit: str
    contestants: tuple[Contestant, ...]
    tolerance: float = 1e-3
    rounds: tuple[int, int] = (7, 2)
    slow: bool = False


def find_workload(name: str) -> Any:
    """The `Workload` of a module of `benchmarks.workloads`."""
    return import_module(f"benchmarks.workloads.{name.lower()}").WORKLOAD
