"""What a user may set of a sweep, and the estimator that its cells are fits of."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
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
    "check_sweep_parameters",
    "make_template",
    "restart_seeds",
]

NETWORK_PARAMETERS = ("hidden_layer_sizes", "activation", "shuffle", "dropout", "initializer")
"""Parameters that networks have from the estimator they are cells of, under the same name."""


TO_TOLERANCE = ("fista", "newton")
"""Solvers that look at all rows and end at a tolerance."""


SWEEP_CONSTRAINTS: dict[str, Any] = {
    **{name: CONSTRAINTS[name] for name in NETWORK_PARAMETERS},
    "penalty": [StrOptions(set(PENALTIES))],
    "lambdas": ["array-like", None],
    "n_lambdas": [Interval(Integral, 1, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="right")],
    "companion_l2": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "standardize": ["boolean"],
    "preprocessor": [HasMethods(["fit", "transform"]), None],
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


def check_sweep_parameters(given: dict[str, Any]) -> None:
    """Raise ValueError, in scikit-learn's words, for an argument of a function that has no such values."""
    validate_parameter_constraints(SWEEP_CONSTRAINTS, given, caller_name="regnet")


def make_template(owner: Any, classifier: bool) -> Any:
    """The unfitted estimator that every cell of the sweep is a fit of."""
    warm = owner.warm_start
    rate = owner.learning_rate_init
    solver = owner.solver
    if solver == "auto":
        known = classifier or is_known(get_loss(owner.loss))
        linear = not widths_of(owner) and owner.penalty != "alpha" and owner.batch_size == "auto"
        solver = "newton" if linear and known and not owner.dropout else "adam"
    given = {name: getattr(owner, name) for name in NETWORK_PARAMETERS}
    given |= {
        "solver": solver,
        "learning_rate_init": rate if rate is not None else 3e-3 if warm else 1e-3,
        "batch_size": owner.batch_size,
        "random_state": owner.random_state,
    }
    if classifier:
        return MLPClassifier(**given, class_weight=owner.class_weight)
    return MLPRegressor(**given, loss=owner.loss)


def restart_seeds(random_state: Any, restarts: int) -> tuple[int, ...]:
    """One seed per restart; an integer random_state is the first one itself, as in an estimator."""
    if isinstance(random_state, Integral):
        more = np.random.SeedSequence(int(random_state)).generate_state(restarts)[1:]
        return (int(random_state), *(int(one) for one in more))
    drawn = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=restarts)
    return tuple(int(one) for one in drawn)
