"""How a problem of `same_problems` is trained, and which of its numbers are kept."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_diabetes, load_iris, make_friedman1
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifier, MLPRegressor, Network, fit, get_config, path, stability_selection

ESTIMATOR = (
    "coefs_", "intercepts_", "loss_", "best_loss_", "loss_curve_", "validation_scores_", "n_iter_", "t_", "sparsity_",
    "selected_features_", "kkt_residual_",
)  # fmt: skip
SEARCH = (
    "lambdas_", "cv_scores_", "chosen_restarts_", "fold_weights_", "score_mean_", "score_se_", "lambda_min_", "rival_",
    "lambda_1se_", "lambda_", "margin_", "n_selected_", "zeros_", "input_norms_", "pilot_scores_", "adaptive_factors_",
    "selected_features_", "n_diverged_",
)  # fmt: skip
PATH = ("lambdas", "losses", "scores", "zeros", "norms", "input_norms")

COMMAND = """import runpy, sys
from regnet import config_context
with config_context(backend="numpy", fast=sys.argv.pop(1) == "fast"):
    runpy.run_module("regnet", run_name="__main__")"""


class Problem(NamedTuple):
    """train: trains it where `config_context` says, and returns numbers; rtol: the difference that it allows."""

    train: Callable[[], Any]
    on: tuple[str, ...] = ("numpy", "numba")
    rtol: float = 0.0


def draw(loss: Any, rows: int, inputs: int, outputs: int, dtype: str) -> tuple[Any, Any]:
    """Normal inputs and targets for a loss; of one output (rows,)."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, inputs))
    signal = np.tanh(X @ rng.standard_normal((inputs, outputs))) + 0.3 * rng.standard_normal((rows, outputs))
    y = signal if outputs > 1 else signal[:, 0]
    if loss == "categorical_crossentropy":
        return X.astype(dtype), signal.argmax(axis=1)
    if loss == "binary_crossentropy":
        return X.astype(dtype), (y > 0).astype(int)
    return X.astype(dtype), rng.poisson(np.exp(y)) if loss == "poisson" else y.astype(dtype)


def net(
    loss: Any = "categorical_crossentropy", widths: tuple[int, ...] = (6, 12, 3), *, rows: int = 150,
    dtype: str = "float32", tables: int = 0, weighted: bool = False, held_out: bool = False, activation: str = "relu",
    dropout: float = 0.0, initializer: Any = "he_normal", epochs: int = 20, log_every: int = 5, **settings: Any,
) -> Callable[[], Any]:  # fmt: skip
    """A `fit`; tables: that many networks have a table each; settings: further ones of it."""

    def train() -> Any:
        X, y = draw(loss, rows + 40, widths[0], widths[-1], dtype)
        network = Network.mlp(widths, loss=loss, activation=activation, initializer=initializer, dropout=dropout)
        new, given = X[rows:], dict(settings)
        if held_out:
            given["validation_data"] = (new, y[rows:])
        X, y = X[:rows], y[:rows]
        if weighted:
            given["sample_weight"] = np.random.default_rng(1).uniform(0, 2, rows).astype(dtype)
        if tables:
            X, y = (np.stack([np.roll(array, k, axis=0) * (k + 1) for k in range(tables)]) for array in (X, y))
        found = fit(network, X, y, epochs=epochs, log_every=log_every, progress=False, **given)
        new = np.stack([new] * tables) if tables else new
        return {
            "params": [list(layer) for layer in found.model.params], "history": found.history.to_dicts(),
            "prediction": found.model.predict(new), "epochs": found.epochs, "best_epoch": found.best_epoch,
            "diverged_at": found.diverged_at,
        }  # fmt: skip

    return train


