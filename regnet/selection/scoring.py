"""Scores of held-out rows: scikit-learn's by name or as a scorer, and the usual ones without its detours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils.validation import _check_method_params

from regnet.mathematics.losses import Loss, Quantiles, SquaredError, get_loss, knows_constant
from regnet.mathematics.metrics import d2_by_network, r2_by_network

__all__ = ["DIRECT", "check_held_out", "default_scoring", "follows_r2", "scorer_of"]

Direct: TypeAlias = Callable[[Any, Any, Any, Any], NDArray[np.float64]]
"""`score(outputs, y, share, loss)`: (...) for networks' outputs (..., n, k) in the targets' units; y: encoded targets

(n, k); share: `weight_shares` (n,)."""

Scorer: TypeAlias = Callable[[Any, Any, Any, Any], Any]
"""`score(estimator, X, y, rows)` for a fitted estimator and rows of the user's table, of these numbers (n,)."""


def _mean(values: NDArray[Any], share: NDArray[Any]) -> NDArray[np.float64]:
    """Over the last axis."""
    return np.asarray(np.average(np.asarray(values, dtype=np.float64), axis=-1, weights=share))


def _told(outputs: Any, loss: Any) -> Any:
    """Outputs in the order in which they are told: quantiles do not cross."""
    return get_loss(loss).predict(outputs) if type(get_loss(loss)) is Quantiles else outputs


def _data_loss(outputs: Any, y: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    """Minus the mean loss; of classes what scikit-learn calls neg_log_loss, from the logits, which clips nothing.

    Of several labels, for which scikit-learn has no such score, the mean: each counts as a binary classification does.
    The loss that is minimised is their sum, so that the choice of a strength is the same.
    """
    outputs = np.asarray(_told(outputs, loss), dtype=np.float64)
    values, _ = get_loss(loss).value_and_grad(outputs, np.asarray(y, dtype=np.float64))
    labels = outputs.shape[-1] if get_loss(loss).kind == "binary" else 1
    return -_mean(values[..., 0], share) / labels


def _accuracy(outputs: Any, y: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    if outputs.shape[-1] > 1 and get_loss(loss).kind == "multiclass":
        return _mean(outputs.argmax(axis=-1) == y.argmax(axis=-1), share)
    return _mean(((outputs > 0) == (y > 0.5)).all(axis=-1), share)


def _squared_error(outputs: Any, y: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    return -_mean(((get_loss(loss).predict(outputs) - y) ** 2).mean(axis=-1), share)


def _absolute_error(outputs: Any, y: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    return -_mean(np.abs(get_loss(loss).predict(outputs) - y).mean(axis=-1), share)


def _r2(outputs: Any, y: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    return r2_by_network(y, get_loss(loss).predict(outputs), share)


def _d2(outputs: Any, y: Any, share: Any, loss: Any) -> NDArray[np.float64]:
    """R2 where a loss has no best constant, or is the squared error."""
    if follows_r2(loss):
        return _r2(outputs, y, share, loss)
    return d2_by_network(y, _told(outputs, loss), share, get_loss(loss))


DIRECT: dict[str, Direct] = {
    "neg_log_loss": _data_loss,
    "accuracy": _accuracy,
    "r2": _r2,
    "d2": _d2,
    "neg_mean_loss": _data_loss,
    "neg_mean_squared_error": _squared_error,
    "neg_mean_absolute_error": _absolute_error,
}
"""Scores that are computed for a network without an estimator around it; higher is better."""


def check_held_out(scoring: str, weight: NDArray[Any]) -> None:
    """Raise ValueError for a fold on whose held-out rows, of these weights (n,), a score in DIRECT means nothing."""
    remedy = {"r2": "neg_mean_squared_error", "d2": "neg_mean_loss"}.get(scoring)
    if remedy is not None and np.count_nonzero(weight) < 2:
        raise ValueError(
            f"{scoring.upper()} is not defined for a fold with one held-out row (of a weight above 0): use fewer "
            f"folds, or scoring='{remedy}'."
        )


def follows_r2(loss: str | Loss) -> bool:
    """Whether R2 is the score of a loss of values: of the squared error, and where no best constant is known."""
    return type(get_loss(loss)) is SquaredError or not knows_constant(get_loss(loss))


def default_scoring(loss: str | Loss) -> str:
    """By what is minimised: neg_log_loss for classes, r2 for squares, else d2.

    They are smooth in the strength, as a one-standard-error rule needs it.
    """
    if get_loss(loss).kind in ("multiclass", "binary"):
        return "neg_log_loss"
    return "r2" if follows_r2(loss) else "d2"


def scorer_of(
    estimator: Any, scoring: Any, *, rows: int, weight: Any, routed: Mapping[str, Any] | None = None
) -> Scorer:
    """Anything that scikit-learn takes as `scoring`, as `score(estimator, X, y, rows)`.

    rows: how many the table has; weight: theirs, (rows,), or None. A score must take them: as `sample_weight`, in the
    signature of scikit-learn's metric or of a callable of the caller's own; raises ValueError for one that does not.
    routed: metadata of the rows that it is given in their place, whatever they are.
    """
    if isinstance(scoring, str) and scoring not in get_scorer_names():
        near = get_close_matches(scoring, get_scorer_names())
        hint = f" Did you mean {near[0]!r}?" if near else " See sklearn.metrics.get_scorer_names()."
        raise ValueError(f"scoring={scoring!r} is not a name of a score.{hint}")
    scorer = check_scoring(estimator, scoring=scoring)
    metadata = routed
    if metadata is None:
        metadata = {} if weight is None else {"sample_weight": weight}
    if routed is None and weight is not None and not _takes_weights(scorer):
        raise ValueError(
            f"scoring={scoring!r} takes no sample_weight, so held-out rows would all count the same, but fit was given "
            "one (or exposures, which are weights too): use a score that takes it (scoring=None does), give your "
            "callable an argument sample_weight, or fit without weights."
        )
    every = np.empty(rows)
    return lambda fitted, x, y, held_out: scorer(fitted, x, y, **_check_method_params(every, metadata, held_out))


def _takes_weights(scorer: Any) -> bool:
    """Whether a scorer's metric, or a callable itself, has an argument `sample_weight`, or takes any by name."""
    called = scorer._score_func if isinstance(scorer, _BaseScorer) else scorer
    try:
        parameters = signature(called).parameters
    except (TypeError, ValueError):  # a callable that says nothing of its arguments
        return False
    return "sample_weight" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())
