"""Training on all rows at once: L-BFGS for smooth objectives, FISTA for any penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.estimators.warning import warn
from regnet.fista import fista
from regnet.lbfgs import lbfgs
from regnet.namespace import array_namespace
from regnet.objective import Objective
from regnet.registry import Placement
from regnet.types import Array

__all__ = ["NOT_FINITE", "fit_full_batch"]

STUCK = 2
"""A solver's status where no progress is possible."""

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)


def fit_full_batch(estimator: Any, objective: Objective, start: Array, placement: Placement, /) -> Array:
    """The point (1, size) of the minimum that the estimator's `solver` finds from `start`; sets `loss_`, `n_iter_`.

    Warns ConvergenceWarning in scikit-learn's words where the solver ended for another reason than convergence. Raises
    ValueError, in its words too, where the objective is not finite.
    """
    curve: list[float] = []

    def note(iteration: int, values: Any) -> bool:
        curve.append(float(np.asarray(values)[0]))
        if estimator.verbose:
            print(f"Iteration {iteration}, loss = {curve[-1]:.8f}")
        return False

    with placement.backend.session(placement.device):
        if estimator.solver == "lbfgs":
            found = lbfgs(
                objective.smooth,
                start,
                placement,
                max_iter=int(estimator.max_iter),
                max_fun=int(estimator.max_fun),
                gtol=float(estimator.tol),
                callback=note,
            )
        else:
            found = fista(
                objective.smooth,
                objective.prox,
                objective.penalty,
                start,
                placement,
                max_iter=int(estimator.max_iter),
                tol=float(estimator.tol),
                units=objective.units(),
                callback=note,
            )
    estimator.n_iter_ = min(int(found.iterations[0]), int(estimator.max_iter))
    estimator.loss_ = np.float64(found.value[0])
    if estimator.solver == "fista":
        estimator.loss_curve_ = curve
        estimator.best_loss_ = estimator.loss_
    xp = array_namespace(found.point)
    if not np.isfinite(estimator.loss_) or not bool(xp.all(xp.isfinite(found.point))):
        raise ValueError(NOT_FINITE)
    if found.status[0] != 0:
        _warn(estimator, int(found.status[0]), found.messages[0])
    return found.point


def _warn(estimator: Any, status: int, message: str) -> None:
    text = (
        f"{estimator.solver} failed to converge after {estimator.n_iter_} iteration(s) (status={status}):\n{message}\n"
    )
    if status == STUCK:
        text += "\nNo step from there makes the loss smaller: standardise the inputs, or compute in float64."
    if estimator.n_iter_ == estimator.max_iter:
        text += f"\nIncrease the number of iterations to improve the convergence (max_iter={estimator.max_iter})."
    text += (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
    warn(text, ConvergenceWarning)
