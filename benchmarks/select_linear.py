"""Searches of linear models beside the solvers that are made for them: seconds, and how far from optimal each ends.

Usage: python benchmarks/select_linear.py [table ...] [--rounds 3] [--plain] [--skglm]
Every contestant goes through the same 50 strengths on the same 5 folds and then on all rows; --plain: without numba;
--skglm: with skglm, which compiles for a minute. scikit-learn and skglm have tol=1e-8, which is what their residuals
need to be near ours; LassoCV is shown with its default, 1e-4, as well. Residuals are the largest entries of the
smallest subgradient on all rows: over the whole path for regnet and skglm, at the chosen strength for the others, which
keep no more. (liblinear's is what its penalty on the bias makes of it.)
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.model_selection import KFold, StratifiedKFold

from regnet import MLPClassifierCV, MLPRegressorCV, config_context

STRENGTHS, FOLDS = 50, 5


def spectra() -> tuple[np.ndarray, np.ndarray]:
    """161 x 100: smooth curves of eight substances, baselines and a little noise, as near infrared light gives them."""
    rng, wave = np.random.default_rng(0), np.linspace(0, 1, 100)
    bands = np.exp(-0.5 * ((wave - np.linspace(0.05, 0.95, 8)[:, None]) / 0.12) ** 2)
    amounts = rng.gamma(3, 1, (161, 8))
    baseline = 0.3 * rng.standard_normal((161, 1)) * wave + 0.2 * rng.standard_normal((161, 1))
    X = amounts @ bands + baseline + 1e-3 * rng.standard_normal((161, 100))
    return X, amounts @ rng.standard_normal(8) + 0.3 * rng.standard_normal(161)


def factors(rows: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs that share a tenth as many hidden factors, which make up 95 % of their variance."""
    rng, hidden = np.random.default_rng(0), max(5, inputs // 10)
    shared = rng.standard_normal((rows, hidden)) @ rng.standard_normal((hidden, inputs)) / np.sqrt(hidden)
    X = np.sqrt(0.95) * shared + np.sqrt(0.05) * rng.standard_normal((rows, inputs))
    weights = rng.standard_normal(inputs) * (rng.random(inputs) < 0.3)
    return X, X @ weights + 2.0 * rng.standard_normal(rows)


def wide() -> tuple[np.ndarray, np.ndarray]:
    """100 x 5,000, ten of which are real."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 5000))
    return X, X[:, :10] @ rng.standard_normal(10) + rng.standard_normal(100)


TABLES: dict[str, Callable[[], Any]] = {
    "spectra 161 x 100": spectra,
    "factors 2197 x 274": lambda: factors(2197, 274),
    "factors 4273 x 48": lambda: factors(4273, 48),
    "diabetes 442 x 10": lambda: load_diabetes(return_X_y=True),
    "wide 100 x 5000": wide,
    "breast cancer 569 x 30": lambda: load_breast_cancer(return_X_y=True),
}


def slope_of(X: np.ndarray, y: np.ndarray, weights: np.ndarray, bias: float, classes: bool) -> np.ndarray:
    """The gradient of the mean data loss, of the weights and of the bias."""
    outputs = X @ weights + bias
    rest = (1.0 / (1.0 + np.exp(-outputs)) if classes else outputs) - y
    return np.append(X.T @ rest, rest.sum()) / len(y)


def residual(X: Any, y: Any, weights: Any, bias: float, strength: float, classes: bool) -> float:
    """The largest entry of the smallest subgradient."""
    grad = slope_of(X, y, weights, bias, classes)
    *inner, outer = grad
    inner = np.asarray(inner)
    zero = np.maximum(np.abs(inner) - strength, 0.0)
    return max(float(np.where(weights == 0, zero, np.abs(inner + strength * np.sign(weights))).max()), abs(outer))


def contestants(X: Any, y: Any, grid: Any, cv: Any, classes: bool) -> dict[str, Callable[[], Any]]:
    """Functions that search and tell a residual."""
    made = MLPClassifierCV if classes else MLPRegressorCV

    def ours() -> float:
        found = made((), penalty="weight_l1", lambdas=grid, cv=cv, standardize=False, random_state=0).fit(X, y)
        pairs = zip(grid, found.path_.estimators, strict=True)
        return max(residual(X, y, one.coefs_[0][:, 0], one.intercepts_[0][0], s, classes) for s, one in pairs)

    def lasso(tol: float) -> float:
        found = LassoCV(alphas=grid, cv=cv, tol=tol, max_iter=10**6).fit(X, y)
        return residual(X, y, found.coef_, found.intercept_, found.alpha_, classes)

    def liblinear() -> float:
        settings = {"solver": "liblinear", "l1_ratios": (1,), "tol": 1e-8, "max_iter": 10**6, "scoring": "neg_log_loss"}
        found = LogisticRegressionCV(Cs=1 / (len(y) * grid), cv=cv, use_legacy_attributes=False, **settings).fit(X, y)
        return residual(X, y, found.coef_[0], found.intercept_[0], 1 / (len(y) * found.C_), classes)

    def skglm() -> float:
        from skglm import Lasso, SparseLogisticRegression

        model, worst = SparseLogisticRegression if classes else Lasso, 0.0
        for rows, _ in [*cv.split(X, y), (np.arange(len(y)), ())]:
            estimator = model(tol=1e-8, warm_start=True, max_iter=1000, max_epochs=10**6)
            part = np.asfortranarray(X[rows])
            for strength in grid[::-1]:
                estimator.set_params(alpha=strength).fit(part, y[rows])
                weights, bias = np.ravel(estimator.coef_), float(np.ravel(estimator.intercept_)[0])
                if len(rows) == len(y):
                    worst = max(worst, residual(X, y, weights, bias, strength, classes))
        return worst

    found: dict[str, Callable[[], Any]] = {"regnet": ours}
    if classes:
        found["LogisticRegressionCV, liblinear"] = liblinear
    else:
        found |= {"LassoCV, tol=1e-4": lambda: lasso(1e-4), "LassoCV": lambda: lasso(1e-8)}
    return found | {"skglm": skglm}


def compare(name: str, rounds: int, with_skglm: bool, table: Table) -> None:
    """Rounds in which all take turns; medians."""
    X, y = TABLES[name]()
    classes = len(np.unique(y)) == 2
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = y.astype(float) if classes else (y - y.mean()) / y.std()
    largest = np.abs(X.T @ (y - y.mean())).max() / len(y)
    grid = np.geomspace((1e-3 if X.shape[0] > X.shape[1] else 1e-2) * largest, largest, STRENGTHS)
    cv = StratifiedKFold(FOLDS) if classes else KFold(FOLDS)
    everyone = contestants(X, y, grid, cv, classes)
    if not with_skglm:
        del everyone["skglm"]
    seconds: dict[str, list[float]] = {one: [] for one in everyone}
    rest = {}
    for number in range(rounds + 1):
        for one, function in everyone.items():
            started = time.perf_counter()
            rest[one] = function()
            if number:  # in the first round they compile and import
                seconds[one].append(time.perf_counter() - started)
    own = float(np.median(seconds["regnet"]))
    for one, values in seconds.items():
        middle = float(np.median(values))
        table.add_row(name, one, f"{middle:.3f}", f"{own / middle:.2f}", f"{rest[one]:.0e}")


def main() -> None:
    """Print a table for each of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES), metavar="table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--skglm", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with config_context(fast=not asked.plain):
        for name in asked.tables:
            table = Table("table", "solver", "s", "regnet's time by its", "residual")
            compare(next(one for one in TABLES if one.startswith(name)), asked.rounds, asked.skglm, table)
            Console(width=110).print(table)


if __name__ == "__main__":
    main()
