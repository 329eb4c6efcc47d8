"""What saying the same of every row has, beside which a score of classes says something."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.commands.select_run import Selection

__all__ = ["Constant", "constant_of", "constant_of_rest", "constant_score", "constant_told"]

Weight = NDArray[np.float64] | None


class Constant(NamedTuple):
    """label: the commonest class of the rows to train on; accuracy: of always saying it; log_loss: of saying the shares

    of those rows' classes, in nats; both on other rows.
    """

    label: Any
    accuracy: float
    log_loss: float


def constant_of(
    classes: list[Any], y: NDArray[np.int64], weight: Weight, y_test: NDArray[np.int64], weight_test: Weight
) -> Constant:
    """Of rows to train on and of others, by class number (n,) and weight (n,), if there is any."""
    shares = np.bincount(y, weight, minlength=len(classes))
    counts = np.bincount(y_test, weight_test, minlength=len(classes))
    best, present = int(shares.argmax()), counts > 0
    with np.errstate(divide="ignore"):  # a class that no row to train on has costs infinitely much
        losses = -np.log(shares[present] / shares.sum())
    return Constant(classes[best], float(counts[best] / counts.sum()), float(losses @ counts[present] / counts.sum()))


def constant_of_rest(selection: Selection) -> Constant | None:
    """What no network at all has on the rows held out of the sweep, of classes."""
    split, weight = selection.split, selection.table.weight
    if split.classes is None or selection.test_score is None:
        return None
    own, other = (None, None) if weight is None else (weight[split.train], weight[split.test])
    return constant_of(split.classes, split.y[split.train], own, split.y[split.test], other)


def constant_score(selection: Selection) -> float | None:
    """The folds' neg_log_loss of the shares of the classes of each fold's training rows, or accuracy of the commonest

    of them; None of other scores.
    """
    fitted, split = selection.fitted, selection.split
    if split.classes is None or selection.score_name not in ("neg_log_loss", "accuracy") or fitted.test_folds_.ndim > 1:
        return None
    y, weight = split.y[split.train], selection.table.weight
    weight = np.ones(len(y)) if weight is None else weight[split.train]
    scores = []
    for fold in range(fitted.n_splits_):
        held = fitted.test_folds_ == fold
        found = constant_of(split.classes, y[~held], weight[~held], y[held], weight[held])
        scores.append(found.accuracy if selection.score_name == "accuracy" else -found.log_loss)
    return float(np.dot(scores, fitted.fold_weights_))


def constant_told(selection: Selection) -> str | None:
    """The same in words; None of other scores."""
    score = constant_score(selection)
    if score is None:
        return None
    what = "commonest class" if selection.score_name == "accuracy" else "classes' shares"
    return f"the {what} alone: {selection.score_name} {score:.4f}"
