"""What the classifier and the regressor share: fit, predictions, and what a fitted network tells of its penalty."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from regnet.estimators import inputs as data
from regnet.estimators import parameters
from regnet.estimators.compacting import compact_weights
from regnet.estimators.full_batch import fit_full_batch
from regnet.estimators.stochastic import Call, fit_stochastic
from regnet.estimators.stopping import stops_by_score
from regnet.estimators.weights import draw_weights, params_of, weights_of
from regnet.generic import BLOCK_ELEMENTS
from regnet.losses import Loss, get_loss
from regnet.model import Model, apply_in_blocks
from regnet.namespace import array_namespace
from regnet.network import Network
from regnet.objective import Objective
from regnet.problem import Problem, assemble
from regnet.registry import Placement
from regnet.tree import tree_map
from regnet.types import Array, Tree

__all__ = ["BaseMLP", "is_stochastic"]

FULL_BATCH = ("lbfgs", "fista")


def is_stochastic(estimator: Any, /) -> bool:
    """Whether the solver takes batches, which `partial_fit` needs; raises AttributeError in scikit-learn's words."""
    if estimator.solver in FULL_BATCH:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The parts that do not depend on what is predicted."""

    _parameter_constraints: ClassVar[dict[str, Any]] = parameters.CONSTRAINTS
    _numeric_targets: ClassVar[bool]

    @abstractmethod
    def _learn_targets(self, y: Any, *, reset: bool, incremental: bool) -> None:
        """Take note of what y consists of."""

    @abstractmethod
    def _encode(self, y: Any) -> Any:
        """Checked y as the network's targets, (n, outputs), where y lives."""

    @abstractmethod
    def _data_loss(self) -> tuple[str | Loss, str]:
        """The data loss, and scikit-learn's name of the output function that goes with it."""

    @abstractmethod
    def _weigh(self, y: Any, sample_weight: Any) -> Any:
        """The weight of each row, (n,), or None."""

    @abstractmethod
    def _stratify(self, targets: Any) -> Any:
        """What an early-stopping split is stratified by, on the host, or None."""

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, call: Call, validation_data: tuple[Any, ...] | None = None
    ) -> None:
        """Check, place, train, keep."""
        self._validate_params()
        network, problem, host = self._prepare(X, y, sample_weight, call, validation_data)
        objective = Objective(network, problem.placement, problem.train, problem.hyper.strengths)
        if self.solver in FULL_BATCH:
            point = fit_full_batch(self, objective, problem.state.point, problem.placement)
        else:
            point = self._fit_batches(network, problem, host, call)
        kept = network.unpack(point)
        self.coefs_, self.intercepts_ = weights_of(tree_map(problem.placement.backend.to_numpy, kept) if host else kept)
        if not call.incremental:
            self.kkt_residual_ = float(objective.residual(point)[0])

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, call: Call, validation_data: tuple[Any, ...] | None
    ) -> tuple[Network, Problem, bool]:
        """The network, its problem on the device, and whether results go back to the host."""
        hidden, stochastic = parameters.widths_of(self), self.solver not in FULL_BATCH
        reset = not hasattr(self, "coefs_") or (not self.warm_start and not call.incremental)
        given = data.check_fit_inputs(self, X, y, sample_weight, reset=reset, numeric=self._numeric_targets)
        penalties = parameters.make_penalties(self, given.x.shape[1])
        self._learn_targets(given.y, reset=reset, incremental=call.incremental)
        placement, table = given.placement, data.dense_rows(given.x, given.placement)
        rows = (table, self._encode(given.y), self._weigh(given.y, given.weight))
        self._random_state = check_random_state(self.random_state)
        loss, self.out_activation_ = self._data_loss()
        widths = [table.shape[1], *hidden, rows[1].shape[1]]
        network = parameters.make_network(self, widths, loss, dropout=self.dropout)
        if network.has_dropout and not stochastic:
            raise ValueError(f"dropout={self.dropout} needs batches, and solver={self.solver!r} has none: use 'adam'.")
        if reset:
            self._initialize(network, placement.dtype)
        if call.incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        held_out = None
        if validation_data is not None:
            held_out = self._check_validation(validation_data)
        elif stops_by_score(self) and stochastic:
            rows, held_out = self._split(placement, rows)
        problem = assemble(
            network,
            placement,
            data.make_rows(placement, *rows),
            None if held_out is None else data.make_rows(placement, *held_out),
            optimizer=parameters.make_optimizer(self),
            penalties=penalties,
            batch_size=parameters.batch_rows(self, rows[0].shape[0]) if stochastic else None,
            params=params_of(network, placement, self.coefs_, self.intercepts_),
            seed=int(self._random_state.randint(np.iinfo(np.int32).max)) if network.has_dropout else 0,
            batch_l2=self._batch_l2(rows[0], rows[2]),
        )
        return network, problem, given.host

    def _fit_batches(self, network: Network, problem: Problem, host: bool, call: Call) -> Array:
        """The point that training by batches ends at; remembers what `partial_fit` goes on from."""
        resume = getattr(self, "_resumable", None) if call.incremental else None
        optimizer = parameters.make_optimizer(self)
        point, resumable = fit_stochastic(self, network, problem, optimizer, resume=resume, call=call)
        give = problem.placement.backend.to_numpy if host else (lambda slot: slot)
        self._resumable = resumable._replace(slots=[give(slot) for slot in resumable.slots])
        return point

    def _initialize(self, network: Network, dtype: str) -> None:
        """Draw the first weights and forget earlier training."""
        self.n_layers_ = len(network.dense_layers) + 1
        self.n_outputs_ = network.out_features
        self.t_ = self.n_iter_ = 0
        self.coefs_, self.intercepts_ = draw_weights(self, network, self._random_state, dtype)
        for name in ("kept_inputs_", "_resumable", "history_"):
            if hasattr(self, name):
                delattr(self, name)
        if self.solver not in FULL_BATCH:
            scored = stops_by_score(self)
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            self.validation_scores_: list[float] | None = [] if scored else None
            self.best_validation_score_ = -np.inf if scored else None
            self.best_loss_ = None if scored else np.inf

    def _check_validation(self, validation_data: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        if len(validation_data) not in (2, 3):
            raise ValueError("validation_data must be (X, y) or (X, y, sample_weight).")
        x, y, *weight = validation_data
        given = data.check_fit_inputs(
            self, x, y, weight[0] if weight else None, reset=False, numeric=self._numeric_targets
        )
        return data.dense_rows(given.x, given.placement), self._encode(given.y), given.weight

    def _split(self, placement: Placement, rows: tuple[Any, Any, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Set aside `validation_fraction` of the rows: the ones that scikit-learn would."""
        train, held_out = train_test_split(
            np.arange(rows[0].shape[0]),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._stratify(rows[1]),
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )

        def take(values: Any, numbers: Any) -> Any:
            if values is None or isinstance(values, np.ndarray):
                return None if values is None else values[numbers]
            return array_namespace(values).take(values, placement.put(numbers, "int32"), axis=0)

        return tuple(take(one, train) for one in rows), tuple(take(one, held_out) for one in rows)

    def _batch_l2(self, table: Array, weight: Any) -> float:
        """scikit-learn's alpha / (2 * sum of the weights), which a step divides by the batch's share of them."""
        total = table.shape[0] if weight is None else float(array_namespace(weight).sum(weight))
        return parameters.alpha_of(self) / (2.0 * total)

    def _fitted(self, placement: Placement) -> tuple[Network, Tree]:
        """The fitted network; its widths come from the weights, which `compact` may have narrowed."""
        widths = [self.coefs_[0].shape[0], *(weight.shape[1] for weight in self.coefs_)]
        network = parameters.make_network(self, widths, self._data_loss()[0])
        return network, params_of(network, placement, self.coefs_, self.intercepts_)

    def _predict_values(self, X: Any, method: str) -> tuple[Array, Placement | None]:
        """Probabilities or values (n, outputs), and where they are (None: NumPy arrays)."""
        check_is_fitted(self)
        kept = getattr(self, "kept_inputs_", None)
        if kept is not None and np.ndim(X) == 2 and X.shape[1] == len(kept):
            X = data.select_columns(X, kept)
        table, placement, host = data.check_predict_input(self, X, method)
        network, params = self._fitted(placement)
        with placement.backend.session(placement.device):
            values = get_loss(network.loss).predict(_outputs(network, params, table, placement))
        return (placement.backend.to_numpy(values), None) if host else (values, placement)

    @property
    def model_(self) -> Model:
        """The trained network as a `Model`, which `regnet.save` takes."""
        placement = data.placement_of_fitted(self)
        return Model(*self._fitted(placement), placement)

    @property
    def selected_features_(self) -> Array:
        """Boolean (n_features_in_,): the inputs with at least one first-layer weight that is not exactly 0."""
        return array_namespace(self.coefs_[0]).any(self.coefs_[0] != 0, axis=1)

    @property
    def sparsity_(self) -> float:
        """The share of all weights (not biases) that are exactly 0."""
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
                setattr(small, name, value)
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


def _outputs(network: Network, params: Tree, table: Any, placement: Placement) -> Array:
    if not issparse(table):
        return apply_in_blocks(network, params, placement.put(table))
    size, table = max(1, BLOCK_ELEMENTS // table.shape[1]), table.tocsr()
    starts = range(0, table.shape[0], size)
    blocks = [data.dense_rows(table[start : start + size], placement) for start in starts]
    outputs = [apply_in_blocks(network, params, block) for block in blocks]
    return array_namespace(outputs[0]).concat(outputs, axis=0)
