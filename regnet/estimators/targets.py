"""What y means to a network: classes or values, how they become its targets and come back, and how rows count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.placement import Placement, to_host
from regnet.estimators.labels import Labels, labels_of
from regnet.mathematics.losses import Loss, Quantiles, as_columns, has_logarithms
from regnet.mathematics.metrics import d2_of, r2_of
from regnet.mathematics.weighting import RowWeights, combine_weights

__all__ = ["ClassTargets", "Targets", "ValueTargets"]


class Targets(Protocol):
    """What an estimator knows of y. numeric: whether y holds numbers, as scikit-learn's check of y takes them."""

    numeric: ClassVar[bool]

    @property
    def loss(self) -> str | Loss:
        """The data loss that is minimised."""

    @property
    def classes(self) -> NDArray[Any] | None:
        """The classes, or the numbers of several labels, sorted; None for values."""

    @property
    def out_activation(self) -> str:
        """scikit-learn's name of the output function that goes with the loss."""

    @property
    def has_units(self) -> bool:
        """Whether outputs are in units of y, so that standardised targets are learnt as well."""

    def of_learnt(self) -> Targets:
        """The targets of what the network learns itself, where that is not y: of rates for counts over exposures."""

    def check(self, y: Array, /) -> None:
        """Raise ValueError or TypeError for further targets that are not of the kind that is trained on."""

    def encode(self, y: Array, /) -> Array:
        """Checked y as the network's targets, (n, outputs), where y lives."""

    def decode(self, values: Array, placement: Placement | None, /) -> Array:
        """Predictions in the form of y for probabilities or values (n, outputs); placement: see `Labels.decode`."""

    def weigh(self, y: Array, sample_weight: RowWeights, /, *, train: Array = None) -> RowWeights:
        """The weight of each row of y, (n,) on the host, or None for equal ones.

        train: for rows that are held out, the training targets, in which classes have their weights.
        """

    def missing_from(self, y: NDArray[Any], /) -> NDArray[Any]:
        """The classes that no row of y has."""

    def stratify_by(self, encoded: Array, /) -> NDArray[Any] | None:
        """What an early-stopping split of encoded targets is stratified by, on the host, or None."""

    def score(self, values: NDArray[Any], encoded: NDArray[Any], weight: RowWeights, /) -> float:
        """scikit-learn's score of the outputs' values (n, outputs) for encoded targets, all on the host."""


@final
@dataclass(frozen=True)
class ClassTargets:
    """Class labels, or several labels a row; class_weight: as scikit-learn takes it."""

    numeric: ClassVar[bool] = False
    has_units: ClassVar[bool] = False
    labels: Labels
    class_weight: Any = None

    @property
    def loss(self) -> str:
        """See Targets."""
        return self.labels.loss

    @property
    def classes(self) -> NDArray[Any]:
        """See Targets."""
        return self.labels.classes

    @property
    def out_activation(self) -> str:
        """See Targets."""
        return "softmax" if self.labels.kind == "multiclass" else "logistic"

    def of_learnt(self) -> ClassTargets:
        """See Targets."""
        return self

    def check(self, y: Array, /) -> None:
        """See Targets."""
        unknown = np.setdiff1d(labels_of(y).classes, self.classes)
        if len(unknown):
            raise ValueError(
                f"validation_data: y has classes {unknown} that are not in `self.classes_`: {self.classes}."
            )

    def check_continued(self, y: Array, /, *, same: bool) -> None:
        """Raise ValueError where training cannot go on with y: unknown classes, or, if `same`, not all of them."""
        classes, known = labels_of(y).classes, self.classes
        if same and set(classes) != set(known):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {known}, `y` has {classes}"
            )
        if not same and len(np.setdiff1d(classes, known, assume_unique=True)):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {classes}.")

    def encode(self, y: Array, /) -> Array:
        """See Targets."""
        return self.labels.encode(y)

    def decode(self, values: Array, placement: Placement | None, /) -> Array:
        """See Targets. Labels that came as a sparse matrix go back as one."""
        labels = self.labels.decode(values, placement)
        return csr_matrix(to_host(labels)) if self.labels.sparse else labels

    def weigh(self, y: Array, sample_weight: RowWeights, /, *, train: Array = None) -> RowWeights:
        """See Targets."""
        if self.class_weight is None:
            return sample_weight
        weight = self._class_weights(to_host(y), to_host(train))
        return weight if sample_weight is None else combine_weights(weight, sample_weight)

    def _class_weights(self, y: NDArray[Any], train: NDArray[Any] | None) -> NDArray[np.float64]:
        """The class weight of each row, (n,); a dict's refer to all classes, whichever of them y has."""
        if isinstance(self.class_weight, dict) and self.labels.kind != "multilabel":
            by_class = compute_class_weight(self.class_weight, classes=self.classes, y=y)
            return np.asarray(by_class[np.searchsorted(self.classes, y)])
        if train is None:
            return np.asarray(compute_sample_weight(self.class_weight, y))
        by_share = isinstance(self.class_weight, str)  # 'balanced'; 0 for what no training row is
        indices = np.arange(len(train)) if by_share else None
        both = compute_sample_weight(self.class_weight, np.concatenate([train, y]), indices=indices)
        return np.asarray(both[len(train) :])

    def missing_from(self, y: NDArray[Any], /) -> NDArray[Any]:
        """See Targets; none of several labels a row, of which each is yes or no."""
        if self.labels.kind == "multilabel":
            return self.classes[:0]
        return np.setdiff1d(self.classes, np.unique(y))

    def stratify_by(self, encoded: Array, /) -> NDArray[Any] | None:
        """See Targets; by the class if there are two, as scikit-learn 1.9 does."""
        return to_host(encoded) if encoded.shape[1] == 1 else None

    def score(self, values: NDArray[Any], encoded: NDArray[Any], weight: RowWeights, /) -> float:
        """Accuracy; for several labels the share of rows with every label right."""
        truth = self.labels.decode(np.asarray(encoded, dtype=np.float64), None)
        return float(accuracy_score(truth, self.labels.decode(values, None), sample_weight=weight))


