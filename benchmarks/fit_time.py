"""Time to fit against scikit-learn's MLP at equal settings, in turn within one process.

    python benchmarks/fit_time.py

Both run with their defaults (200 iterations, batches of 200, one hidden layer of 100) and end with the same loss, which
is checked. Printed are medians and the median of the ratios round by round; BLAS libraries with the kernels they run
stand below, since a library that runs kernels older than the processor makes every figure another one.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier

from regnet import MLPClassifier, config_context, get_backend


def data() -> Iterator[tuple[str, Any, Any]]:
    """Standardised tables in both types."""
    for load in (load_digits, load_breast_cancer):
        x, y = load(return_X_y=True)
        x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
        for dtype in ("float64", "float32"):
            yield f"{load.__name__.removeprefix('load_')} {len(x)} x {x.shape[1]}, {dtype}", x.astype(dtype), y


def fit_seconds(make: Any, x: Any, y: Any, **settings: Any) -> tuple[float, float]:
    """Seconds of one fit, and the loss it ended with."""
    model = make(random_state=0, **settings)
    started = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - started, float(model.loss_)


def main(rounds: int = 7) -> None:
    """Print the table; rounds: counted ones, after a warm-up."""
    warnings.simplefilter("ignore")
    table = Table("data", "solver", "scikit-learn, ms", "NumPy, ms", "ratio", "with numba, ms", "ratio")
    cases = [(name, x, y, solver) for name, x, y in data() for solver in ("adam", "lbfgs")]
    for name, x, y, solver in track(cases, description="fitting"):
        seconds: dict[str, list[float]] = {"theirs": [], "numpy": [], "numba": []}
        for _ in range(rounds + 1):
            losses = []
            for kind, taken in seconds.items():
                with config_context(fast=kind == "numba"):
                    make = TheirMLPClassifier if kind == "theirs" else MLPClassifier
                    took, loss = fit_seconds(make, x, y, solver=solver)
                taken.append(took)
                losses.append(loss)
            if not np.allclose(losses, losses[0], rtol=0.02, atol=1e-4):
                raise SystemExit(f"{name}, {solver}: the losses differ, {losses}: not the same work was timed.")
        figures = [f"{statistics.median(seconds['theirs'][1:]) * 1e3:.0f}"]
        for kind in ("numpy", "numba"):
            ratios = [a / b for a, b in zip(seconds["theirs"][1:], seconds[kind][1:], strict=True)]
            figures += [f"{statistics.median(seconds[kind][1:]) * 1e3:.0f}", f"{statistics.median(ratios):.2f}"]
        table.add_row(name, solver, *figures)
    console = Console()
    console.print(table)
    console.print("\n".join(get_backend("numpy").describe().notes))


if __name__ == "__main__":
    typer.run(main)
