"""`MLPClassifier`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from regnet.estimators.base import BaseMLP, is_stochastic
from regnet.estimators.inputs import to_host
from regnet.estimators.labels import labels_of
from regnet.estimators.parameters import CONSTRAINTS, DEFAULT_ALPHA
from regnet.estimators.stochastic import Call
from regnet.estimators.targets import ClassTargets
from regnet.mathematics.weighting import relative_weights
from regnet.training.trainer import Callback

__all__ = ["MLPClassifier"]


@final
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A dense network for classes: scikit-learn's `MLPClassifier`, with penalties of its own and on any array library.

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
    class_weight: None, 'balanced', a dict {class: weight}, or a list of dicts for several labels.

    Fitted attributes are scikit-learn's (classes_, coefs_, intercepts_, loss_, best_loss_, loss_curve_,
    validation_scores_, best_validation_score_, t_, n_iter_, n_layers_, n_outputs_, out_activation_, n_features_in_,
    feature_names_in_), and: selected_features_ (inputs with a weight that is not 0), sparsity_ (share of weights that
    are 0), kkt_residual_ (largest entry of the objective's smallest subgradient on the training rows, with alpha as
    an epoch's batches have it on average: 0 at an optimum), model_ (the network, for `regnet.save`), history_ (if
    `fit` was given log_every, callbacks or validation_data).

    X: NumPy arrays, lists, frames and sparse matrices go where REGNET_BACKEND says and give NumPy arrays back; arrays
    of PyTorch, JAX or CuPy stay on their device, and what `fit` learns and `predict` returns are arrays there.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> clf = MLPClassifier((16,), solver="fista", input_l1=0.05, weight_l2=[0, 0.01], random_state=0).fit(X, y)
    >>> clf.selected_features_.tolist(), round(clf.score(X, y), 2)
    ([False, False, True, True], 0.96)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }
    _targets_class = ClassTargets
    loss: ClassVar[str] = "log_loss"  # scikit-learn's name of what is minimised; no parameter there either
    _targets: ClassTargets
    classes_: NDArray[Any]

    def __init__(
        self,
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
        class_weight: Any = None,
    ) -> None:
        """See the class."""
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
        self.class_weight = class_weight

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
        """Train on X (n, features) and y (n,), or (n, labels) of 0 and 1 for several labels); returns the estimator.

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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One epoch over the given rows, from where the last call stopped; returns the estimator.

        classes: all classes that will ever occur, (n_classes,), needed in the first call.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' weights, use "
                "compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large enough "
                "sample of the full training set target to properly estimate the class frequency distributions. Pass "
                "the resulting weights as the class_weight parameter."
            )
        if _check_partial_fit_first_call(self, None if classes is None else to_host(classes)):
            known = np.asarray(self.classes_)
            several = np.ndim(y) == 2 and (found := labels_of(y)).kind == "multilabel"
            self._targets = ClassTargets(replace(found, classes=known) if several else labels_of(known))
        self._fit(X, y, sample_weight, Call(incremental=True))
        return self

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, (n,), or the labels that are more likely than not, (n, labels)."""
        return self._predict(X)

    def predict_proba(self, X: Any) -> Array:
        """The probability of every class (n, n_classes), in the order of `classes_`, or of every label (n, labels)."""
        return self._probabilities(X, "predict_proba")

    def _probabilities(self, X: Any, method: str) -> Array:
        values, _ = self._predict_values(X, method)
        if self._targets.labels.kind == "binary":
            return array_namespace(values).concat([1.0 - values, values], axis=1)
        return values

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`; -inf where a probability is 0."""
        probabilities = self._probabilities(X, "predict_log_proba")
        with np.errstate(divide="ignore"):
            return array_namespace(probabilities).log(probabilities)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on X and y (for several labels: the share of rows with every label right)."""
        weight = None if sample_weight is None else relative_weights(to_host(sample_weight))
        return float(accuracy_score(to_host(y), to_host(self.predict(X)), sample_weight=weight))

    def _targets_of(self, y: Any, *, incremental: bool) -> ClassTargets:
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
