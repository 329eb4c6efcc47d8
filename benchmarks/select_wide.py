"""Tables with far more inputs than rows: time of a path, and its error beside an L1 logistic regression's.

Usage: python benchmarks/select_wide.py [--rows 70] [--inputs 2000] [--tables 3] [--plain]     (--plain: without numba)
Inputs come in groups of 20 that go together, as genes do. The logistic regression is shown twice: with the strength
that keeps as many inputs as we do (looked up with hindsight), and with the one that its own cross-validation chooses.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifierCV, config_context

NEW = 1000
GROUP = 20


def draw(kind: str, rows: int, inputs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """X (rows + NEW, inputs), float32, and classes.

    shift: 30 inputs whose mean depends on the class; groups: three hidden factors decide; classes: three of them, 40
    inputs with a mean for each; few: three inputs decide.
    """
    rng, total = np.random.default_rng(seed), rows + NEW
    factors = rng.standard_normal((total, inputs // GROUP))
    X = np.sqrt(0.5) * np.repeat(factors, GROUP, axis=1) + np.sqrt(0.5) * rng.standard_normal((total, inputs))
    if kind == "shift":
        y = rng.integers(0, 2, total)
        X[:, :30] += 1.6 * (y[:, None] - 0.5) * rng.uniform(0.3, 1, 30)
    elif kind == "groups":
        y = (factors[:, :3].sum(1) + 0.3 * rng.standard_normal(total) > 0).astype(int)
    elif kind == "classes":
        y = rng.integers(0, 3, total)
        X[:, :40] += rng.standard_normal((3, 40))[y]
    else:
        signal = 2 * X[:, 0] - 2 * X[:, GROUP] + 1.5 * X[:, 2 * GROUP]
        y = (signal + 0.5 * rng.standard_normal(total) > 0).astype(int)
    return X.astype(np.float32), y


def logistic(strength: float, y: np.ndarray) -> Any:
    """scikit-learn's, with an L1 of 1 / strength."""
    solver = "saga" if y.max() > 1 else "liblinear"
    return LogisticRegression(C=strength, l1_ratio=1, solver=solver, tol=1e-3, max_iter=300)


def compare(kind: str, rows: int, inputs: int, seed: int) -> list[float]:
    """Seconds; inputs and accuracy of ours, of the logistic regression with as many inputs, of its own choice."""
    X, y = draw(kind, rows, inputs, seed)
    train, new = (X[:rows], y[:rows]), (X[rows:], y[rows:])
    started = time.perf_counter()
    search = MLPClassifierCV(n_lambdas=25, random_state=0).fit(*train)
    seconds, count = time.perf_counter() - started, int(search.selected_features_.sum())
    grid, scaler = np.geomspace(0.02, 10, 20), StandardScaler().fit(train[0])
    fits = [logistic(strength, y).fit(scaler.transform(train[0]), train[1]) for strength in grid]
    counts = np.array([int((fit.coef_ != 0).any(axis=0).sum()) for fit in fits])
    accuracies = [fit.score(scaler.transform(new[0]), new[1]) for fit in fits]
    near = int(np.abs(counts - count).argmin())
    folds = StratifiedKFold(5)
    scores = [
        cross_val_score(
            make_pipeline(StandardScaler(), logistic(strength, y)), *train, cv=folds, scoring="neg_log_loss"
        ).mean()
        for strength in grid[::2]
    ]
    own = 2 * int(np.argmax(scores))
    return [
        seconds, count, search.score(*new), counts[near], accuracies[near], counts[own], accuracies[own],
        search.score_mean_.min(),
    ]  # fmt: skip


def main() -> None:
    """Print a line a kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=70)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--tables", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    table = Table(
        "kind",
        "s",
        "inputs",
        "accuracy",
        "logistic, as many",
        "accuracy",
        "its own choice",
        "accuracy",
        "worst log-loss",
    )
    with config_context(fast=not asked.plain):
        compare("few", 30, 300, 0)  # numba compiles
        for kind in ("shift", "groups", "classes", "few"):
            found = [compare(kind, asked.rows, asked.inputs, seed) for seed in range(asked.tables)]
            s, *means, _ = np.mean(found, axis=0)
            worst = -min(one[-1] for one in found)
            cells = [f"{value:.1f}" if number % 2 == 0 else f"{value:.3f}" for number, value in enumerate(means)]
            table.add_row(kind, f"{s:.1f}", *cells, f"{worst:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
