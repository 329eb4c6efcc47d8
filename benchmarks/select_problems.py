"""Nine hard selections, by the default rule of one standard error: score on new rows, real and other inputs kept.

Usage: python benchmarks/select_problems.py [problem ...] [--seeds 5] [--out FILE] [--against FILE]

--out writes every table's figures as JSON, beside those of other problems that the file has already; --against
compares with such a file, table by table, so that the tables' own differences cancel. Scores are higher for better:
R2, or minus the log-loss (for rare positives its mean over classes, since they are weighted so). For the figures of
another source tree put that first on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from sklearn.datasets import make_friedman1
from sklearn.metrics import balanced_accuracy_score, log_loss

from regnet import MLPClassifierCV, MLPRegressorCV

NEW = 5000
LAMBDAS = 30
FIGURES = ("score", "accuracy", "real", "others", "seconds")
HIGHER_IS_BETTER = {"score": 1, "accuracy": 1, "real": 1, "others": -1}


class Drawn(NamedTuple):
    """A table of rows to select from, then NEW rows; real: numbers of the inputs that the target depends on."""

    X: np.ndarray
    y: np.ndarray
    real: tuple[int, ...]


def autoregressive(rng: np.random.Generator, rows: int, inputs: int) -> np.ndarray:
    """Normal inputs whose correlation is 0.9 ** distance."""
    X = rng.standard_normal((rows, inputs))
    for column in range(1, inputs):
        X[:, column] = 0.9 * X[:, column - 1] + np.sqrt(1 - 0.81) * X[:, column]
    return X


def correlated_linear(rng: np.random.Generator) -> Drawn:
    """Five inputs among 50, ten apart."""
    X, real = autoregressive(rng, 300 + NEW, 50), tuple(range(0, 50, 10))
    return Drawn(X, X[:, real] @ [1.0, -1.0, 1.0, -1.0, 1.0] + 1.5 * rng.standard_normal(len(X)), real)


def correlated_nonlinear(rng: np.random.Generator) -> Drawn:
    """A wave, a square, a kink and a product of inputs among 50, ten apart."""
    X, real = autoregressive(rng, 300 + NEW, 50), tuple(range(0, 50, 10))
    a, b, c, d, e = X[:, real].T
    signal = 1.5 * np.sin(2 * a) + (b**2 - 1) + 2 * np.maximum(c, 0) + d * e
    return Drawn(X, signal + rng.standard_normal(len(X)), real)


def triple_product(rng: np.random.Generator) -> Drawn:
    """x0 x1 x2 among 20 inputs: none of the three says anything alone, nor do two."""
    X = rng.standard_normal((500 + NEW, 20))
    return Drawn(X, X[:, 0] * X[:, 1] * X[:, 2] + 0.3 * rng.standard_normal(len(X)), (0, 1, 2))


def heavy_tails(rng: np.random.Generator) -> Drawn:
    """Friedman's function with noise of Student's t(2), whose variance is infinite; new rows come without noise."""
    X, y = make_friedman1(300 + NEW, n_features=50, random_state=int(rng.integers(2**31)))
    y[:300] += rng.standard_t(2, 300)
    return Drawn(X, y, (0, 1, 2, 3, 4))


def transforms(rng: np.random.Generator) -> Drawn:
    """Five real inputs, their squares, logarithms, and two noisy copies of each."""
    Z = rng.standard_normal((300 + NEW, 5))
    copies = np.repeat(Z, 2, axis=1) + 0.3 * rng.standard_normal((len(Z), 10))
    signal = Z[:, 0] - Z[:, 1] + 2 * np.tanh(Z[:, 2]) + np.abs(Z[:, 3]) + Z[:, 3] * Z[:, 4]
    X = np.hstack([Z, Z**2, np.log(np.abs(Z)), copies])
    return Drawn(X, signal + rng.standard_normal(len(Z)), (0, 1, 2, 3, 4))


def wide_linear(rng: np.random.Generator) -> Drawn:
    """100 rows of 1,000 inputs, five of them real."""
    X = rng.standard_normal((100 + NEW, 1000))
    return Drawn(X, X[:, :5] @ [1.5, -1.5, 1.2, -1.2, 0.8] + rng.standard_normal(len(X)), (0, 1, 2, 3, 4))


def wide_nonlinear(rng: np.random.Generator) -> Drawn:
    """100 rows of 1,000 inputs, of which a kink, a step and a bent line are real."""
    X = rng.standard_normal((100 + NEW, 1000))
    signal = 3 * np.maximum(X[:, 0], 0) + 2 * np.tanh(3 * X[:, 1]) + X[:, 2] + np.abs(X[:, 2])
    return Drawn(X, signal + rng.standard_normal(len(X)), (0, 1, 2))


def rare_positives(rng: np.random.Generator) -> Drawn:
    """20 positives of 1,000 rows, whose first three inputs of 30 are shifted; the same share of the new rows."""
    X, y = rng.standard_normal((1000 + NEW, 30)), np.zeros(1000 + NEW, dtype=int)
    y[rng.permutation(1000)[:20]] = 1
    y[1000 + rng.permutation(NEW)[: NEW // 50]] = 1
    X[:, :3] += y[:, None] * [1.5, -1.5, 1.0]
    return Drawn(X, y, (0, 1, 2))


def ten_classes(rng: np.random.Generator) -> Drawn:
    """Ten classes of 50 rows or so with a mean of their own in six inputs of 30."""
    X, y = rng.standard_normal((500 + NEW, 30)), rng.integers(0, 10, 500 + NEW)
    X[:, :6] += 1.5 * rng.standard_normal((10, 6))[y]
    return Drawn(X, y, (0, 1, 2, 3, 4, 5))


PROBLEMS: dict[str, Callable[[np.random.Generator], Drawn]] = {
    function.__name__: function
    for function in (
        correlated_linear, correlated_nonlinear, triple_product, heavy_tails, transforms, wide_linear, wide_nonlinear,
        rare_positives, ten_classes,
    )
}  # fmt: skip


def select(problem: str, seed: int) -> dict[str, float]:
    """One table's figures; accuracy is the mean of the classes' shares found, NaN for values."""
    X, y, real = PROBLEMS[problem](np.random.default_rng([seed, *problem.encode()]))
    rows, classifier = len(y) - NEW, y.dtype.kind == "i"
    search: Any = MLPRegressorCV(n_lambdas=LAMBDAS, random_state=seed)
    if classifier:
        class_weight = "balanced" if problem == "rare_positives" else None
        search = MLPClassifierCV(n_lambdas=LAMBDAS, class_weight=class_weight, random_state=seed)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no input left: the figures say it
        search.fit(X[:rows], y[:rows])
    found = {"seconds": time.perf_counter() - started, "accuracy": float("nan")}
    kept = np.flatnonzero(search.selected_features_)
    found |= {"real": np.isin(kept, real).sum(), "others": (~np.isin(kept, real)).sum()}
    new, truth = X[rows:], y[rows:]
    if classifier:
        weight = 1 / np.bincount(truth)[truth] if problem == "rare_positives" else None
        found["score"] = -log_loss(truth, search.predict_proba(new), sample_weight=weight, labels=search.classes_)
        found["accuracy"] = balanced_accuracy_score(truth, search.predict(new))
    else:
        found["score"] = search.score(new, truth)
    return {name: float(found[name]) for name in FIGURES}


def mean_and_error(values: Any) -> str:
    """Mean and its standard error over tables."""
    values = np.asarray(values, dtype=np.float64)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.3f} ± {error:.3f}"


def print_found(found: dict[str, list[dict[str, float]]], before: dict[str, list[dict[str, float]]] | None) -> None:
    """A line a problem; with `before` the differences from it, and which are worse by more than two errors."""
    title = "mean ± its standard error" if before is None else "differences of the same tables, mean ± its error"
    table = RichTable("problem", "tables", *FIGURES, title=title)
    for problem, tables in found.items():
        earlier = [] if before is None else before.get(problem, [])
        count = len(tables) if before is None else min(len(tables), len(earlier))
        if not count:
            continue
        cells = []
        for name in FIGURES:
            values = np.array([one[name] for one in tables[:count]])
            if before is not None:
                values = values - [one[name] for one in earlier[:count]]
            worse = before is not None and count > 1 and name in HIGHER_IS_BETTER
            limit = -2 * values.std(ddof=1) / np.sqrt(count) if worse else 0.0
            worse = worse and HIGHER_IS_BETTER[name] * values.mean() < limit
            text = "" if np.isnan(values).all() else mean_and_error(values)
            cells.append(text + " worse" * bool(worse))
        table.add_row(problem, str(count), *cells)
    Console(width=140).print(table)


def main() -> None:
    """Print a line a problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="problem", help=", ".join(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=5, help="tables of each problem; 0: none, what --out has is shown")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--against", type=Path)
    asked = parser.parse_args()
    found = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    for problem in asked.problems if asked.seeds else ():
        found[problem] = [select(problem, seed) for seed in range(asked.seeds)]
        if asked.out:
            asked.out.write_text(json.dumps(found, indent=1) + "\n")
    print_found(found, None)
    if asked.against:
        print_found(found, json.loads(asked.against.read_text()))


if __name__ == "__main__":
    main()
