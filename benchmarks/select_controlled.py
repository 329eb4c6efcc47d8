"""How many inputs of no effect selections take that bound them: knockoffs by a share, stability selection by a number.

    python benchmarks/select_controlled.py [PROBLEM ...] [--methods M ...] [--tables N] [--out FILE] [--plain]

Every table is drawn anew: normal inputs with correlations of 0.5 ** distance, of which some matter, at places drawn by
chance. Each method's line has the mean share of false inputs among the selected (0 where none is), the mean number of
false ones, the share of the real ones found, and on how many tables nothing was selected. Knockoffs by the importances
of LassoCV and of a random forest are on the same draws as regnet's. --plain turns numba's loops off; --out keeps every
table's figures, and goes on from those that the file has.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from select_problems import mean_and_error  # beside this file
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LassoCV

from regnet import MLPRegressor, config_context, knockoff_selection, stability_selection
from regnet.selection.false_discoveries import draw_evidence, select_by_evidence
from regnet.selection.gaussian_knockoffs import GaussianKnockoffs

DRAWS, SHARES, NUMBERS = 10, (0.1, 0.2), (0.5, 1.0, 2.0)

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


def normal_table(rng: np.random.Generator, rows: int, inputs: int) -> np.ndarray:
    """Normal inputs whose correlation is 0.5 ** distance."""
    X = rng.standard_normal((rows, inputs))
    for column in range(1, inputs):
        X[:, column] = 0.5 * X[:, column - 1] + np.sqrt(0.75) * X[:, column]
    return X


def eight_of_forty(rng: np.random.Generator) -> Drawn:
    """300 rows; three linear inputs, a kink, a wave, two that matter only together, and one by its absolute value."""
    X = normal_table(rng, 300, 40)
    real = rng.permutation(40)[:8]
    a, b, c, d, e, f, g, h = X[:, real].T
    signal = a - b + c + 1.5 * np.maximum(d, 0) + 1.2 * np.sin(2 * e) + 1.2 * f * g + 1.5 * np.abs(h)
    return X, signal + rng.standard_normal(300), real


def twenty_of_sixty(rng: np.random.Generator) -> Drawn:
    """600 rows; twelve linear inputs, three kinks, three absolute values, and two that matter only together."""
    X = normal_table(rng, 600, 60)
    real = rng.permutation(60)[:20]
    parts = X[:, real]
    signal = parts[:, :12] @ np.tile([1.0, -1.0], 6) + 1.5 * np.maximum(parts[:, 12:15], 0).sum(axis=1)
    signal += 1.5 * np.abs(parts[:, 15:18]).sum(axis=1) + 1.5 * parts[:, 18] * parts[:, 19]
    return X, signal + rng.standard_normal(600), real


def noise(rng: np.random.Generator) -> Drawn:
    """300 rows of 40 inputs that say nothing of the target."""
    return normal_table(rng, 300, 40), rng.standard_normal(300), np.zeros(0, dtype=int)


PROBLEMS: dict[str, Callable[[np.random.Generator], Drawn]] = {
    function.__name__: function for function in (eight_of_forty, twenty_of_sixty, noise)
}


def by_evidence(statistics: np.ndarray, fdr: float) -> np.ndarray:
    """What `knockoff_selection` selects by such statistics (draws, inputs)."""
    share = fdr if len(statistics) == 1 else fdr / 2
    values = np.mean([draw_evidence(one, share)[0] for one in statistics], axis=0)
    return values >= select_by_evidence(values, fdr) * (1 - 1e-9)


def lasso_importance(both: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|coefficients| at LassoCV's strength."""
    return np.abs(LassoCV(cv=5).fit(both, y).coef_)


