"""What the classifier and the regressor share: fit, predictions, and what a fitted network tells of its penalty."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from array_api_compat import device as device_of
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from regnet.arrays.namespace import array_namespace
from regnet.arrays.tree import tree_map
from regnet.arrays.types import Array, Tree
from regnet.backend.blocks import BLOCK_ELEMENTS
from regnet.backend.placement import Placement, to_host
from regnet.estimators import inputs as data
from regnet.estimators import parameters
from regnet.estimators.compacting import compact_weights
from regnet.estimators.exchange.methods import Exchange
from regnet.estimators.exposure import log_exposure, shifted, with_exposure
from regnet.estimators.fitted import Fitted, read_fitted, write_fitted
from regnet.estimators.full_batch import fit_full_batch
from regnet.estimators.grouping import Grouping, some_columns
from regnet.estimators.parameters import FULL_BATCH, Parameters
from regnet.estimators.preparation import Prepared, check_call, prepare
from regnet.estimators.stochastic import Call, fit_stochastic
from regnet.estimators.targets import Targets
from regnet.estimators.weights import params_of, weights_of
from regnet.mathematics.losses import get_loss
from regnet.networks.model import Model, apply_in_blocks
from regnet.networks.network import Network
from regnet.networks.strengths import over_batches
from regnet.solvers.objective import Objective
from regnet.training.checkpoint import Checkpoint

__all__ = ["BaseMLP", "is_stochastic"]


def is_stochastic(estimator: Any, /) -> bool:
    """Whether the solver takes batches, which `partial_fit` needs; raises AttributeError in scikit-learn's words."""
    if isinstance(estimator.solver, str) and estimator.solver not in ("adam", "sgd"):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