@final
@dataclass(frozen=True)
class ValueTargets:
    """Numbers, one or several a row, and the loss that measures residuals.

    rates: whether y are counts over exposures, of which a unit's are predicted.
    """

    numeric: ClassVar[bool] = True
    classes: ClassVar[None] = None
    loss: Loss
    rates: bool = False

    @property
    def out_activation(self) -> str:
        """See Targets."""
        return "exp" if has_logarithms(self.loss) else "identity"

    @property
    def has_units(self) -> bool:
        """See Targets; logarithms of a ratio are none of its parts."""
        return not has_logarithms(self.loss)

    def of_learnt(self) -> ValueTargets:
        """See Targets."""
        return replace(self, rates=False)

    def check(self, y: Array, /) -> None:
        """See Targets."""
        if isinstance(y, np.ndarray) and y.dtype.kind not in "fiub":
            raise TypeError(f"y holds values of type {y.dtype}, but a regression takes numbers.")
        if has_logarithms(self.loss):
            from_zero = self.loss.kind == "nonnegative"
            if bool(array_namespace(y).any(y < 0 if from_zero else y <= 0)):
                raise ValueError(
                    f"Some value(s) of y are out of the valid range of the loss {type(self.loss).__name__}: it takes "
                    f"y {'>=' if from_zero else '>'} 0."
                )

    def encode(self, y: Array, /) -> Array:
        """See Targets."""
        return as_columns(self.loss, y[:, None] if y.ndim == 1 else y)

    def decode(self, values: Array, placement: Placement | None, /) -> Array:
        """See Targets; one output is (n,)."""
        return values[:, 0] if values.shape[1] == 1 else values

    def weigh(self, y: Array, sample_weight: RowWeights, /, *, train: Array = None) -> RowWeights:
        """See Targets."""
        return sample_weight

    def missing_from(self, y: NDArray[Any], /) -> NDArray[Any]:
        """See Targets; there are no classes."""
        return y[:0]

    def stratify_by(self, encoded: Array, /) -> NDArray[Any] | None:
        """See Targets; by nothing."""
        return None

    def score(self, values: NDArray[Any], encoded: NDArray[Any], weight: RowWeights, /) -> float:
        """R2, averaged over outputs; of several quantiles D2, since no mean is predicted. NaN for values that are not

        finite.
        """
        if not np.isfinite(values).all():
            return float("nan")
        return (
            r2_of(encoded, values, weight)
            if type(self.loss) is not Quantiles
            else d2_of(encoded, values, weight, self.loss)
        )
