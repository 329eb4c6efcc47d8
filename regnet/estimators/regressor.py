"""`MLPRegressor`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_consistent_length

from regnet.arrays.types import Array
from regnet.backend.given import numbers_of, told_of
from regnet.backend.placement import to_host
from regnet.estimators.base import BaseMLP, is_stochastic
from regnet.estimators.exposure import as_rates, log_exposure
from regnet.estimators.inputs import row_weights
from regnet.estimators.parameters import CONSTRAINTS
from regnet.estimators.stochastic import Call
from regnet.estimators.targets import ValueTargets
from regnet.mathematics.losses import AbsoluteError, Loss, Quantiles, get_loss
from regnet.training.trainer import Callback

__all__ = ["MLPRegressor"]

REGRESSION = ("squared_error", "poisson", "gamma", "tweedie", "absolute_error", "huber", "quantile")

LOSSES: dict[str, Loss] = {**{name: get_loss(name) for name in REGRESSION}, "absolute": AbsoluteError()}


@final
@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A dense network for numbers: scikit-learn's `MLPRegressor`, with penalties of its own and on any array library.

    NumPy arrays, lists, frames and sparse matrices go where REGNET_BACKEND says and give NumPy arrays back; arrays of
    PyTorch, JAX or CuPy stay on their device, and what `fit` learns and `predict` returns are arrays there.

    The strengths are those of the terms that join the mean data loss,

        weight_l1 sum|W| + weight_l2 sum W^2 + bias_l1 sum|b| + bias_l2 sum b^2,

    and of groups; they mean the same for any number of rows and any batch size. Where nothing else is said a parameter
    is scikit-learn's, and the same numbers are drawn from the same random_state.

    Parameters
    ----------
    loss : str or Loss, default 'squared_error'
        'squared_error' (half of it); half a deviance, with predictions exp(output): 'poisson' (y >= 0), 'gamma' (y > 0)
        or 'tweedie' (y >= 0, variance m^1.5); 'absolute_error' (or 'absolute'; predicts medians), 'huber' (squared up
        to a residual of 1, then linear); or a loss object such as Huber(2.0), Tweedie(1.9), Quantile(0.9) or
        Quantiles((0.1, 0.5, 0.9)), which predicts a column for each level, in ascending order. lbfgs and fista take no
        loss whose gradient jumps (absolute_error and quantiles). Several outputs: losses are summed over them.
    hidden_layer_sizes : int or sequence of int, default (100,)
        Widths of the hidden layers; () is a linear model.
    activation : str or Activation, default 'relu'
        Of the hidden layers: 'relu', 'tanh', 'logistic', 'identity', 'leaky_relu' or an activation object.
    solver : str or Optimizer, default 'adam'
        'adam', 'sgd' or 'lbfgs' as in scikit-learn; 'fista' (all rows, accelerated proximal gradient, for any penalty,
        inputs in any units: `tol` bounds the subgradient as if each had a mean square of about 1); 'newton' (linear
        models, exactly and quickly: on the host in float64, and from zeros, since first weights do not matter there);
        or an optimizer of regnet such as Adam(0.02), which then holds the learning rate.
    alpha : float, default 1e-4
        Adds alpha / (2 * rows of the batch) * sum W^2; it counts as 0 if one of the strengths below is given and alpha
        is not. Where rows have weights, they are those rows times the mean weight.
    batch_size : int or 'auto', default 'auto'
        Rows of a step; 'auto' is min(200, n).
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default 'constant'
        How the rate of 'sgd' goes on.
    learning_rate_init : float, default 1e-3
        The rate of 'adam' and 'sgd'.
    power_t : float, default 0.5
        The exponent of 'invscaling'.
    max_iter : int, default 200
        Epochs at most, or iterations of a solver that takes all rows.
    shuffle : bool, default True
        Whether every epoch's batches are drawn anew.
    random_state : int, RandomState or None, default None
        Draws first weights, batches, dropout and what early stopping holds out.
    tol : float, default 1e-4
        What an improvement must exceed to count, or how near to an optimum a solver that takes all rows comes.
    verbose : bool or int, default False
        Whether to show the progress.
    warm_start : bool, default False
        Whether `fit` goes on from the weights that it finds.
    momentum : float, default 0.9
        Of 'sgd'.
    nesterovs_momentum : bool, default True
        Whether it is Nesterov's.
    early_stopping : bool or EarlyStopping, default False
        Whether to hold rows out and stop when their score no longer rises, or a rule of one's own.
    validation_fraction : float, default 0.1
        The share of the rows that is held out.
    beta_1, beta_2 : float, default 0.9 and 0.999
        By which the means of 'adam' forget.
    epsilon : float, default 1e-8
        Keeps the steps of 'adam' finite.
    n_iter_no_change : int, default 10
        Epochs without an improvement after which training stops.
    max_fun : int, default 15000
        Evaluations of 'lbfgs' at most.
    weight_l1, weight_l2, bias_l1, bias_l2 : float or sequence of float, optional
        Strengths of the four terms above, one number for every layer or one per layer.
    input_l1 : float, optional
        Group lasso on the inputs, input_l1 * sum_g sqrt(|g| * out) ||W_g||_F over groups of the first layer's rows, of
        which each is one where input_groups says nothing else: an input is used or it is not.
    input_groups : array-like or dict, optional
        One label per column, or a dict from column name to label (columns not in it are groups of their own): columns
        with the same label are used together or not at all, as the levels of a factor should be.
    neuron_l1 : float or sequence of float, optional
        The same on the hidden neurons (rows of the later layers), one number or one per hidden layer.
    penalty_factor : array-like or dict, optional
        One number >= 0 per input, or a dict from column name to number (1 for columns not in it), the same within a
        group; it multiplies weight_l1, weight_l2 and input_l1 of that input; 0: not penalised, inf: left out.
    l1_step : {'proximal', 'subgradient'}, default 'proximal'
        How L1 acts; the first leaves exact zeros, the second none.
    dropout : float, default 0
        The share of the hidden outputs that is dropped in training.
    initializer : str or Initializer, optional
        How the first weights are drawn (biases are 0); None draws scikit-learn's.

    Attributes
    ----------
    coefs_, intercepts_ : list of array
        Weights (in, out) and biases (out,) of each layer.
    loss_, best_loss_, loss_curve_ : float, float and list of float
        The objective at the end, its least value, and by epoch.
    validation_scores_, best_validation_score_ : list of float and float
        Of the rows that early stopping holds out.
    t_, n_iter_, n_layers_, n_outputs_, out_activation_ : int and str
        As scikit-learn has them.
    n_features_in_, feature_names_in_ : int and array of str
        Of the table that `fit` saw.
    selected_features_ : array of bool
        The inputs with a weight that is not 0.
    feature_importances_ : array of float
        The norms of the inputs' weights, divided by the largest, (n_features_in_,): comparable for standardised inputs.
    groups_, selected_groups_, n_selected_groups_ : tuple, array of bool and int
        With input_groups: their labels, which of them have a weight that is not 0, and how many.
    sparsity_ : float
        The share of weights that are 0.
    kkt_residual_ : float
        The largest entry of the objective's smallest subgradient on the training rows, with alpha as an epoch's batches
        have it on average: 0 at an optimum.
    model_ : Model
        The network, for `regnet.save`.
    history_ : History
        If `fit` was given log_every, callbacks or validation_data.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> linear = MLPRegressor(hidden_layer_sizes=(), solver="fista", weight_l1=5.0, tol=1e-8, max_iter=5000).fit(X, y)
    >>> int(linear.selected_features_.sum()), round(linear.score(X, y), 2)
    (5, 0.49)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(LOSSES)), Quantiles, *{type(loss) for loss in LOSSES.values()}],
    }
    _targets_class = ValueTargets
    loss: Any = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        validation_data: tuple[Any, ...] | None = None,
        callbacks: Sequence[Callback] = (),
        log_every: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None,
    ) -> Self:
        """Train on all rows.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        y : array-like
            Values, (n,) or (n, outputs).
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more; a weight of 2 counts a row twice.
        offset, exposure : array-like, optional
            With a logarithmic link: how long, or over how much, each y was counted, (n,), above 0; or the logarithm of
            that, which is added to the output. The network is of rates per unit; records, and strengths of biases, are
            of rates per mean unit.
        validation_data : tuple, optional
            The rows (X, y) or (X, y, sample_weight), held out for early stopping and records.
        callbacks : sequence of callable, optional
            Each is called as `callback(record, model)` every `log_every` epochs; returning True, and nothing else, ends
            the training. Batch solvers only.
        log_every : int, optional
            Epochs between the records that `history_` keeps; default 1.
        checkpoint : str or path, optional
            A file in which the training is kept while it runs, and from which it goes on if the file exists, as
            `regnet.fit` says; `max_iter` may have grown. Batch solvers only.
        checkpoint_every : int, optional
            Epochs between two writings of it; None: by time.

        Returns
        -------
        estimator
            Itself, fitted.

        Raises
        ------
        ValueError
            For bad data, in scikit-learn's words, and for a parameter that does not fit, naming it.
        """
        call = Call(
            callbacks=callbacks,
            log_every=log_every,
            offset=offset,
            exposure=exposure,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
        )
        self._fit(X, y, sample_weight, call, validation_data)
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch over the given rows, from where the last call stopped.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        y : array-like
            Values, (n,) or (n, outputs).
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more.

        Returns
        -------
        estimator
            Itself, fitted.

        Raises
        ------
        ValueError
            For bad data and for targets of another shape, in scikit-learn's words.
        """
        self._fit(X, y, sample_weight, Call(incremental=True))
        return self

    def predict(self, X: Any, *, offset: Any = None, exposure: Any = None) -> Array:
        """Predict the values.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        offset, exposure : array-like, optional
            As in `fit`, of these rows; without them predictions are rates per unit of exposure.

        Returns
        -------
        array
            Values, (n,), or (n, outputs) if there is more than one output.
        """
        return self._predict(X, offset, exposure)

    def score(
        self, X: Any, y: Any, sample_weight: Any = None, *, offset: Any = None, exposure: Any = None
    ) -> float:  # fmt: skip
        """Measure R2, averaged over outputs; of Quantiles D2, as they predict no means.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        y : array-like
            Values, (n,) or (n, outputs).
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more.
        offset, exposure : array-like, optional
            As in `fit`, of these rows, or one number for all: rates are scored, with weights that make of their
            deviances those of y. A network that was fitted with them needs them; where y is rates already, 1.

        Returns
        -------
        float
            R2; NaN with scikit-learn's warning for fewer than two rows. A constant target counts 1 if it is met
            exactly, else 0, also where scikit-learn's mean of it is rounded. D2 is the share of the loss of the rows'
            own quantiles that the predictions save.
        """
        values = to_host(self.predict(X))
        truth = to_host(numbers_of("y", y))
        with told_of("y", truth):
            targets = check_array(truth, ensure_2d=False, input_name="y")
            check_consistent_length(targets, values)
        weight = None if sample_weight is None else row_weights(sample_weight, len(values))
        if len(targets) < 2:
            return float(r2_score([0.0], [0.0]))
        logs = log_exposure(offset, exposure, len(targets), self._targets.loss)
        if logs is None and self._targets.of_learnt() != self._targets:
            raise ValueError(
                "fit was given exposures, so that rates are predicted: give score the rows' exposure (exposure=1 where "
                "y is rates already)."
            )
        rates = as_rates(targets, weight, logs, self._targets.loss)
        targets = self._targets.encode(rates.y)
        values = values.reshape(len(values), -1) * np.exp(rates.log_unit)
        if targets.shape != values.shape:
            raise ValueError(f"y has {targets.shape[1]} outputs, but the network predicts {values.shape[1]}.")
        return self._targets.score(values, targets, rates.weight)

    def _targets_of(self, y: Any, *, incremental: bool, rates: bool = False) -> ValueTargets:
        before = vars(self).get("_targets") if incremental else None
        rates = rates or (before is not None and before.rates)
        targets = ValueTargets(LOSSES[self.loss] if isinstance(self.loss, str) else self.loss, rates)
        targets.check(y)
        return targets

    def __sklearn_tags__(self) -> Any:
        """Several outputs are accepted."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
