"""Training on all rows at once: L-BFGS for smooth objectives, FISTA for any penalty, Newton for linear models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from regnet.arrays.tree import tree_map
from regnet.arrays.types import Array
from regnet.display.warning import warn
from regnet.estimators.fitted import Accounts, Progress
from regnet.networks.network import Network
from regnet.solvers.fista import fista
from regnet.solvers.lbfgs import lbfgs
from regnet.solvers.linear_terms import terms_of
from regnet.solvers.objective import Objective
from regnet.solvers.proximal_newton import LinearProblem
from regnet.solvers.solution import Solution
from regnet.training.assembly import Problem
from regnet.training.divergence import remedy_of, told_of_unfinished
from regnet.training.judgement import FAR_WORSE, data_losses, idle_losses, largest

__all__ = ["NOT_FINITE", "fit_full_batch"]

STUCK = 2
"""A solver's status where no progress is possible."""

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)


def fit_full_batch(
    estimator: Any, network: Network, objective: Objective, problem: Problem, progress: Progress, /
) -> Array:
    """The point (1, size) of the minimum that the estimator's `solver` finds; how far it came is noted in `progress`.

    Warns ConvergenceWarning in scikit-learn's words where the solver ended for another reason than convergence. Raises
    ValueError, in its words too, where the objective is not finite.
    """
    curve: list[float] = []
    start, placement = problem.state.point, problem.placement

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
        elif estimator.solver == "newton":
            found = _newton(estimator, network, problem, note)
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
    progress.n_iter = min(int(found.iterations[0]), int(estimator.max_iter))
    loss = progress.loss = np.float64(found.value[0])
    if estimator.solver != "lbfgs":
        progress.loss_curve, progress.accounts = curve, Accounts(loss)
    far = _judge(estimator, network, problem, loss, found.point)
    if found.status[0] != 0:
        _warn(estimator, progress.n_iter, int(found.status[0]), found.messages[0], far)
    elif far:
        warn(far, ConvergenceWarning)
    return found.point


def _judge(estimator: Any, network: Network, problem: Problem, objective: Any, point: Array) -> str:
    """What is to be said of a point that is far worse than outputs that are all 0; '' of any other.

    Raises ValueError where the objective, a prediction or a parameter is not finite.
    """
    rows, placement = problem.train, problem.placement
    with placement.backend.session(placement.device):
        loss = float(data_losses(network, placement, point, rows)[0])
        idle = float(idle_losses(network, placement, rows)[0])
        if np.isfinite(objective + loss) and loss <= FAR_WORSE * idle:
            return ""
        remedy = remedy_of((largest(rows.x, placement), largest(rows.y, placement)), network.loss_object)
    if not np.isfinite(objective + loss):
        error = ValueError(NOT_FINITE)  # scikit-learn's words, and ours below them
        error.add_note(f"{remedy}, or compute in float64.")
        raise error
    further = f"or let the solver go on (max_iter={estimator.max_iter}, tol={estimator.tol})"
    return f"{told_of_unfinished(loss, idle)} {remedy}, {further}."


def _newton(estimator: Any, network: Network, problem: Problem, note: Callable[[int, Any], bool]) -> Solution:
    """On the host; from zeros, since a convex problem's minimum does not depend on the first weights."""
    put, give = problem.placement.put, problem.placement.backend.to_numpy
    strengths = tree_map(give, problem.hyper.strengths)
    terms = terms_of(strengths, network.in_features + 1, network.out_features)
    if terms is None:
        raise ValueError(
            "solver='newton' takes input_l1 of several outputs, or of input_groups, without weight_l1 and bias_l1: "
            "leave one out, or use solver='fista'."
        )
    x, y, weight = (give(array) for array in (problem.train.x, problem.train.y, problem.train.weight))
    free = not (terms.l1[-1].any() or (terms.l2 is not None and terms.l2[-1].any()))
    groups = strengths.members[0].source[:, 0] if strengths.members else None
    linear = LinearProblem(x, y, weight[:, 0], network.loss_object, free_bias=free, groups=groups)
    start = give(problem.state.point) if estimator.warm_start else np.zeros(network.layout.size)
    found = linear.minimise(start, terms, tol=float(estimator.tol), max_iter=int(estimator.max_iter), callback=note)
    return found._replace(point=put(found.point))


def _warn(estimator: Any, iterations: int, status: int, message: str, far: str) -> None:
    text = f"{estimator.solver} failed to converge after {iterations} iteration(s) (status={status}):\n{message}\n"
    if status == STUCK:
        text += "\nNo step from there makes the loss smaller: standardise the inputs, or compute in float64."
    if iterations == estimator.max_iter:
        text += f"\nIncrease the number of iterations to improve the convergence (max_iter={estimator.max_iter})."
    text += (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
    warn(f"{text}\n{far}" if far else text, ConvergenceWarning)
