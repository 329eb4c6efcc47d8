"""Time of a sweep against what users have: GridSearchCV over scikit-learn's MLP on digits, LassoNet's on diabetes.

Usage: python benchmarks/select_time.py [--rounds 3] [--lassonet]     (LassoNet: pip install lassonet)
Rounds are interleaved; the equality of what is computed is printed beside the times.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifierCV, MLPRegressorCV, config_context


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Seconds, and the result."""
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def digits(rounds: int) -> None:
    """20 strengths x 5 folds, 64-64-10, batches of 200, 60 epochs, float32; scores are log-losses."""
    X, y = load_digits(return_X_y=True)
    X, grid = (X / 16).astype(np.float32), np.geomspace(1e-4, 30, 20)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)

    def scikit_learn() -> Any:
        network = MLPClassifier((64,), batch_size=200, max_iter=60, n_iter_no_change=60, random_state=0)
        search = GridSearchCV(network, {"alpha": grid}, cv=cv, scoring="neg_log_loss", n_jobs=2, refit=False)
        return search.fit(X, y).cv_results_["mean_test_score"]

    def ours(n_jobs: int | None = None) -> Any:
        search = MLPClassifierCV(
            (64,), penalty="alpha", lambdas=grid, cv=cv, warm_start=False, standardize=False, max_iter=60,
            random_state=0, refit=False, n_jobs=n_jobs,
        )  # fmt: skip
        return search.fit(X, y).score_mean_

    contestants = {
        "NumPy": (False, None),
        "NumPy, n_jobs=2": (False, 2),
        "numba": (True, None),
        "numba, n_jobs=2": (True, 2),
    }
    ratios: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        seconds, expected = timed(scikit_learn)
        line = f"digits: GridSearchCV(n_jobs=2) {seconds:.2f} s"
        for name, (fast, n_jobs) in contestants.items():
            with config_context(fast=fast):
                own, found = timed(ours, n_jobs)
            line += f"; {name} {own:.2f} s, {np.abs(found - expected).max():.0e} apart"
            ratios[name].append(seconds / own)
        if number:  # the first round starts processes and compiles
            print(line, flush=True)
    told = ", ".join(f"{np.median(values[1:]):.1f} ({name})" for name, values in ratios.items())
    print(f"digits: times faster {told}")


def diabetes(rounds: int, lassonet: bool) -> None:
    """50 strengths x 5 folds on four fifths of the rows; R2 on the fifth that is held out."""
    X, y = load_diabetes(return_X_y=True)
    MLPRegressorCV(n_lambdas=2, cv=2, random_state=0).fit(X, y)  # numba compiles
    ratios = []
    for seed in range(rounds):
        x_train, x_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=seed)
        own, search = timed(MLPRegressorCV(random_state=0).fit, x_train, y_train)
        best = search.path_.estimators[search.min_index_]
        line = f"diabetes: regnet {own:.2f} s; one standard error: R2 {search.score(x_test, y_test):.3f}, "
        line += f"{search.selected_features_.sum()} of 10 inputs; best score: R2 {best.score(x_test, y_test):.3f}, "
        line += f"{best.selected_features_.sum()} of 10"
        if lassonet:
            from lassonet import LassoNetRegressorCV

            scale_x, scale_y = StandardScaler().fit(x_train), StandardScaler().fit(y_train[:, None])
            z = [scale_x.transform(part).astype("float32") for part in (x_train, x_test)]
            t = [scale_y.transform(part[:, None]).astype("float32").ravel() for part in (y_train, y_test)]
            seconds, theirs = timed(LassoNetRegressorCV(verbose=0).fit, z[0], t[0])
            ratios.append(seconds / own)
            line += f"; LassoNet {seconds:.1f} s, R2 {theirs.score(z[1], t[1]):.3f}, "
            line += f"{int(theirs.best_selected_.sum())} of 10"
        print(line, flush=True)
    if ratios:
        print(f"diabetes: times faster {np.median(ratios):.0f}")


def main() -> None:
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lassonet", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    digits(asked.rounds)
    diabetes(asked.rounds, asked.lassonet)


if __name__ == "__main__":
    main()