def attributes(of: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Those that it has; of its properties too."""
    return {name: getattr(of, name, None) for name in names}


def iris() -> tuple[Any, Any]:
    """Standardised, float64."""
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def friedman(rows: int = 150, inputs: int = 10) -> tuple[Any, Any]:
    """Friedman's function, with its target in standard units."""
    X, y = make_friedman1(rows, n_features=inputs, noise=1.0, random_state=0)
    return X, (y - y.mean()) / y.std()


def outputs_of(estimator: Any, X: Any, y: Any) -> dict[str, Any]:
    """Predictions and the score."""
    proba = getattr(estimator, "predict_proba", lambda X: None)
    return {"prediction": estimator.predict(X), "proba": proba(X), "score": estimator.score(X, y)}


def estimate(
    made: Any, data: Callable[[], Any] = iris, *, dtype: str = "float64", target: Callable[[Any], Any] = np.asarray,
    calls: int = 1, partial: bool = False, compact: bool = False, weighted: bool = False, **settings: Any,
) -> Callable[[], Any]:  # fmt: skip
    """An estimator's `fit`; target: of y; calls: how often; partial: by `partial_fit`; compact: without dead parts."""

    def train() -> Any:
        X, y = data()
        X, y, given, one = X.astype(dtype), target(y), dict(settings), made()
        if weighted:
            given["sample_weight"] = np.random.default_rng(1).uniform(0, 2, len(y))
        for _ in range(calls):
            one.partial_fit(X, y, **given) if partial else one.fit(X, y, **given)
        one = one.compact() if compact else one
        history = getattr(one, "history_", None)
        kept = attributes(one, ESTIMATOR) | {"history": None if history is None else history.to_dicts()}
        return kept | outputs_of(one, X, y)

    return train


def search(
    made: Any, data: Callable[[], Any], *, weighted: bool = False, journal: bool = False, **settings: Any
) -> Callable[[], Any]:  # fmt: skip
    """A search by cross-validation; journal: twice with a folder, the second time from what it holds."""

    def train() -> Any:
        X, y = data()
        weight = np.random.default_rng(1).uniform(0.5, 2, len(y)) if weighted else None
        with tempfile.TemporaryDirectory() as folder:
            given = {"random_state": 0, "cv": 3, **settings, **({"sweep_dir": folder} if journal else {})}
            for _ in range(1 + journal):
                found = made(**given).fit(X, y, sample_weight=weight)
        kept = attributes(found, SEARCH)
        if hasattr(found, "path_"):
            kept["path"] = attributes(found.path_, PATH)
        if hasattr(found, "best_estimator_"):
            kept |= {"best": attributes(found.best_estimator_, ESTIMATOR), **outputs_of(found, X, y)}
        return kept

    return train


def one_path(made: Any, data: Callable[[], Any], **settings: Any) -> Callable[[], Any]:
    """`path`, with the coefficients at every strength."""

    def train() -> Any:
        X, y = data()
        found = path(made(), X, y, validation_data=(X, y), **settings)
        return attributes(found, PATH) | {"estimators": [attributes(one, ESTIMATOR) for one in found.estimators]}

    return train


def stability() -> Any:
    """`stability_selection`."""
    made = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=30, random_state=0)
    found = stability_selection(made, *friedman(), subsamples=6, n_lambdas=5)
    return attributes(found, ("lambdas", "frequencies", "start", "q", "bound", "largest", "stable"))


def run_command(folder: Path, *arguments: str) -> str:
    """What `regnet` prints, in a process of its own."""
    fast = "fast" if get_config().fast else "plain"
    command = [sys.executable, "-c", COMMAND, fast, *arguments]
    return subprocess.run(command, cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout


def command(*arguments: str, predict: bool = False) -> Callable[[], Any]:
    """The figures that a command writes; predict: and what its model says to the rows of diabetes."""

    def train() -> Any:
        with tempfile.TemporaryDirectory() as name:
            folder, X = Path(name), load_diabetes(scaled=False)
            run_command(folder, *arguments, "--json", "figures.json", "--save", "model.safetensors")
            found = json.loads((folder / "figures.json").read_text())
            found.pop("seconds")
            if predict:
                np.savetxt(folder / "x.csv", X.data[:50], delimiter=",", header=",".join(X.feature_names), comments="")
                said = run_command(folder, "predict", "model.safetensors", "x.csv").split("\n")[1:-1]
                found["prediction"] = [float(line) for line in said]
        return found

    return train


def classes(**settings: Any) -> Callable[[], Any]:
    """`MLPClassifier` with one small hidden layer."""
    return partial(MLPClassifier, **{"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **settings})


def values(**settings: Any) -> Callable[[], Any]:
    """`MLPRegressor` with one small hidden layer."""
    return partial(MLPRegressor, **{"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **settings})


def counts(y: Any) -> Any:
    """Counts that depend on values."""
    return np.random.default_rng(0).poisson(np.exp(y)).astype(float)