@dataclass(kw_only=True, eq=False, repr=False)  # scikit-learn's equality and repr stay
class BaseMLP(BaseEstimator, Parameters, Exchange, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """The parts that do not depend on what is predicted."""

    _parameter_constraints: ClassVar[dict[str, Any]] = parameters.CONSTRAINTS
    _targets_class: ClassVar[type[Targets]]
    _targets: Targets = field(init=False)

    @abstractmethod
    def _targets_of(self, y: Any, *, incremental: bool, rates: bool = False) -> Targets:
        """What y means; where training goes on, what it meant before. Raises ValueError for y that does not fit.

        rates: whether rows have exposures, for values alone.
        """

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, call: Call, validation_data: tuple[Any, ...] | None = None
    ) -> None:
        """Check, place, train, keep; training that raises an error leaves the first weights, as in scikit-learn."""
        check_call(self, call, validation_data)
        call = call._replace(held_out=validation_data is not None)
        prepared = prepare(self, X, y, sample_weight, call, validation_data)
        fitted, file = prepared.start, None
        try:
            fitted, file = self._train(prepared, call)
        finally:
            write_fitted(self, fitted)
        if file is not None:
            file.check_written()

    def _train(self, prepared: Prepared, call: Call) -> tuple[Fitted, Checkpoint | None]:
        """What training makes of `prepared.start`, whose progress is kept up to date; the file of a checkpoint."""
        start, network, problem = prepared.start, prepared.network, prepared.problem
        strengths = over_batches(problem.hyper.strengths, problem.train.x.shape[-2], problem.batch_rows)
        objective = Objective(network, problem.placement, problem.train, strengths)
        resumable, file = start.resumable, None
        give = problem.placement.backend.to_numpy if prepared.host else (lambda array: array)
        if self.solver in FULL_BATCH:
            point = fit_full_batch(self, network, objective, problem, start.progress)
        else:
            point, resumable, file = fit_stochastic(
                self, network, problem, prepared.optimizer, prepared.score, start.progress,
                resume=prepared.resume, rng=prepared.rng, call=call,
            )  # fmt: skip
            resumable = resumable._replace(slots=[give(slot) for slot in resumable.slots])
        weights, biases = weights_of(tree_map(give, network.unpack(point)))
        biases = shifted(biases, -prepared.log_unit)
        residual = None if call.incremental else float(objective.residual(point)[0])
        return replace(start, weights=weights, biases=biases, kkt_residual=residual, resumable=resumable), file

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

    def _predict(self, X: Any, offset: Any = None, exposure: Any = None) -> Any:
        """Predictions in the form of y; offset, exposure: see `log_exposure`."""
        values, placement = self._predict_values(X, "predict")
        logs = log_exposure(offset, exposure, values.shape[0], self._targets.loss)
        return with_exposure(self._targets.decode(values, placement), logs)

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

    def _groups(self) -> Grouping:
        """Of the inputs. Raises AttributeError where fit was given no input_groups."""
        check_is_fitted(self)
        found: Grouping | None = vars(self).get("_grouping")
        if found is None:
            raise AttributeError("fit was given no input_groups, so that there are no groups to be selected.")
        return found

    @property
    def groups_(self) -> tuple[Any, ...]:
        """The labels of the groups, in the order of their first columns."""
        return self._groups().labels

    @property
    def selected_groups_(self) -> Array:
        """Boolean (groups,), in the order of `groups_`: those with at least one first-layer weight that is not 0."""
        used = self.selected_features_
        xp = array_namespace(used)
        columns = np.asarray(to_host(xp.astype(used, xp.uint8)), dtype=np.bool_)
        return xp.asarray(self._groups().any_of(columns), device=device_of(used))

    @property
    def n_selected_groups_(self) -> int:
        """How many groups are used."""
        used = self.selected_groups_
        xp = array_namespace(used)
        return int(xp.sum(xp.astype(used, xp.int32)))

    @property
    def feature_importances_(self) -> Array:
        """The norm of each input's first-layer weights, divided by the largest, (n_features_in_,): 0 for unused ones.

        Weights are per unit of an input, so that columns must be standardised for it to compare them.
        """
        check_is_fitted(self)
        xp = array_namespace(self.coefs_[0])
        norms = xp.sqrt(xp.sum(self.coefs_[0] ** 2, axis=1))
        largest = xp.max(norms)
        return norms / xp.where(largest > 0, largest, xp.ones_like(largest))

    @property
    def sparsity_(self) -> float:
        """The share of all weights (not biases) that are exactly 0."""
        check_is_fitted(self)
        xp = array_namespace(self.coefs_[0])
        zeros = sum(int(xp.sum(xp.astype(weight == 0, xp.int32))) for weight in self.coefs_)
        return float(zeros / sum(weight.shape[0] * weight.shape[1] for weight in self.coefs_))

    def compact(self) -> Any:
        """Make a new estimator without the inputs and hidden neurons that change nothing, with the same predictions.

        It takes the inputs that are left, or the table that the whole estimator took: the boolean `kept_inputs_` says
        which columns of that it uses.

        Returns
        -------
        estimator
            Of the same class, fitted.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        fitted = read_fitted(self)
        if fitted is None:
            raise AssertionError("the estimator is fitted")
        grouping = fitted.grouping
        found = compact_weights(self.coefs_, self.intercepts_, self.activation, grouping)
        kept = np.ones(len(found.inputs), dtype=bool) if fitted.kept_inputs is None else fitted.kept_inputs.copy()
        kept[kept] = found.inputs
        small = clone(self).set_params(hidden_layer_sizes=tuple(int(weight.shape[1]) for weight in found.weights[:-1]))
        write_fitted(
            small,
            replace(
                fitted,
                weights=found.weights,
                biases=found.biases,
                progress=deepcopy(replace(fitted.progress, history=None)),
                resumable=None,
                kept_inputs=kept,
                grouping=None if grouping is None else grouping.some(found.inputs),
            ),
        )
        small.n_features_in_ = int(found.inputs.sum())
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            small.feature_names_in_ = names[found.inputs]
        small.penalty_factor = some_columns(self.penalty_factor, found.inputs, names)
        small.input_groups = some_columns(self.input_groups, found.inputs, names)
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
        return apply_in_blocks(placement.backend, network, params, placement.put(table))
    size, table = max(1, BLOCK_ELEMENTS // table.shape[1]), table.tocsr()
    starts = range(0, table.shape[0], size)
    blocks = [data.dense_rows(table[start : start + size], placement) for start in starts]
    outputs = [apply_in_blocks(placement.backend, network, params, block) for block in blocks]
    return array_namespace(outputs[0]).concat(outputs, axis=0)
