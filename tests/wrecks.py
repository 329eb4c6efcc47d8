"""Settings that may wreck a training, drawn at random; what a wreck is, reckoned without the library's own verdict."""

from __future__ import annotations

import math
import re
import signal
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    DivergenceWarning,
    Huber,
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    Network,
    Penalty,
    Quantile,
    Quantiles,
    RMSprop,
    Tweedie,
    fit,
    path,
)

__all__ = ["Setting", "drawn", "tried"]

FAR = 10.0
"""A network wrecks its training rows when their mean loss is so many times that of outputs that are all 0.

Those are what a network gives that has learnt nothing (0, one half, a count of 1), and no constant that is the best one
is worse; a squared error 10 times as large is an R2 of -9 or less where the targets' mean is 0. Tables are drawn so
that their mean is half a standard deviation. Ordinary trainings end below 1.
"""

ABSURD = -10.0
"""A fold's R2 below this is no noise of a small fold: a constant has 0."""

SLOW = 60
"""Seconds after which a training of 60 rows hangs."""

ROWS, INPUTS = 60, 3
LOSSES = ("squared", "absolute", "huber", "quantile", "quantiles", "poisson", "gamma", "tweedie", "binary", "classes")
REGRESSION = LOSSES[:8]
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad")
ACTIVATIONS = ("relu", "tanh", "logistic", "identity")
INTERFACES = ("fit", "stack", "estimator", "search", "path")
NAMED = re.compile(r"diverged|exploded|stopped being finite|not finite at the first|times that of outputs")
"""What a warning must say for a wreck to be told of: that iterations ran out, or that a path is short, is not it."""


@dataclass
class Setting:
    """One training. told: warnings; wrecks: what is wrong with what came of it; error: or what was raised."""

    interface: str
    loss: str
    solver: str
    rate: float
    x_scale: float
    y_scale: float
    activation: str
    dtype: str
    batch: int | None
    epochs: int
    penalty: float
    hidden: tuple[int, ...]
    standardize: bool
    seed: int
    told: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    wrecks: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def named(self) -> bool:
        return bool(self.error) or any(NAMED.search(text) for text in self.told)


