"""From constructor parameters to a network, its penalties and an optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, Options, StrOptions

from regnet.arrays.types import Array
from regnet.backend.placement import to_host
from regnet.display.warning import warn
from regnet.estimators.grouping import Grouping
from regnet.mathematics.activations import ACTIVATIONS
from regnet.mathematics.initializers import INITIALIZERS
from regnet.mathematics.losses import AbsoluteError, Loss, Quantile, Quantiles, get_loss
from regnet.mathematics.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from regnet.mathematics.penalties import Penalty
from regnet.networks.network import Network
from regnet.solvers.proximal_newton import is_known
from regnet.training.early_stopping import EarlyStopping

__all__ = [
    "CONSTRAINTS",
    "DEFAULT_ALPHA",
    "FULL_BATCH",
    "STRENGTHS",
    "Parameters",
    "alpha_of",
    "batch_rows",
    "check_newton",
    "check_smooth",
    "check_widths",
    "make_network",
    "make_optimizer",
    "make_penalties",
    "widths_of",
]

DEFAULT_ALPHA = float("0.0001")
"""The object that stands for "alpha was not given": a caller's own 1e-4 is another object of the same value."""

STRENGTHS = ("weight_l1", "weight_l2", "bias_l1", "bias_l2", "input_l1", "neuron_l1")
FULL_BATCH = ("lbfgs", "fista", "newton")
SOLVERS = {"sgd", "adam", *FULL_BATCH}

_STRENGTH = [Interval(Real, 0, None, closed="left"), "array-like", None]

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({"logistic", *ACTIVATIONS}), *{type(instance) for instance in ACTIVATIONS.values()}],
    "solver": [StrOptions(SOLVERS), *OPTIMIZERS],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean", EarlyStopping],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "weight_l1": _STRENGTH,
    "weight_l2": _STRENGTH,
    "bias_l1": _STRENGTH,
    "bias_l2": _STRENGTH,
    "input_l1": [Interval(Real, 0, None, closed="left"), None],
    "neuron_l1": _STRENGTH,
    "input_groups": ["array-like", dict, None],
    "penalty_factor": ["array-like", dict, None],
    "l1_step": [StrOptions({"proximal", "subgradient"})],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "initializer": [StrOptions(set(INITIALIZERS)), *{type(one) for one in INITIALIZERS.values()}, None],
}


class _Network:
    """What the two estimators declare themselves: scikit-learn has `loss` before these in one of them."""

    hidden_layer_sizes: Any
    activation: Any


@dataclass(kw_only=True, eq=False, repr=False)  # scikit-learn's equality and repr stay
class Parameters(_Network):
    """The parameters that both estimators have; their docstrings say what each is."""

    solver: Any = "adam"
    alpha: float = DEFAULT_ALPHA
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: Any = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: Any = 10
    max_fun: int = 15000
    weight_l1: Any = None
    weight_l2: Any = None
    bias_l1: Any = None
    bias_l2: Any = None
    input_l1: float | None = None
    input_groups: Any = None
    neuron_l1: Any = None
    penalty_factor: Any = None
    l1_step: Literal["proximal", "subgradient"] = "proximal"
    dropout: float = 0.0
    initializer: Any = None


def widths_of(sizes: Any, /) -> list[int]:
    """`hidden_layer_sizes` as a list. Raises ValueError for widths of 0 or less, TypeError for fractions."""
    widths = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if not all(isinstance(width, Integral) for width in widths):
        raise TypeError(f"hidden_layer_sizes must be integers, got {widths}.")
    if any(width <= 0 for width in widths):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {widths}.")
    return [int(width) for width in widths]


def check_newton(estimator: Parameters, loss: str | Loss, /) -> None:
    """Raise ValueError if solver='newton' cannot train the estimator's network."""
    if widths_of(estimator.hidden_layer_sizes):
        raise ValueError(
            f"solver='newton' is for linear models, and hidden_layer_sizes={estimator.hidden_layer_sizes!r} has hidden "
            "layers: use hidden_layer_sizes=(), or solver='fista' or 'adam'."
        )
    if not is_known(get_loss(loss)):
        raise ValueError(
            f"solver='newton' needs second derivatives, which loss={loss!r} has none of here: use 'squared_error', "
            "'poisson', 'gamma' or 'tweedie', or another solver."
        )


def check_widths(weights: Sequence[Array], widths: Sequence[int], /) -> None:
    """Raise ValueError if the weights that are to be trained further are of a network of other widths."""
    fitted = [weights[0].shape[0], *(weight.shape[1] for weight in weights)]
    if fitted != list(widths):
        raise ValueError(
            f"The estimator holds a network {'-'.join(map(str, fitted))}, which cannot be trained further as "
            f"{'-'.join(map(str, widths))}: keep hidden_layer_sizes and the targets' outputs, or set warm_start=False "
            "and call fit."
        )


def make_network(estimator: Parameters, widths: Sequence[int], loss: str | Loss, /, *, dropout: float = 0.0) -> Network:
    """The estimator's network with these widths, inputs and outputs included."""
    activation = {"logistic": "sigmoid"}.get(estimator.activation, estimator.activation)
    return Network.mlp(widths, loss=loss, activation=activation, dropout=float(dropout))


