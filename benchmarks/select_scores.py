"""What a search's score is worth: the figures of docs/selection.md.

Usage: python benchmarks/select_scores.py [quantiles] [leverage] [errors] [--tables 20]
quantiles: pinball loss on 1,800 new rows of networks for the quantile .9, of 200 rows with a heavy right tail, whose
strength D2 or R2 chose. leverage: R2 on 3,000 new rows of networks of 300, where one row in fifty has inputs ten times
as large; real inputs are 2 of 8. errors: the mean squared error of a lasso at one strength, 100 rows: its standard
deviation over tables, and what the standard errors say.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold

from regnet import AbsoluteError, Huber, MLPRegressorCV, Quantile, SquaredError


def of_mean(values: np.ndarray) -> str:
    """A mean, give or take its standard error."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


def quantiles(tables: int) -> Table:
    """A line for each score."""
    losses = np.empty((tables, 2))
    for seed in range(tables):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((2000, 8))
        y = x[:, 0] + np.exp(0.8 * x[:, 1]) * rng.lognormal(0, 1.0, 2000)
        for number, scoring in enumerate(("d2", "r2")):
            search = MLPRegressorCV(
                (8,), loss=Quantile(0.9), scoring=scoring, n_lambdas=12, select="min", max_iter=100, adaptive=False,
                random_state=0,
            )  # fmt: skip
            search.fit(x[:200], y[:200])
            losses[seed, number] = mean_pinball_loss(y[200:], search.predict(x[200:]), alpha=0.9)
    shown = Table("chosen by", "pinball loss", "more than D2's", "tables where D2's is better, the same, worse")
    more = losses[:, 1] - losses[:, 0]
    shown.add_row("D2", of_mean(losses[:, 0]))
    signs = [str(int((np.sign(np.round(more, 9)) == sign).sum())) for sign in (1, 0, -1)]
    shown.add_row("R2", of_mean(losses[:, 1]), of_mean(more), ", ".join(signs))
    return shown


def with_leverage(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, y, and which rows have their inputs in another unit."""
    x = rng.standard_normal((rows, 8))
    y = 2 * np.sin(x[:, 0]) + x[:, 1] + 0.5 * rng.standard_normal(rows)
    far = rng.permutation(rows) < 0.02 * rows
    x[far] *= 10
    return x, y, far


def leverage(tables: int) -> Table:
    """A line for each activation and loss."""
    shown = Table("activation", "loss", "R2 on new rows", "on ordinary ones", "real inputs", "others")
    for activation in ("relu", "tanh"):
        for loss in (SquaredError(), Huber(1.0), AbsoluteError()):
            found = np.empty((tables, 4))
            for seed in range(tables):
                rng = np.random.default_rng(seed)
                (x, y, _), (new, truth, far) = with_leverage(rng, 300), with_leverage(rng, 3000)
                search = MLPRegressorCV((8,), activation=activation, loss=loss, n_lambdas=15, random_state=0).fit(x, y)
                said, used = search.predict(new), search.selected_features_
                scores = (r2_score(truth, said), r2_score(truth[~far], said[~far]))
                found[seed] = (*scores, used[:2].sum(), used[2:].sum())
            inputs = (f"{mean:.1f}" for mean in found[:, 2:].mean(axis=0))
            shown.add_row(activation, type(loss).__name__, of_mean(found[:, 0]), of_mean(found[:, 1]), *inputs)
    return shown


def errors(tables: int) -> Table:
    """A line for each splitter."""
    shown = Table("cv", "standard deviation over tables", "mean score_se_", "of all splits as if independent")
    splitters = {
        "KFold(5)": lambda seed: KFold(5, shuffle=True, random_state=seed),
        "RepeatedKFold(5, 10)": lambda seed: RepeatedKFold(n_splits=5, n_repeats=10, random_state=seed),
        "KFold(10)": lambda seed: KFold(10, shuffle=True, random_state=seed),
        "LeaveOneOut()": lambda seed: LeaveOneOut(),
    }
    for name, splitter in splitters.items():
        found = np.empty((tables, 3))
        for seed in range(tables):
            rng = np.random.default_rng(seed)
            x = rng.standard_normal((100, 10))
            y = x[:, 0] - x[:, 1] + rng.standard_normal(100)
            search = MLPRegressorCV(
                (), penalty="weight_l1", lambdas=(0.02, 0.1), cv=splitter(seed), scoring="neg_mean_squared_error",
                refit=False, random_state=0,
            ).fit(x, y)  # fmt: skip
            every = search.cv_scores_[1, :, 0]
            found[seed] = search.score_mean_[1], search.score_se_[1], every.std(ddof=1) / len(every) ** 0.5
        shown.add_row(name, *(f"{one:.3f}" for one in (found[:, 0].std(ddof=1), *found[:, 1:].mean(axis=0))))
    return shown


KINDS = {"quantiles": quantiles, "leverage": leverage, "errors": errors}


def main() -> None:
    """Print a table for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="|".join(KINDS))
    parser.add_argument("--tables", type=int, default=20)
    args = parser.parse_args()
    for kind in args.kinds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shown = KINDS[kind](args.tables)
        Console().print(shown)


if __name__ == "__main__":
    main()
