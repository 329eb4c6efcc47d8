"""What a user may set of a sweep, and the estimator that its cells are fits of."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Self, TypeAlias, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_parameter_constraints

from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.estimators.parameters import (
    CONSTRAINTS,
    widths_of,
)
from regnet.mathematics.losses import get_loss
from regnet.solvers.proximal_newton import is_known
from regnet.sweep.path_penalty import PENALTIES

__all__ = [
    "NETWORK_PARAMETERS",
    "SWEEP_CONSTRAINTS",
    "TO_TOLERANCE",
    "Estimator",
    "SweepSettings",
    "check_drops_inputs",
    "make_template",
    "restart_seeds",
]

Estimator: TypeAlias = MLPClassifier | MLPRegressor

NETWORK_PARAMETERS = ("hidden_layer_sizes", "activation", "shuffle", "dropout", "initializer")
"""Parameters that networks have from the estimator they are cells of, under the same name."""


TO_TOLERANCE = ("fista", "newton")
"""Solvers that look at all rows and end at a tolerance."""


SWEEP_CONSTRAINTS: dict[str, Any] = {
    **{name: CONSTRAINTS[name] for name in NETWORK_PARAMETERS},
    "penalty": [StrOptions(set(PENALTIES))],
    "input_groups": CONSTRAINTS["input_groups"],
    "penalty_factor": CONSTRAINTS["penalty_factor"],
    "lambdas": ["array-like", None],
    "n_lambdas": [Interval(Integral, 1, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="right")],
    "companion_l2": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "standardize": ["boolean"],
    "preprocessor": [HasMethods(["fit", "transform"]), StrOptions({"table"}), None],
    "restarts": [Interval(Integral, 1, None, closed="left")],
    "solver": [StrOptions({"auto", "adam", "sgd", *TO_TOLERANCE}), *CONSTRAINTS["solver"][1:]],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": CONSTRAINTS["batch_size"],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "tol": [Interval(Real, 0, None, closed="left"), None],
    "memory_limit": [Interval(Integral, 1, None, closed="left"), None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


@final
@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """What a user has set of a sweep, by the names of SWEEP_CONSTRAINTS; None, and 'auto': left open."""

    hidden_layer_sizes: Any
    activation: Any
    shuffle: bool
    dropout: float
    initializer: Any
    penalty: str
    input_groups: Any
    penalty_factor: Any
    lambdas: Any
    n_lambdas: int
    l1_ratio: float
    companion_l2: float
    warm_start: bool
    standardize: bool
    preprocessor: Any
    restarts: int
    solver: Any
    learning_rate_init: float | None
    batch_size: Any
    max_iter: int | None
    tol: float | None
    memory_limit: int | None
    random_state: Any
    verbose: Any

    @classmethod
    def of_search(cls, search: BaseEstimator) -> Self:
        """The parameters of a search, which has them all."""
        return cls(**{field.name: getattr(search, field.name) for field in fields(cls)})

    @classmethod
    def of_arguments(cls, estimator: Estimator, **given: Any) -> Self:
        """The arguments of a function, and the estimator's parameters for what is no argument.

        Raises ValueError, in scikit-learn's words, for an argument that has no such values.
        """
        validate_parameter_constraints(SWEEP_CONSTRAINTS, given, caller_name="regnet")
        given = {"preprocessor": None, **given}
        return cls(**given, **{one.name: getattr(estimator, one.name) for one in fields(cls) if one.name not in given})


def make_template(settings: SweepSettings, kind: type[MLPClassifier] | type[MLPRegressor], **own: Any) -> Estimator:
    """The unfitted estimator that every cell of the sweep is a fit of; own: parameters that only its kind has."""
    warm, rate, solver = settings.warm_start, settings.learning_rate_init, settings.solver
    if solver == "auto":
        known = "loss" not in own or is_known(get_loss(own["loss"]))
        linear = (
            not widths_of(settings.hidden_layer_sizes) and settings.penalty != "alpha" and settings.batch_size == "auto"
        )
        solver = "newton" if linear and known and not settings.dropout else "adam"
    return kind(
        **{name: getattr(settings, name) for name in NETWORK_PARAMETERS},
        **own,
        solver=solver,
        learning_rate_init=rate if rate is not None else 3e-3 if warm else 1e-3,
        batch_size=settings.batch_size,
        random_state=settings.random_state,
    )


def check_drops_inputs(penalty: str, /) -> None:
    """Raise ValueError for a penalty that leaves every input in."""
    if penalty not in ("input_l1", "weight_l1"):
        raise ValueError(f"penalty={penalty!r} selects no inputs: use 'input_l1', or 'weight_l1'.")


def restart_seeds(random_state: Any, restarts: int) -> tuple[int, ...]:
    """One seed per restart; an integer random_state is the first one itself, as in an estimator."""
    if isinstance(random_state, Integral):
        more = np.random.SeedSequence(int(random_state)).generate_state(restarts)[1:]
        return (int(random_state), *(int(one) for one in more))
    drawn = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=restarts)
    return tuple(int(one) for one in drawn)
