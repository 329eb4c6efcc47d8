"""`regnet compile`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from regnet.backend.registry import get_backend
from regnet.commands.options import check_choices
from regnet.commands.terminal import say
from regnet.display.progress import progress_bar
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.mathematics.optimizers import Adagrad, AdamW, RMSprop
from regnet.selection import MLPClassifierCV, MLPRegressorCV

__all__ = ["compile"]

DTYPES = ("float32", "float64")
ROWS, COLUMNS = 64, 4

PENALTIES: tuple[dict[str, Any], ...] = (
    {}, {"alpha": 0.0}, {"weight_l2": 0.1}, {"weight_l1": 0.1}, {"weight_l1": 0.1, "weight_l2": 0.1},
    {"input_l1": 0.1}, {"input_l1": 0.1, "weight_l2": 0.1},
)  # fmt: skip
"""Strengths of a penalty are numbers, arrays or nothing, which are three types to a compiler."""


OTHERS: tuple[dict[str, Any], ...] = (
    {"activation": "tanh"}, {"activation": "logistic"}, {"loss": "huber"}, {"loss": "absolute_error"},
    {"loss": "quantile"}, {"loss": "poisson"}, {"loss": "gamma"}, {"loss": "tweedie"}, {"solver": "sgd"},
    {"solver": AdamW()}, {"solver": RMSprop()}, {"solver": Adagrad()}, {"dropout": 0.5},
)  # fmt: skip
"""What has loops of its own beside ReLU, the squared error and Adam."""


def compile(
    dtype: Annotated[str | None, typer.Option(help="float32 or float64; default: both")] = None,
) -> None:
    """Compile the loops of the NumPy backend (which need numba) ahead of the first fit, and say where they are kept."""
    if dtype is not None:
        check_choices(("--dtype", dtype, DTYPES))
    backend = get_backend("numpy")
    folder = backend.code_folder()
    if folder is None:
        say("Nothing to compile: numba is not installed (pip install numba, and loops are compiled).")
        return
    started, before = time.perf_counter(), _files(folder)
    todo = [one for kind in DTYPES if dtype in (None, kind) for one in _trainings(kind)]
    with progress_bar(len(todo), "compiling", enabled=True) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of trainings that are not meant to learn
        for number, (name, estimator, x, y) in enumerate(todo):
            estimator.fit(x, y)
            bar.update(number + 1, name)
    new = len(_files(folder) - before)
    say(f"{new} loops compiled in {time.perf_counter() - started:.1f} s, {len(before)} known before, in {folder}")


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*.nbc"))


def _trainings(dtype: str) -> Iterator[tuple[str, Any, Any, Any]]:
    """What they are for, an estimator, X and y: one of every kind that has types of its own."""
    rng = np.random.RandomState(0)
    x = rng.randn(ROWS, COLUMNS).astype(dtype)
    classes = x[:, 0] > 0
    for batch in (ROWS, ROWS // 4):
        own: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 2, "batch_size": batch, "random_state": 0}
        for penalty in PENALTIES:
            yield f"networks of values, {dtype}", MLPRegressor(**own, **penalty), x, x[:, 0]
            yield f"networks of classes, {dtype}", MLPClassifier(**own, **penalty), x, classes
        for other in OTHERS:
            yield f"{', '.join(map(str, other.values()))}, {dtype}", MLPRegressor(**own, **other), x, abs(x[:, 0])
        for warm in (True, False):
            search: dict[str, Any] = {**own, "lambdas": (0.01, 0.1), "cv": 2, "warm_start": warm}
            if batch == ROWS:  # more than a fold has
                search["batch_size"] = "auto"
            for kind in ("input_l1", "weight_l1", "weight_l2", "alpha"):
                yield f"searches of values, {dtype}", MLPRegressorCV(**search, penalty=kind), x, x[:, 0]
                yield f"searches of classes, {dtype}", MLPClassifierCV(**search, penalty=kind), x, classes
    large = rng.randn(4096, COLUMNS).astype(dtype)
    wide = MLPRegressor(hidden_layer_sizes=(128,), max_iter=1, batch_size=len(large), random_state=0)
    yield f"large networks, {dtype}", wide, large, large[:, 0]