def forest_importance(both: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean decreases of impurity."""
    return np.asarray(RandomForestRegressor(50, max_features=1 / 3, random_state=0).fit(both, y).feature_importances_)


def differences(importance: Callable[..., np.ndarray], X: np.ndarray, y: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Importance of each input less its knockoff's, (draws, inputs)."""
    found = []
    for knockoffs in drawn:
        both = np.hstack([X, knockoffs])
        own, other = np.split(importance((both - both.mean(axis=0)) / both.std(axis=0), y), 2)
        found.append(own - other)
    return np.array(found)


def by_stability(X: np.ndarray, y: np.ndarray, seed: int, method: str) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Method and pfer, and what is stable."""
    with tempfile.TemporaryDirectory() as folder:  # the networks are the same for every pfer
        for pfer in NUMBERS:
            found = stability_selection(
                network(seed), X.astype(np.float32), y, pfer=pfer, n_lambdas=12, weakest=0.1, sweep_dir=folder
            )
            yield f"{method}, pfer {pfer:g}", [found.stable]


def by_knockoffs(X: np.ndarray, y: np.ndarray, seed: int, method: str) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Method and fdr, and what is selected: by all draws together, and by each alone."""
    drawer = GaussianKnockoffs(X)
    drawn = np.array([drawer.draw(np.random.default_rng([seed, number])) for number in range(DRAWS)])
    if method == "regnet":
        narrow = X.astype(np.float32)
        statistics = knockoff_selection(network(seed), narrow, y, fdr=0.2, knockoffs=drawn).statistics
    else:
        statistics = differences(lasso_importance if method == "lasso" else forest_importance, X, y, drawn)
    for fdr in SHARES:
        yield f"{method}, {DRAWS} draws, fdr {fdr:g}", [by_evidence(statistics, fdr)]
        yield f"{method}, one draw, fdr {fdr:g}", [by_evidence(one[None], fdr) for one in statistics]


METHODS: dict[str, Callable[..., Iterator[tuple[str, list[np.ndarray]]]]] = {
    "regnet": by_knockoffs, "lasso": by_knockoffs, "forest": by_knockoffs, "stability": by_stability,
}  # fmt: skip


def network(seed: int) -> MLPRegressor:
    """16 neurons, 100 steps at every strength."""
    return MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, max_iter=100, random_state=seed)


def figures(problem: str, method: str, seed: int) -> dict[str, dict[str, float]]:
    """One table's figures by what was asked of the method."""
    X, y, real = PROBLEMS[problem](np.random.default_rng([seed, *problem.encode()]))
    is_real = np.isin(np.arange(X.shape[1]), real)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selections = list(METHODS[method](X, y, seed, method))
    found = {}
    for name, chosen in selections:
        table = np.array(chosen)
        false, counts = (table & ~is_real).sum(axis=1), table.sum(axis=1)
        found[name] = {
            "share false": float((false / np.maximum(counts, 1)).mean()),
            "false": float(false.mean()),
            "found": float(table[:, is_real].mean()) if is_real.any() else float("nan"),
            "nothing": float((counts == 0).mean()),
            "seconds": time.perf_counter() - started,
        }
    return found


def print_figures(problem: str, methods: dict[str, list[dict[str, dict[str, float]]]]) -> None:
    """A line for all that was asked: means over tables, with their standard errors."""
    printed = RichTable("asked", "tables", "share false", "false", "share found", "nothing on", "s", title=problem)
    for tables in methods.values():
        for asked in tables[0]:
            columns = {name: np.array([one[asked][name] for one in tables]) for name in tables[0][asked]}
            told = [mean_and_error(columns[name]) for name in ("share false", "false", "found")]
            nothing, seconds = columns["nothing"].sum(), np.median(columns["seconds"])
            printed.add_row(asked, str(len(tables)), *told, f"{nothing:.1f}", f"{seconds:.1f}")
    Console(width=120).print(printed)


def main() -> None:
    """Print a table for each problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="problem", help=", ".join(PROBLEMS))
    parser.add_argument("--tables", type=int, default=50, help="tables of each problem")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    known: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    for problem in asked.problems:
        for method in asked.methods:
            tables = known.setdefault(problem, {}).setdefault(method, [])
            for seed in range(len(tables), asked.tables):
                with config_context(fast=False) if asked.plain else config_context():
                    tables.append(figures(problem, method, seed))
                if asked.out:
                    asked.out.write_text(json.dumps(known, indent=1) + "\n")
        print_figures(problem, {method: tables[: asked.tables] for method, tables in known[problem].items()})


if __name__ == "__main__":
    main()
