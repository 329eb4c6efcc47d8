"""A command-line study: a data set or a table in, rows of every seed, a recipe with and without its penalties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

from regnet.commands.recipe import Recipe, recipe_for
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.studies import StudyResult
from regnet.studies import study as compare
from regnet.tables import datasets
from regnet.tables.split import Prepared, prepare_table
from regnet.tables.table import Table

__all__ = ["HIDDEN_L1", "HIDDEN_L2", "QUICK", "Asking", "ask", "run_study"]

HIDDEN_L2 = 5e-4
"""The origin's strength, on the weights and biases of hidden layers."""

HIDDEN_L1 = 1e-4
"""What costs a weight of 0.2 as much as that L2 does: weights of the spiral's first layer are of that size."""

QUICK = {"seeds": 10, "epochs": 1000}
"""A study of three minutes of processor time, where there is numba, which two cores share."""

FRESH = 6667
"""Points of each class that a seed's networks are measured on beside all others, where they can be drawn: 20,001."""

APART = 10**6
"""Added to a seed for what draws these, so that they are no seed's own."""


@final
@dataclass(frozen=True)
class Asking:
    """What is compared on what: an estimator without penalties, the strengths of each penalty, the rows of a seed."""

    data: str
    table: Table
    recipe: Recipe
    estimator: MLPClassifier | MLPRegressor
    penalties: dict[str, dict[str, tuple[float, ...]]]
    first: Prepared

    @property
    def is_drawn(self) -> bool:
        """Whether every seed draws a table of its own, of a known law."""
        return self.data == "spiral"

    def prepared(self, seed: int) -> Prepared:
        """The rows of a seed, those of `regnet fit --seed`."""
        table = datasets.load("spiral", seed=seed) if self.is_drawn else self.table
        return _prepared(table, self.recipe, seed)

    def rows(self, seed: int) -> tuple[Any, ...]:
        """See `regnet.study`."""
        own = self.first if seed == 0 else self.prepared(seed)
        fresh = datasets.spiral(FRESH, seed=APART + seed) if self.is_drawn else (None, None)
        return own.x_train, own.y_train, own.x_test, own.y_test, *fresh, own.weight_train, own.weight_test


def _prepared(table: Table, recipe: Recipe, seed: int) -> Prepared:
    scaled = recipe.standardize
    return prepare_table(
        table, test_size=recipe.test_size, seed=seed, scale_inputs=scaled,
        scale_target=scaled and table.task == "regression",
    )  # fmt: skip


def ask(data: str, table: Table, given: dict[str, Any], *, quick: bool, **settings: Any) -> Asking:
    """The recipe of `regnet fit` with what the user gave, and the penalties that are compared.

    given: options of `recipe_for`, None for its own; quick: fewer epochs, unless they are given; settings: further ones
    of the estimator. Raises ValueError for what cannot be.
    """
    hidden = given["hidden"] if given["hidden"] is not None else (512,)
    for kind, strength in (("l1", HIDDEN_L1), ("l2", HIDDEN_L2)):
        if given[f"weight_{kind}"] is None and given[f"bias_{kind}"] is None:
            given |= dict.fromkeys((f"weight_{kind}", f"bias_{kind}"), (strength,) * len(hidden) + (0.0,))
        given |= {name: (0.0,) for name in (f"weight_{kind}", f"bias_{kind}") if given[name] is None}
    recipe = recipe_for(data, len(table.y), given)
    if quick and given["epochs"] is None:
        recipe = replace(recipe, epochs=min(QUICK["epochs"], recipe.epochs))
    own = {
        kind.upper(): {name: recipe.strengths[name] for name in (f"weight_{kind}", f"bias_{kind}")}
        for kind in ("l2", "l1")
    }
    penalties = {name: strengths for name, strengths in own.items() if any(map(any, strengths.values()))}
    if not penalties:
        raise ValueError("All strengths are 0, so that there is nothing to compare: leave --weight-l2 0 out, say.")
    if len(penalties) == 2:
        penalties["both"] = penalties["L2"] | penalties["L1"]
    first = _prepared(table, recipe, 0)
    bare = replace(recipe, strengths={})
    estimator = bare.estimator(table.task, len(first.x_train), **settings)
    return Asking(data, table, recipe, estimator, {"none": {}, **penalties}, first)


def run_study(asking: Asking, **settings: Any) -> StudyResult:
    """See `regnet.study`; settings: further ones of it."""
    ceiling = datasets.spiral_accuracy() if asking.is_drawn else None
    return compare(asking.estimator, asking.rows, asking.penalties, ceiling=ceiling, **settings)
