"""`MLPRegressor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self, final

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_array, check_consistent_length

from regnet.arrays.types import Array
from regnet.estimators.base import BaseMLP, is_stochastic
from regnet.estimators.inputs import check_weight, to_host
from regnet.estimators.parameters import CONSTRAINTS, DEFAULT_ALPHA
from regnet.estimators.stochastic import Call
from regnet.estimators.targets import ValueTargets
from regnet.mathematics.losses import AbsoluteError, Huber, Loss, Poisson, SquaredError
from regnet.mathematics.metrics import r2_of
from regnet.training.trainer import Callback

__all__ = ["MLPRegressor"]

LOSSES: dict[str, Loss] = {
    "squared_error": SquaredError(),
    "poisson": Poisson(),
    "absolute_error": AbsoluteError(),
    "absolute": AbsoluteError(),
    "huber": Huber(),
}


@final
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A dense network for numbers: scikit-learn's `MLPRegressor`, with penalties of its own and on any array library.

    loss: 'squared_error' (half of it), 'poisson' (half the deviance, y >= 0, predictions exp(output)),
    'absolute_error' (or 'absolute'; predicts medians; not with lbfgs and fista), 'huber' (squared up to a residual of
    1, then linear), or a loss object such as Huber(2.0). Several outputs: losses are summed over them.

    hidden_layer_sizes: widths of the hidden layers; () is a linear model. activation: 'relu', 'tanh', 'logistic',
    'identity', 'leaky_relu' or an activation object.

    solver: 'adam', 'sgd' or 'lbfgs' as in scikit-learn; 'fista' (all rows, accelerated proximal gradient, for any
    penalty, inputs in any units: `tol` bounds the subgradient as if each had a mean square of about 1); 'newton'
    (linear models, exactly and quickly: on the host in float64, and from zeros, since first weights do not matter
    there); or an optimizer of regnet such as Adam(0.02), which then holds the learning rate.

    alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose,
    warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon,
    n_iter_no_change, max_fun: scikit-learn's, with the same numbers drawn from the same random_state. early_stopping
    may also be an `EarlyStopping`. alpha adds alpha / (2 * rows of the batch) * sum W^2; it counts as 0 if one of the
    strengths below is given and alpha is not. Where rows have weights, they are those rows times the mean weight.

    weight_l1, weight_l2, bias_l1, bias_l2: strengths of the terms that join the mean data loss,

        weight_l1 sum|W| + weight_l2 sum W^2 + bias_l1 sum|b| + bias_l2 sum b^2,

    one number for every layer or one per layer; they mean the same for any number of rows and any batch size.
    input_l1: group lasso on the inputs, input_l1 * sum_i sqrt(out) ||W_i||_2 over the first layer's rows: an input is
    used or it is not. neuron_l1: the same on the hidden neurons (rows of the later layers), one number or one per
    hidden layer. penalty_factor: one number >= 0 per input, multiplies weight_l1, weight_l2 and input_l1 of that
    input. l1_step: 'proximal' (exact zeros) or 'subgradient' (none). dropout: share of hidden outputs dropped in
    training. initializer: a name or object for the first weights (biases 0); None draws scikit-learn's.

    Fitted attributes are scikit-learn's (coefs_, intercepts_, loss_, best_loss_, loss_curve_,
    validation_scores_, best_validation_score_, t_, n_iter_, n_layers_, n_outputs_, out_activation_, n_features_in_,
    feature_names_in_), and: selected_features_ (inputs with a weight that is not 0), sparsity_ (share of weights that
    are 0), kkt_residual_ (largest entry of the objective's smallest subgradient on the training rows, with alpha as
    an epoch's batches have it on average: 0 at an optimum), model_ (the network, for `regnet.save`), history_ (if
    `fit` was given log_every, callbacks or validation_data).

    X: NumPy arrays, lists, frames and sparse matrices go where REGNET_BACKEND says and give NumPy arrays back; arrays
    of PyTorch, JAX or CuPy stay on their device, and what `fit` learns and `predict` returns are arrays there.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> linear = MLPRegressor(hidden_layer_sizes=(), solver="fista", weight_l1=5.0, tol=1e-8, max_iter=5000).fit(X, y)
    >>> int(linear.selected_features_.sum()), round(linear.score(X, y), 2)
    (5, 0.49)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(LOSSES)), *{type(loss) for loss in LOSSES.values()}],
    }
    _targets_class = ValueTargets

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = DEFAULT_ALPHA,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: Any = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        weight_l1: Any = None,
        weight_l2: Any = None,
        bias_l1: Any = None,
        bias_l2: Any = None,
        input_l1: float | None = None,
        neuron_l1: Any = None,
        penalty_factor: Any = None,
        l1_step: str = "proximal",
        dropout: float = 0.0,
        initializer: Any = None,
    ) -> None:
        """See the class."""
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.weight_l1 = weight_l1
        self.weight_l2 = weight_l2
        self.bias_l1 = bias_l1
        self.bias_l2 = bias_l2
        self.input_l1 = input_l1
        self.neuron_l1 = neuron_l1
        self.penalty_factor = penalty_factor
        self.l1_step = l1_step
        self.dropout = dropout
        self.initializer = initializer

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        validation_data: tuple[Any, ...] | None = None,
        callbacks: Sequence[Callback] = (),
        log_every: int | None = None,
    ) -> Self:
        """Train on X (n, features) and y (n,) or (n, outputs); returns the estimator.

        sample_weight: (n,), >= 0; a weight of 2 counts a row twice. validation_data: (X, y) or (X, y, sample_weight),
        held out for early stopping and records. callbacks: called as `callback(record, model)` every `log_every`
        epochs (default 1), which `history_` keeps; returning True, and nothing else, ends the training. Batch solvers
        only.
        Raises ValueError in scikit-learn's words for bad data, and naming the parameter that does not fit.
        """
        self._fit(X, y, sample_weight, Call(callbacks=callbacks, log_every=log_every), validation_data)
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch over the given rows, from where the last call stopped; returns the estimator."""
        self._fit(X, y, sample_weight, Call(incremental=True))
        return self

    def predict(self, X: Any) -> Array:
        """The predicted values, (n,), or (n, outputs) if there is more than one output."""
        return self._predict(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2 on X and y, averaged over outputs; NaN with scikit-learn's warning for fewer than two rows.

        A constant target counts 1 if it is met exactly, else 0, also where scikit-learn's mean of it is rounded.
        """
        values = to_host(self.predict(X))
        targets = check_array(to_host(y), ensure_2d=False, input_name="y")
        check_consistent_length(targets, values)
        weight = (
            None if sample_weight is None else _check_sample_weight(to_host(sample_weight), values, dtype=np.float64)
        )
        if len(targets) < 2:
            return float(r2_score(targets, values))
        targets, values = (array.reshape(len(array), -1) for array in (targets, values))
        if targets.shape != values.shape:
            raise ValueError(f"y has {targets.shape[1]} outputs, but the network predicts {values.shape[1]}.")
        return r2_of(targets, values, check_weight(weight))

    def _targets_of(self, y: Any, *, incremental: bool) -> ValueTargets:
        targets = ValueTargets(LOSSES[self.loss] if isinstance(self.loss, str) else self.loss)
        targets.check(y)
        return targets

    def __sklearn_tags__(self) -> Any:
        """Several outputs are accepted."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
