"""`MLPClassifier`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.given import check_labels, told_of
from regnet.backend.placement import to_host
from regnet.estimators.base import BaseMLP, is_stochastic
from regnet.estimators.inputs import check_targets, row_weights
from regnet.estimators.labels import labels_of
from regnet.estimators.parameters import CONSTRAINTS
from regnet.estimators.stochastic import Call
from regnet.estimators.targets import ClassTargets
from regnet.mathematics.weighting import relative_weights
from regnet.training.trainer import Callback

__all__ = ["MLPClassifier"]


@final
@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A dense network for classes: scikit-learn's `MLPClassifier`, with penalties of its own and on any array library.

    NumPy arrays, lists, frames and sparse matrices go where REGNET_BACKEND says and give NumPy arrays back; arrays of
    PyTorch, JAX or CuPy stay on their device, and what `fit` learns and `predict` returns are arrays there.

    The strengths are those of the terms that join the mean data loss,

        weight_l1 sum|W| + weight_l2 sum W^2 + bias_l1 sum|b| + bias_l2 sum b^2,

    and of groups; they mean the same for any number of rows and any batch size. Where nothing else is said a parameter
    is scikit-learn's, and the same numbers are drawn from the same random_state.

    Parameters
    ----------
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
    class_weight : dict, list of dict, 'balanced' or None, default None
        By which a class's rows count, {class: weight}; a list of dicts for several labels.

    Attributes
    ----------
    classes_ : array
        The classes, sorted, or the labels.
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
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> clf = MLPClassifier((16,), solver="fista", input_l1=0.05, weight_l2=[0, 0.01], random_state=0).fit(X, y)
    >>> clf.selected_features_.tolist(), round(clf.score(X, y), 2)
    ([False, False, True, True], 0.96)
    >>> clf.feature_importances_.argsort()[2:].tolist(), float(clf.feature_importances_[3])
    ([2, 3], 1.0)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }
    _targets_class = ClassTargets
    loss: ClassVar[str] = "log_loss"  # scikit-learn's name of what is minimised; no parameter there either
    _targets: ClassTargets = field(init=False)
    classes_: NDArray[Any] = field(init=False)
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    class_weight: Any = field(default=None, kw_only=True)

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
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None,
    ) -> Self:
        """Train on all rows.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        y : array-like
            Classes, (n,), or (n, labels) of 0 and 1 for several labels.
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more; a weight of 2 counts a row twice.
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
        self._fit(
            X,
            y,
            sample_weight,
            Call(callbacks=callbacks, log_every=log_every, checkpoint=checkpoint, checkpoint_every=checkpoint_every),
            validation_data,
        )
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train one epoch over the given rows, from where the last call stopped.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        y : array-like
            Classes, (n,), or (n, labels) of 0 and 1 for several labels.
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more.
        classes : array-like, optional
            All classes that will ever occur, (n_classes,), needed in the first call.

        Returns
        -------
        estimator
            Itself, fitted.

        Raises
        ------
        ValueError
            For bad data and for class_weight="balanced", in scikit-learn's words.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' weights, use "
                "compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large enough "
                "sample of the full training set target to properly estimate the class frequency distributions. Pass "
                "the resulting weights as the class_weight parameter."
            )
        if classes is not None:
            classes = to_host(check_labels("classes", classes))
            if classes.ndim != 1:
                raise ValueError(f"classes has the shape {classes.shape}: give all classes, (n_classes,), once.")
        y = check_targets(y, numeric=False)
        with told_of("classes", classes):
            first = _check_partial_fit_first_call(self, classes)
        if first:
            known = np.asarray(self.classes_)
            several = y is not None and len(y.shape) == 2 and (found := labels_of(y)).kind == "multilabel"
            self._targets = ClassTargets(replace(found, classes=known) if several else labels_of(known))
        self._fit(X, y, sample_weight, Call(incremental=True))
        return self

    def predict(self, X: Any) -> Array:
        """Predict the most probable class of each row, or the labels that are more likely than not.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).

        Returns
        -------
        array
            Classes, (n,), or labels, (n, labels).
        """
        return self._predict(X)

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of every class, or of every label.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).

        Returns
        -------
        array
            Probabilities, (n, n_classes), in the order of `classes_`, or (n, labels).
        """
        return self._probabilities(X, "predict_proba")

    def _probabilities(self, X: Any, method: str) -> Array:
        values, _ = self._predict_values(X, method)
        if self._targets.labels.kind == "binary":
            return array_namespace(values).concat([1.0 - values, values], axis=1)
        return values

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithms of `predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).

        Returns
        -------
        array
            Logarithms, (n, n_classes) or (n, labels); -inf where a probability is 0.
        """
        probabilities = self._probabilities(X, "predict_log_proba")
        with np.errstate(divide="ignore"):
            return array_namespace(probabilities).log(probabilities)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Measure the accuracy.

        Parameters
        ----------
        X : array-like or sparse matrix
            The rows, (n, features).
        y : array-like
            Classes, (n,), or (n, labels) of 0 and 1 for several labels.
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more.

        Returns
        -------
        float
            The share of rows whose class is right; for several labels, with every label right.
        """
        found, truth = to_host(self.predict(X)), to_host(check_targets(y, numeric=False))
        weight = None if sample_weight is None else relative_weights(row_weights(sample_weight, len(found)))
        with told_of("y", truth):
            return float(accuracy_score(truth, found, sample_weight=weight))

    def _targets_of(self, y: Any, *, incremental: bool, rates: bool = False) -> ClassTargets:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            return ClassTargets(labels_of(y), self.class_weight)
        targets = ClassTargets(self._targets.labels, self.class_weight)
        targets.check_continued(y, same=self.warm_start)
        return targets

    def __sklearn_tags__(self) -> Any:
        """Several labels a row are accepted."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
