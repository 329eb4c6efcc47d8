"""Factors beside numbers: which groups of columns a default search selects, with and without `input_groups`.

Usage: python benchmarks/select_groups.py [groups] [columns] [--tables 20] [--rows 400] [--linear] [--plain]
A table has three factors of 4 to 6 levels, one column a level, of which the first has an effect, and ten numbers, of
which two have one: y = effect of the level (variance 1) + x0 + |x1| + noise (variance 1); with --linear x1 instead of
|x1|, and a linear model. Right is a selection of just those three.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from rich.console import Console
from rich.table import Table

from regnet import MLPRegressorCV, config_context

REAL = {"level0", "x0", "x1"}


def draw(seed: int, rows: int, *, linear: bool) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """X, y and the label of each column."""
    rng = np.random.default_rng(seed)
    numbers = rng.standard_normal((rows, 10))
    y = numbers[:, 0] + (numbers[:, 1] if linear else np.abs(numbers[:, 1])) + rng.standard_normal(rows)
    columns, labels = [numbers], [f"x{number}" for number in range(10)]
    for factor in range(3):
        levels = int(rng.integers(4, 7))
        level = rng.integers(0, levels, rows)
        columns.append(np.eye(levels)[level])
        labels += [f"level{factor}"] * levels
        if factor == 0:
            effect = rng.standard_normal(levels)
            y += ((effect - effect.mean()) / effect.std())[level]
    return np.hstack(columns), y, labels


def main() -> None:
    """Print a line for searches over groups and one for searches over columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["groups", "columns"], metavar="groups|columns")
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("--plain", action="store_true", help="without numba")
    args = parser.parse_args()
    shown = Table("search over", "whole factors only", "just the real groups", "groups beside them", "seconds a search")
    for kind in args.kinds:
        whole = right = others = 0
        started = time.perf_counter()
        for seed in range(args.tables):
            X, y, labels = draw(seed, args.rows, linear=args.linear)
            groups = labels if kind == "groups" else None
            hidden = () if args.linear else (16,)
            with warnings.catch_warnings(), config_context(fast=not args.plain):
                warnings.simplefilter("ignore")
                found = MLPRegressorCV(hidden, input_groups=groups, random_state=0).fit(X, y).selected_features_
            parts = {label: found[[one == label for one in labels]] for label in dict.fromkeys(labels)}
            used = {label for label, columns in parts.items() if columns.any()}
            whole += all(columns.all() for label, columns in parts.items() if label in used)
            right += used == REAL
            others += len(used - REAL)
        seconds = (time.perf_counter() - started) / args.tables
        shown.add_row(
            kind, f"{whole} of {args.tables}", f"{right} of {args.tables}",
            f"{others / args.tables:.2f}", f"{seconds:.1f}",
        )  # fmt: skip
    Console().print(shown)


if __name__ == "__main__":
    main()