def alpha_of(estimator: Parameters, /) -> float:
    """`alpha`, or 0 where one of regnet's own strengths was given and alpha was not."""
    own = any(getattr(estimator, name) is not None for name in STRENGTHS)
    return 0.0 if own and estimator.alpha is DEFAULT_ALPHA else float(estimator.alpha)


def make_penalties(
    estimator: Parameters, factors: NDArray[np.float64] | None, grouping: Grouping | None, /
) -> list[Penalty]:  # fmt: skip
    """One Penalty per Dense layer. Raises ValueError naming the parameter that does not fit the network.

    factors, grouping: of the inputs; one that is left out, by an infinite factor, has no weight to penalise.
    """
    hidden = len(widths_of(estimator.hidden_layer_sizes))
    names = ("weight_l1", "weight_l2", "bias_l1", "bias_l2")
    columns = {name: _per_layer(estimator, name, hidden + 1, "layers") for name in names}
    neuron_l1 = _per_layer(estimator, "neuron_l1", hidden, "hidden layers")
    group_l1 = [float(estimator.input_l1 or 0.0), *neuron_l1]
    _refuse_lbfgs(estimator, columns, group_l1)
    if factors is not None:
        factors = np.where(np.isfinite(factors), factors, 1.0)
    return [
        Penalty(
            **{name: column[layer] for name, column in columns.items()},
            group_l1=group_l1[layer],
            groups=grouping.numbers if grouping is not None and layer == 0 else None,
            penalty_factor=factors if layer == 0 else None,
            l1_step=estimator.l1_step,
        )
        for layer in range(hidden + 1)
    ]


def _numbers(name: str, value: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(to_host(value), dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r}: give a number, or a list of numbers.") from None


def _per_layer(estimator: Parameters, name: str, count: int, layers: str) -> list[float]:
    value = getattr(estimator, name)
    if value is None:
        return [0.0] * count
    given = np.atleast_1d(_numbers(name, value))
    if given.ndim > 1:
        raise ValueError(f"{name} has {given.ndim} axes: give one number for all layers, or a list with one per layer.")
    values: list[float] = given.tolist()
    if not all(0.0 <= one < np.inf for one in values):
        raise ValueError(f"{name}={value!r}: a strength must be a finite number of 0 or more.")
    if np.ndim(value) == 0 or isinstance(value, (int, float)):
        if count == 0 and values[0] > 0:
            raise ValueError(
                f"{name}={value!r}, but hidden_layer_sizes=() has no hidden layer whose neurons it could act on: leave "
                f"{name} out, or use input_l1 or weight_l1."
            )
        return values * count
    if len(values) != count:
        raise ValueError(
            f"{name} has {len(values)} values, but the network has {count} {layers if count > 1 else layers[:-1]} "
            f"(hidden_layer_sizes={estimator.hidden_layer_sizes!r}): give one number for all, or one per layer."
        )
    return values


def _refuse_lbfgs(estimator: Parameters, columns: dict[str, list[float]], group_l1: Sequence[float]) -> None:
    if estimator.solver != "lbfgs":
        return
    named: dict[str, Sequence[float]] = {"weight_l1": columns["weight_l1"], "bias_l1": columns["bias_l1"]}
    named |= {"input_l1": group_l1[:1], "neuron_l1": group_l1[1:]}
    for name, values in named.items():
        if any(values):
            raise ValueError(
                f"solver='lbfgs' cannot minimise {name}={getattr(estimator, name)!r}: it needs a gradient everywhere, "
                "and this penalty has none at 0. Use solver='fista' (all rows, any penalty) or solver='adam'."
            )


def check_smooth(solver: Any, loss: str | Loss, /) -> None:
    """Raise ValueError for a solver that follows gradients on all rows, and a loss whose gradient jumps.

    Such a solver stops at a kink that some row lies in, wherever that is; it comes near no minimum.
    """
    if solver in ("lbfgs", "fista") and type(get_loss(loss)) in (AbsoluteError, Quantile, Quantiles):
        raise ValueError(
            f"solver={solver!r} cannot minimise loss={loss!r}, whose gradient jumps where a residual is 0: use "
            f"solver='adam', or a loss that is smooth there, such as Huber(0.01) (delta in units of y)."
        )


def make_optimizer(estimator: Parameters, /) -> Optimizer:
    """The optimizer behind `solver`: the object itself, or scikit-learn's 'adam' or 'sgd' by its parameters."""
    solver = estimator.solver
    if not isinstance(solver, str):
        chosen: Optimizer = solver
        return chosen
    rate = float(estimator.learning_rate_init)
    if solver == "sgd":
        momentum = float(estimator.momentum)
        return SGD(rate, momentum=momentum, nesterov=bool(estimator.nesterovs_momentum))
    return Adam(rate, estimator.beta_1, estimator.beta_2, estimator.epsilon, epsilon_hat=True)


def batch_rows(estimator: Parameters, n: int, /) -> int:
    """Rows of a batch: `batch_size`, clipped to n with scikit-learn's warning; 'auto' is min(200, n)."""
    if estimator.batch_size == "auto":
        return min(200, n)
    if estimator.batch_size > n:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(int(estimator.batch_size), n)
