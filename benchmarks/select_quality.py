"""What the rule of one standard error keeps: real inputs, others, and R2 on 2,000 new rows, over 20 tables a problem.

Usage: python benchmarks/select_quality.py [problem ...] [--seeds 20] [--plain]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import make_friedman1

from regnet import MLPRegressorCV

NEW = 2000
PROBLEMS = {
    "friedman 300": (300, 5), "friedman 500": (500, 5), "friedman 1000": (1000, 5), "product": (500, 2),
    "ten weak": (300, 10), "noise": (300, 0),
}  # fmt: skip


def draw(problem: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """50 inputs, of which the first ones are real."""
    rows, _real = PROBLEMS[problem]
    if problem.startswith("friedman"):
        return make_friedman1(rows + NEW, n_features=50, noise=1.0, random_state=seed)
    rng = np.random.default_rng(seed)
    X, noise = rng.standard_normal((rows + NEW, 50)), rng.standard_normal(rows + NEW)
    signal = {"product": X[:, 0] * X[:, 1], "ten weak": 0.3 * X[:, :10].sum(axis=1), "noise": 0.0 * X[:, 0]}[problem]
    return X, signal + (0.5 if problem == "product" else 1.0) * noise


def main() -> None:
    """Print a line a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="problem")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--plain", action="store_true", help="without the second path")
    asked = parser.parse_args()
    table = Table(
        "problem", "rows", "real kept", "others kept", "all real, at most 1 other", "R2 on new rows", "s a table"
    )
    for problem in asked.problems:
        rows, real = PROBLEMS[problem]
        found = []
        for seed in range(asked.seeds):
            X, y = draw(problem, seed)
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # noise: no input is left
                search = MLPRegressorCV(adaptive=False if asked.plain else "auto", random_state=0)
                search.fit(X[:rows], y[:rows])
            kept = search.selected_features_
            seconds = time.perf_counter() - started
            found.append((kept[:real].sum(), kept[real:].sum(), search.score(X[rows:], y[rows:]), seconds))
        kept, others, score, seconds = np.asarray(found).T
        right = int(((kept == real) & (others <= 1)).sum())
        table.add_row(
            problem, str(rows), f"{kept.mean():.2f} of {real}", f"{others.mean():.2f}", f"{right} of {asked.seeds}",
            f"{score.mean():.3f}", f"{np.median(seconds):.1f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
