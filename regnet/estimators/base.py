"""What the classifier and the regressor share: fit, predictions, and what a fitted network tells of its penalty."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import tree_map
from regnet.arrays.types import Array, Tree
from regnet.backend.blocks import BLOCK_ELEMENTS
from regnet.backend.placement import Placement
from regnet.estimators import inputs as data
from regnet.estimators import parameters
from regnet.estimators.compacting import compact_weights
from regnet.estimators.full_batch import fit_full_batch
from regnet.estimators.preparation import FULL_BATCH, check_call, prepare
from regnet.estimators.stochastic import Call, fit_stochastic
from regnet.estimators.targets import ClassTargets, Targets
from regnet.estimators.weights import draw_weights, params_of, weights_of
from regnet.mathematics.losses import get_loss
from regnet.networks.model import Model, apply_in_blocks
from regnet.networks.network import Network
from regnet.networks.strengths import over_batches
from regnet.solvers.objective import Objective

__all__ = ["BaseMLP", "is_stochastic"]


def is_stochastic(estimator: Any, /) -> bool:
    """Whether the solver takes batches, which `partial_fit` needs; raises AttributeError in scikit-learn's words."""
    if isinstance(estimator.solver, str) and estimator.solver not in ("adam", "sgd"):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The parts that do not depend on what is predicted."""

    _parameter_constraints: ClassVar[dict[str, Any]] = parameters.CONSTRAINTS
    _targets_class: ClassVar[type[Targets]]
    _targets: Targets
    _random_state: np.random.RandomState

    @abstractmethod
    def _targets_of(self, y: Any, *, incremental: bool) -> Targets:
        """What y means; where training goes on, what it meant before. Raises ValueError for y that does not fit."""

    def _learn_targets(self, y: Any, *, incremental: bool = False) -> Targets:
        """Take note of what y means."""
        self._targets = self._targets_of(y, incremental=incremental)
        self.out_activation_ = self._targets.out_activation
        if isinstance(self._targets, ClassTargets):
            self.classes_ = self._targets.labels.classes
        return self._targets

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, call: Call, validation_data: tuple[Any, ...] | None = None
    ) -> None:
        """Check, place, train, keep."""
        _forget(self, "history_", "kkt_residual_")
        check_call(self, call, validation_data)
        prepared = prepare(self, X, y, sample_weight, call, validation_data)
        network, problem = prepared.network, prepared.problem
        strengths = over_batches(problem.hyper.strengths, problem.train.x.shape[-2], problem.batch_rows)
        objective = Objective(network, problem.placement, problem.train, strengths)
        if self.solver in FULL_BATCH:
            point = fit_full_batch(self, network, objective, problem)
        else:
            point, resumable = fit_stochastic(
                self, network, problem, prepared.optimizer, prepared.score, resume=prepared.resume, call=call
            )
            give = problem.placement.backend.to_numpy if prepared.host else (lambda slot: slot)
            self._resumable = resumable._replace(slots=[give(slot) for slot in resumable.slots])
        kept = network.unpack(point)
        give = problem.placement.backend.to_numpy
        self.coefs_, self.intercepts_ = weights_of(tree_map(give, kept) if prepared.host else kept)
        if not call.incremental:
            self.kkt_residual_ = float(objective.residual(point)[0])

    def _initialize(self, network: Network, dtype: str) -> None:
        """Draw the first weights and forget earlier training."""
        self.n_layers_ = len(network.dense_layers) + 1
        self.n_outputs_ = network.out_features
        self.t_ = self.n_iter_ = 0
        self.coefs_, self.intercepts_ = draw_weights(self, network, self._random_state, dtype)
        accounts = (
            "loss_curve_",
            "validation_scores_",
            "best_validation_score_",
            "best_loss_",
            "_no_improvement_count",
        )
        _forget(self, "kept_inputs_", "_resumable", *accounts)

    def _fitted(self, placement: Placement) -> tuple[Network, Tree]:
        """The fitted network; its widths come from the weights, which `compact` may have narrowed."""
        widths = [self.coefs_[0].shape[0], *(weight.shape[1] for weight in self.coefs_)]
        network = parameters.make_network(self, widths, self._targets.loss)
        return network, params_of(network, placement, self.coefs_, self.intercepts_)

    def _predict_values(self, X: Any, method: str) -> tuple[Array, Placement | None]:
        """Probabilities or values (n, outputs), and where they are (None: NumPy arrays)."""
        check_is_fitted(self)
        if hasattr(self, "kept_inputs_"):
            X = data.select_columns(X, self.kept_inputs_)
        table, placement, host = data.check_predict_input(self, X, method)
        network, params = self._fitted(placement)
        with placement.backend.session(placement.device, elements=table.shape[0] * network.width):
            values = get_loss(network.loss).predict(_outputs(network, params, table, placement))
        return (placement.backend.to_numpy(values), None) if host else (values, placement)

    def _predict(self, X: Any) -> Any:
        """Predictions in the form of y."""
        values, placement = self._predict_values(X, "predict")
        return self._targets.decode(values, placement)

    @property
    def model_(self) -> Model:
        """The trained network as a `Model`, which `regnet.save` takes."""
        check_is_fitted(self)
        placement = data.placement_of_fitted(self)
        return Model(*self._fitted(placement), placement)

    @property
    def selected_features_(self) -> Array:
        """Boolean (n_features_in_,): the inputs with at least one first-layer weight that is not exactly 0."""
        check_is_fitted(self)
        return array_namespace(self.coefs_[0]).any(self.coefs_[0] != 0, axis=1)

    @property
    def sparsity_(self) -> float:
        """The share of all weights (not biases) that are exactly 0."""
        check_is_fitted(self)
        xp = array_namespace(self.coefs_[0])
        zeros = sum(int(xp.sum(xp.astype(weight == 0, xp.int32))) for weight in self.coefs_)
        return float(zeros / sum(weight.shape[0] * weight.shape[1] for weight in self.coefs_))

    def compact(self) -> Any:
        """A new estimator without the inputs and hidden neurons that change nothing, with the same predictions.

        It takes the inputs that are left, or the table that the whole estimator took: the boolean `kept_inputs_`
        says which columns of that it uses. Raises NotFittedError before `fit`.
        """
        check_is_fitted(self)
        found = compact_weights(self.coefs_, self.intercepts_, self.activation)
        small = clone(self).set_params(hidden_layer_sizes=tuple(int(weight.shape[1]) for weight in found.weights[:-1]))
        parameter_names = small.get_params()
        for name, value in vars(self).items():
            if name not in (*parameter_names, "_resumable", "history_"):
                setattr(small, name, list(value) if isinstance(value, list) else value)
        small.coefs_, small.intercepts_ = found.weights, found.biases
        small.n_features_in_ = int(found.inputs.sum())
        if hasattr(self, "feature_names_in_"):
            small.feature_names_in_ = self.feature_names_in_[found.inputs]
        if self.penalty_factor is not None:
            small.penalty_factor = np.asarray(self.penalty_factor)[found.inputs]
        small.kept_inputs_ = getattr(self, "kept_inputs_", np.ones(len(found.inputs), dtype=bool)).copy()
        small.kept_inputs_[small.kept_inputs_] = found.inputs
        return small

    def __getstate__(self) -> dict[str, Any]:
        """Pickling makes a new float of alpha, so whether it was given is written down."""
        return {**super().__getstate__(), "_alpha_given": self.alpha is not parameters.DEFAULT_ALPHA}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """See __getstate__."""
        state = dict(state)
        if not state.pop("_alpha_given", True):
            state["alpha"] = parameters.DEFAULT_ALPHA
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """Sparse input and arrays of other libraries are accepted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags


def _forget(estimator: Any, *names: str) -> None:
    for name in names:
        if hasattr(estimator, name):
            delattr(estimator, name)


def _outputs(network: Network, params: Tree, table: Any, placement: Placement) -> Array:
    if not issparse(table):
        return apply_in_blocks(placement.backend, network, params, placement.put(table))
    size, table = max(1, BLOCK_ELEMENTS // table.shape[1]), table.tocsr()
    starts = range(0, table.shape[0], size)
    blocks = [data.dense_rows(table[start : start + size], placement) for start in starts]
    outputs = [apply_in_blocks(placement.backend, network, params, block) for block in blocks]
    return array_namespace(outputs[0]).concat(outputs, axis=0)