def drawn(seed: int) -> Setting:
    """Setting number `seed`."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> float:
        return float(10 ** rng.uniform(math.log10(low), math.log10(high)))

    interface, loss = str(rng.choice(INTERFACES)), str(rng.choice(LOSSES))
    hidden = [(), (6,), (5, 4)][rng.integers(3)]
    solvers = list(OPTIMIZERS)
    if interface in ("estimator", "search", "path"):
        solvers += ["fista"] * 2
        if interface == "estimator":
            solvers += ["lbfgs"] * 2
        if loss in ("squared", "poisson", "gamma", "tweedie", "binary", "classes"):
            solvers += ["newton"]
    solver = str(rng.choice(solvers))
    if solver in ("fista", "lbfgs") and loss in ("absolute", "quantile", "quantiles"):
        loss = "huber"
    hidden = () if solver == "newton" else hidden
    # Half of the scales are ordinary ones, so that each cause is seen alone.
    x_scale, y_scale = (1.0 if rng.random() < 0.5 else log_uniform(1e-30, 1e30) for _ in range(2))
    return Setting(
        interface, loss, solver, rate=log_uniform(1e-6, 1e10), x_scale=x_scale, y_scale=y_scale,
        activation=str(rng.choice(ACTIVATIONS)), dtype=str(rng.choice(["float32", "float64"])),
        batch=[None, 16][rng.integers(2)], epochs=int(rng.choice([1, 3, 20, 200])),
        penalty=float(rng.choice([0.0, 1e-3, 1e10], p=[0.5, 0.3, 0.2])), hidden=hidden,
        standardize=bool(rng.random() < 0.4), seed=seed,
    )  # fmt: skip


def table(one: Setting) -> tuple[Any, Any]:
    """Rows and targets as a caller has them: values, counts, or the numbers of classes."""
    rng = np.random.default_rng([one.seed, 1])
    z = rng.standard_normal((ROWS, INPUTS))
    line = z @ [0.9, -0.6, 0.0] + 0.3 * rng.standard_normal(ROWS)
    x = (z * one.x_scale).astype(one.dtype)
    if one.loss == "binary":
        return x, (line > 0).astype(int)
    if one.loss == "classes":
        return x, np.digitize(line, [-0.5, 0.5])
    y = {
        "poisson": rng.poisson(np.exp(0.5 * line)),
        "tweedie": rng.poisson(np.exp(0.5 * line)) * rng.gamma(2.0, 0.5, ROWS),
    }
    y = y.get(one.loss, np.exp(0.5 * line) if one.loss == "gamma" else line + 0.5)
    return x, (y * one.y_scale).astype(one.dtype)


def loss_object(one: Setting) -> Any:
    return {
        "squared": "squared_error", "absolute": "absolute_error", "huber": Huber(one.y_scale),
        "quantile": Quantile(0.8), "quantiles": Quantiles([0.1, 0.5, 0.9]), "poisson": "poisson", "gamma": "gamma",
        "tweedie": Tweedie(1.5), "binary": "binary_crossentropy", "classes": "categorical_crossentropy",
    }[one.loss]  # fmt: skip


@np.errstate(all="ignore")
def mean_loss(one: Setting, predicted: Any, y: Any) -> float:
    """Of predictions (n,) or (n, k) for targets (n,), in float64, from the formulas in any book."""
    p, y = np.asarray(predicted, dtype=np.float64).reshape(len(y), -1), np.asarray(y, dtype=np.float64)[:, None]
    if one.loss == "classes":
        return float(np.mean(-np.log(p[np.arange(len(y)), y[:, 0].astype(int)])))
    if one.loss == "binary":
        p = p[:, -1:]
        return float(np.mean(-np.log(np.where(y > 0, p, 1.0 - p))))
    if one.loss in REGRESSION[5:]:  # an exponential that this type has no number for is at most its smallest one
        p = np.maximum(p, np.finfo(one.dtype).tiny)
    r = (p - y) / one.y_scale if one.loss in REGRESSION[:5] else p - y
    if one.loss in ("squared", "absolute"):
        return float(np.mean(np.abs(r) ** (2 if one.loss == "squared" else 1)))
    if one.loss == "huber":
        return float(np.mean(np.where(np.abs(r) < 1.0, r**2 / 2.0, np.abs(r) - 0.5)))
    if one.loss in ("quantile", "quantiles"):
        levels = np.asarray([0.8] if one.loss == "quantile" else [0.1, 0.5, 0.9])
        return float(np.mean(np.maximum(-levels * r, (1.0 - levels) * r)))
    if one.loss == "poisson":
        return float(np.mean(p - y + np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / p), 0.0)))
    if one.loss == "gamma":
        return float(np.mean(y / p - 1.0 - np.log(y / p)))
    return float(np.mean(2.0 * np.sqrt(p) + 2.0 * y / np.sqrt(p) - 4.0 * np.sqrt(y)))


def idle(one: Setting, y: Any) -> float:
    """The loss of outputs that are all 0."""
    if one.loss == "classes":
        return math.log(3.0)
    value = {"binary": 0.5, "poisson": 1.0, "gamma": 1.0, "tweedie": 1.0}.get(one.loss, 0.0)
    return mean_loss(one, np.full(len(y), value), y)


def judge(one: Setting, name: str, predicted: Any, y: Any, weights: Any) -> None:
    """Note what is wrong with a network that is given out."""
    if not all(np.isfinite(np.asarray(weight)).all() for weight in weights):
        one.wrecks.append(f"{name}: weights that are not finite")
    if not np.isfinite(np.asarray(predicted)).all():
        one.wrecks.append(f"{name}: predictions that are not finite")
        return
    if one.loss in ("binary", "classes"):  # what a number of this type cannot tell from 0 or 1 costs no more than that
        info = np.finfo(one.dtype)
        low, high = (info.eps, 1.0 - info.eps) if one.loss == "binary" else (info.tiny, 1.0)
        predicted = np.clip(np.asarray(predicted, dtype=np.float64), low, high)
    ratio = mean_loss(one, predicted, y) / idle(one, y)
    if not ratio <= FAR:
        one.wrecks.append(f"{name}: a loss of {ratio:.3g} times that of outputs that are 0")


def optimizer(one: Setting, rate: Any = None) -> Any:
    rate = one.rate if rate is None else rate
    return {
        "sgd": lambda: SGD(rate), "momentum": lambda: SGD(rate, momentum=0.9),
        "nesterov": lambda: SGD(rate, momentum=0.9, nesterov=True), "adam": lambda: Adam(rate),
        "adamw": lambda: AdamW(rate), "rmsprop": lambda: RMSprop(rate), "adagrad": lambda: Adagrad(rate),
    }[one.solver]()  # fmt: skip


def network(one: Setting) -> Network:
    outputs = {"classes": 3, "quantiles": 3}.get(one.loss, 1)
    return Network.mlp(
        [INPUTS, *one.hidden, outputs], activation="sigmoid" if one.activation == "logistic" else one.activation,
        loss=loss_object(one),
    )  # fmt: skip


def by_function(one: Setting) -> None:
    """`fit` of one network, or of a stack of two of which the first has an ordinary rate."""
    x, y = table(one)
    penalties = Penalty(weight_l2=one.penalty, weight_l1=one.penalty) if one.penalty else None
    stack = one.interface == "stack"
    options: dict[str, Any] = {"optimizer": optimizer(one, [1e-3, one.rate] if stack else None)}
    if stack:
        options["seed"] = [one.seed, one.seed + 1]
    else:
        options["seed"] = one.seed
    found = fit(
        network(one), x, y, penalties=penalties, epochs=one.epochs, batch_size=one.batch, progress=False, **options
    )
    predicted, arrays = found.model.predict(x), [a for layer in found.model.numpy_params() for a in layer]
    for k, values in enumerate(predicted if stack else predicted[None]):
        judge(one, f"network {k}", values, y, [array[k] if stack else array for array in arrays])


def settings_of(one: Setting) -> dict[str, Any]:
    own: dict[str, Any] = {"hidden_layer_sizes": one.hidden, "activation": one.activation, "random_state": one.seed}
    if one.loss in REGRESSION:
        own["loss"] = loss_object(one)
    return own | {"solver": one.solver if one.solver in ("fista", "lbfgs", "newton") else optimizer(one)}


def judge_estimator(one: Setting, name: str, model: Any, x: Any, y: Any) -> None:
    predicted = model.predict(x) if one.loss in REGRESSION else model.predict_proba(x)
    judge(one, name, predicted, y, [*model.coefs_, *model.intercepts_])


def by_estimator(one: Setting) -> None:
    x, y = table(one)
    own = settings_of(one)
    if one.solver in ("sgd", "momentum", "adam") and one.seed % 2:  # scikit-learn's own names
        own |= {"solver": "adam" if one.solver == "adam" else "sgd", "learning_rate_init": one.rate}
    if one.penalty:
        own |= {"weight_l2": one.penalty}
    if one.solver not in ("fista", "lbfgs", "newton"):
        own |= {"batch_size": one.batch or ROWS, "n_iter_no_change": np.inf if one.seed % 3 else 10}
    kind = MLPRegressor if one.loss in REGRESSION else MLPClassifier
    judge_estimator(one, "estimator", kind(max_iter=one.epochs, **own).fit(x, y), x, y)


LAMBDAS = [1e-4, 1e-2]


def by_search(one: Setting) -> None:
    x, y = table(one)
    kind = MLPRegressorCV if one.loss in REGRESSION else MLPClassifierCV
    lambdas = [*LAMBDAS, one.penalty] if one.penalty > 1 else LAMBDAS
    model = kind(
        max_iter=min(one.epochs, 20), lambdas=lambdas, cv=3, standardize=one.standardize,
        batch_size=one.batch or "auto", warm_start=one.seed % 2 == 0, **settings_of(one),
    ).fit(x, y)  # fmt: skip
    if one.loss == "squared":
        absurd = int((model.cv_scores_ < ABSURD).sum())
        if absurd:
            one.wrecks.append(f"search: {absurd} scores below an R2 of {ABSURD}, {model.n_diverged_} told to diverge")
    judge_estimator(one, "best", model.best_estimator_, x, y)
    if np.isnan(model.cv_scores_[model.best_index_]).all(axis=-1).any():
        one.wrecks.append("search: the chosen strength has a fold that diverged")


def by_path(one: Setting) -> None:
    x, y = table(one)
    kind = MLPRegressor if one.loss in REGRESSION else MLPClassifier
    own = settings_of(one)
    if one.solver not in ("fista", "newton"):
        own["batch_size"] = one.batch or "auto"
    lambdas = [*LAMBDAS, one.penalty] if one.penalty > 1 else LAMBDAS
    found = path(
        kind(max_iter=min(one.epochs, 20), **own), x, y, lambdas=lambdas, standardize=one.standardize,
        penalty=["input_l1", "weight_l2"][one.seed % 2], warm_start=one.seed % 3 > 0,
    )  # fmt: skip
    for k, model in enumerate(found.estimators):
        judge_estimator(one, f"strength {k}", model, x, y)


@contextmanager
def within(seconds: int) -> Any:
    """Raise TimeoutError after so long; on the main thread only."""

    def over(number: int, frame: Any) -> None:
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


BY = {"fit": by_function, "stack": by_function, "estimator": by_estimator, "search": by_search, "path": by_path}


def tried(one: Setting) -> Setting:
    """Run a setting, and note what came of it."""
    with warnings.catch_warnings(record=True) as caught, within(SLOW):
        warnings.simplefilter("always")
        try:
            BY[one.interface](one)
        except ValueError as error:
            one.error = str(error)
    for warning in caught:
        if issubclass(warning.category, (DivergenceWarning, ConvergenceWarning)):
            one.told.append(str(warning.message))
        elif warning.category is not UserWarning:
            one.foreign.append(f"{warning.category.__name__}: {warning.message} ({warning.filename}:{warning.lineno})")
    return one
