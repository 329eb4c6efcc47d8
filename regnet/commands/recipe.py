"""What a command-line run trains: the data set's own recipe, or sensible defaults, under the user's options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.mathematics import optimizers
from regnet.mathematics.initializers import Initializer, Normal
from regnet.mathematics.schedules import InverseTime

__all__ = ["OPTIMIZERS", "Recipe", "recipe_for"]

OPTIMIZERS = {rule.__name__.lower(): rule for rule in optimizers.OPTIMIZERS}


@final
@dataclass(frozen=True)
class Recipe:
    """Settings of a run. strengths: by the estimator's name, one per Dense layer, neuron_l1 one per hidden layer.

    batch_size None: all rows in every step.
    """

    hidden: tuple[int, ...]
    strengths: dict[str, Any]
    optimizer: str
    learning_rate: float
    decay: float
    epochs: int
    batch_size: int | None
    test_size: float
    log_every: int
    standardize: bool
    initializer: str | Initializer

    def estimator(self, task: str, rows: int, **settings: Any) -> MLPClassifier | MLPRegressor:
        """The estimator that trains this recipe on `rows` rows for exactly `epochs` epochs; settings: further ones."""
        kind = MLPClassifier if task == "classification" else MLPRegressor
        if task == "counts":
            settings["loss"] = "poisson"
        return kind(
            hidden_layer_sizes=self.hidden,
            solver=OPTIMIZERS[self.optimizer](learning_rate=InverseTime(self.learning_rate, self.decay)),
            batch_size=rows if self.batch_size is None else min(self.batch_size, rows),
            shuffle=self.batch_size is not None,
            max_iter=self.epochs,
            n_iter_no_change=np.inf,
            **self.strengths,
            initializer=self.initializer,
            **settings,
        )


RECIPES: dict[str, dict[str, Any]] = {
    "spiral": {
        "learning_rate": 0.02,
        "decay": 5e-7,
        "epochs": 10_001,
        "batch_size": None,
        "test_size": 0.5,
        "log_every": 100,
        "standardize": False,
        "initializer": Normal(0.01),
        "hidden_l2": 5e-4,
    }
}
"""What data sets have of their own: the spiral the origin's recipe."""


def recipe_for(name: str, rows: int, options: dict[str, Any]) -> Recipe:
    """The recipe of data set `name` with `rows` rows; options that are not None replace its settings.

    The spiral's is the origin's: 2-512-3, Adam 0.02 with decay 5e-7, all rows, 10,001 epochs, L2 of 5e-4 on the
    hidden layers' weights and biases, initial weights 0.01 N(0, 1), half of the rows held out.
    A strength is one number for every Dense layer, or one per layer. Raises ValueError for a wrong number of them.
    """
    own = dict(RECIPES.get(name, {}))
    given = {key: value for key, value in options.items() if value is not None}
    hidden = tuple(given.get("hidden", (512,)))
    epochs = given.get("epochs", own.get("epochs", 100))
    hidden_only = (own.pop("hidden_l2", 0.0),) * len(hidden) + (0.0,)
    settings: dict[str, Any] = {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "decay": 0.0,
        "batch_size": min(200, max(8, rows // 20)),
        "test_size": 0.2,
        "log_every": max(1, epochs // 10),
        "standardize": True,
        "initializer": "he_normal",
    }
    settings |= own | given
    if settings["batch_size"] == 0:
        settings["batch_size"] = None
    if not 0.0 < settings["learning_rate"] < np.inf:
        raise ValueError(f"--learning-rate {settings['learning_rate']:g}: give a positive number.")
    if not 0.0 <= settings["decay"] < np.inf:
        raise ValueError(f"--decay {settings['decay']:g}: give a number of 0 or more.")
    if any(width < 1 for width in hidden):
        raise ValueError(f"--hidden {','.join(map(str, hidden))}: widths must be at least 1.")
    counts = dict.fromkeys(("weight_l1", "weight_l2", "bias_l1", "bias_l2"), len(hidden) + 1)
    strengths: dict[str, Any] = {}
    for name, count in {**counts, "input_l1": 1, "neuron_l1": len(hidden)}.items():
        default = hidden_only if name in ("weight_l2", "bias_l2") else (0.0,)
        strengths[name] = _per_layer(name, settings.pop(name, default), count) or None
    strengths["input_l1"] = strengths["input_l1"][0]
    return Recipe(**(settings | {"hidden": hidden, "epochs": epochs, "strengths": strengths}))


def _per_layer(strength: str, values: tuple[float, ...], count: int) -> tuple[float, ...]:
    """One strength per layer, from one for all or one per layer. Raises ValueError naming the option."""
    option = f"--{strength.replace('_', '-')}"
    if not all(0.0 <= value < np.inf for value in values):
        given = ",".join(f"{value:g}" for value in values)
        raise ValueError(f"{option} {given}: a strength must be a finite number of 0 or more.")
    if count == 0 and any(values):
        raise ValueError(f"{option}: the network has no hidden layer whose neurons it could act on.")
    if len(values) == 1:
        return values * count
    if len(values) != count:
        layers = "hidden layers" if strength == "neuron_l1" else "layers"
        raise ValueError(
            f"{option} has {len(values)} values, but the network has {count} {layers}: give one number for all, or "
            "one per layer."
        )
    return values
