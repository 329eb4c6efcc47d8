"""From a table and a splitter to folds: checked, transformed and standardised on the training rows of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _check_feature_names, _check_n_features

from regnet.backend.config import asked_dtype, config_context
from regnet.backend.given import unmasked
from regnet.backend.placement import Placement, dtype_name, is_host_data, to_host
from regnet.estimators import inputs as data
from regnet.estimators.exposure import as_rates, log_exposure
from regnet.estimators.fitted import write_targets
from regnet.estimators.targets import Targets
from regnet.mathematics.losses import Huber
from regnet.mathematics.scaling import Affine, scale_of, unscaled
from regnet.mathematics.weighting import equal_weights, weight_shares
from regnet.selection.columns import columns_of
from regnet.selection.settings import Estimator, SweepSettings
from regnet.selection.table_encoding import what_to_encode
from regnet.sweep.fold import Fold
from regnet.sweep.inputs import Inputs, TakenRows
from regnet.tables.frame import take_rows

__all__ = ["Checked", "check_table", "make_folds"]


class Checked(NamedTuple):
    """A user's table: x as given (for a transformer and for scorers), table (n, in) or None if a transformer comes

    first, y (n,) or (n, outputs) and weight (n,) or None on the host; where to compute; whether x came from the host.

    Where rows have exposures y are rates per unit of exposure, learnt per e^log_unit of it, and weight has what makes
    of their deviances those of the counts; row_weight has not, by which inputs are standardised.
    """

    x: Any
    table: NDArray[Any] | None
    y: Any
    weight: Any
    placement: Placement
    host: bool
    row_weight: Any = None
    log_unit: float = 0.0
    exposed: bool = False


def check_table(
    template: Estimator,
    x: Any,
    y: Any,
    sample_weight: Any,
    preprocessor: Any = None,
    *,
    offset: Any = None,
    exposure: Any = None,
) -> Checked:
    """Check the arguments of `fit` in scikit-learn's words, and teach the template the targets' classes.

    offset, exposure: see `log_exposure`.
    """
    if preprocessor is None:
        try:
            given = _check_values(template, x, y, sample_weight)
        except (TypeError, ValueError) as error:
            reason = what_to_encode(x)
            if reason is None:
                raise
            raise ValueError(f"X: {reason}.") from error
        table = to_host(given.x)
        table = table.toarray() if hasattr(table, "toarray") else np.asarray(table)
    else:
        x = to_host(x)
        x = unmasked("X", x) if isinstance(x, np.ma.MaskedArray) else x
        check_consistent_length(x, y, sample_weight)
        stand_in = np.zeros((len(y), 1), dtype=np.float64)
        given = data.check_fit_inputs(
            template, stand_in, to_host(y), to_host(sample_weight), reset=True,
            numeric=template._targets_class.numeric,
        )  # fmt: skip
        del template.n_features_in_
        if len(np.shape(x)) == 2:  # a list of texts has no columns
            _check_feature_names(template, x, reset=True)
            _check_n_features(template, x, reset=True)
        table = None
    host_y, weight = to_host(given.y), to_host(given.weight)
    host_y = host_y.toarray() if hasattr(host_y, "toarray") else host_y
    exposed = offset is not None or exposure is not None
    targets: Targets = template._targets_of(host_y, incremental=False, rates=exposed)
    write_targets(template, targets)
    rates = as_rates(host_y, weight, log_exposure(offset, exposure, len(host_y), targets.loss), targets.loss)
    data.check_weight(targets.weigh(host_y, rates.weight))
    per_unit = rates.y / np.exp(rates.log_unit) if rates.log_unit else host_y
    return Checked(x, table, per_unit, rates.weight, given.placement, given.host, weight, rates.log_unit, exposed)


def _check_values(template: Estimator, x: Any, y: Any, sample_weight: Any) -> data.Inputs:
    """The checked arguments, with all digits that x has: it is standardised before it gets the type to compute in."""
    numeric = template._targets_class.numeric
    if not is_host_data(x):
        given = data.check_fit_inputs(template, x, y, sample_weight, reset=True, numeric=numeric)
        return given if dtype_name(x) else given._replace(x=x)
    with config_context(dtype="float64"):
        given = data.check_fit_inputs(template, x, y, sample_weight, reset=True, numeric=numeric)
    dtype = given.placement.dtype if dtype_name(x) else asked_dtype() or "float64"
    return given._replace(placement=given.placement._replace(dtype=dtype))


def make_folds(
    settings: SweepSettings,
    template: Estimator,
    checked: Checked,
    splits: Sequence[tuple[Any, Any]],
    *,
    class_weighted: bool = False,
) -> list[Fold]:
    """One fold for every (training rows, held-out rows). Nothing of a fold is learned from its held-out rows.

    class_weighted: whether held-out rows have the class weights of the training rows, beside their own weights.
    Raises ValueError for a fold whose training rows lack a class, or whose transformer makes another number of columns.
    """
    folds: list[Fold] = []
    threshold = settings.standardize and type(template._targets.loss) is Huber
    unit = _common_unit(template._targets, checked) if threshold else None
    for number, (train, test) in enumerate(splits):
        fold = _make_fold(
            settings, template._targets, checked, number, np.asarray(train), np.asarray(test), class_weighted, unit
        )  # fmt: skip
        if folds and fold.n_inputs != folds[0].n_inputs:
            raise ValueError(
                f"preprocessor makes {folds[0].n_inputs} columns of fold 0, but {fold.n_inputs} of fold {number}: "
                "a path needs the same columns in every fold (OneHotEncoder(categories=...), for example)."
            )
        folds.append(fold)
    factors = columns_of(settings, template, folds).factors
    return folds if factors is None else [_without(fold, np.isinf(factors)) for fold in folds]


def _without(fold: Fold, left_out: NDArray[np.bool_]) -> Fold:
    """The fold with 0 in columns that are left out: no weight of theirs leaves 0."""
    inputs, held_out = (one.without(left_out) for one in (fold.inputs, fold.held_out))
    return replace(fold, inputs=inputs, held_out=held_out, left_out=left_out)


def _make_fold(
    settings: SweepSettings,
    targets: Targets,
    checked: Checked,
    number: int,
    train: NDArray[Any],
    test: NDArray[Any],
    class_weighted: bool,
    unit: float | None,
) -> Fold:
    dtype = checked.placement.dtype
    if not len(train):
        raise ValueError(f"Fold {number} has no training rows.")
    own_y = checked.y[train]
    _check_classes(targets, own_y, number)
    given = None if checked.weight is None else checked.weight[train]
    weight = targets.weigh(own_y, given)
    weight = equal_weights(len(train)) if weight is None else np.asarray(weight, dtype=np.float64)
    weight_test = None if checked.weight is None else checked.weight[test]
    if class_weighted and len(test):
        weight_test = targets.weigh(checked.y[test], weight_test, train=own_y)
    weight_test = equal_weights(len(test)) if weight_test is None else np.asarray(weight_test, dtype=np.float64)
    whose = "class_weight" if given is None else "sample_weight"
    if not weight.any():
        raise ValueError(f"Fold {number}: all training rows have weight 0, by {whose}.")
    if len(test) and not weight_test.any():
        raise ValueError(f"Fold {number}: all held-out rows have weight 0, by {whose}.")
    transformer = None
    if settings.preprocessor is None:
        if checked.table is None:
            raise AssertionError("a table that no transformer makes is checked before")
        everything = len(train) == len(checked.table) and bool((train == np.arange(len(train))).all())
        x, x_test = TakenRows(checked.table, None if everything else train), TakenRows(checked.table, test)
    else:
        transformer = clone(settings.preprocessor)
        made = _as_table(transformer.fit_transform(take_rows(checked.x, train), own_y))
        held_out = made[:0] if not len(test) else _as_table(transformer.transform(take_rows(checked.x, test)))
        x, x_test = TakenRows(made, None), TakenRows(held_out, None)
    y = np.asarray(targets.encode(own_y), dtype=np.float64)
    y_test = np.asarray(targets.encode(checked.y[test]), dtype=np.float64) if len(test) else y[:0]
    scaled = settings.standardize
    of_y = scale_of(y, weight) if scaled and targets.has_units else unscaled(y.shape[1])
    of_y = of_y if unit is None else of_y._replace(scale=np.full(y.shape[1], unit))
    of_y = of_y._replace(center=of_y.center - checked.log_unit)
    if checked.exposed:
        weight_of_x = equal_weights(len(train)) if checked.row_weight is None else checked.row_weight[train]
    else:
        weight_of_x = weight
    affine = Affine.of(scale_of(x, weight_of_x) if scaled else unscaled(x.shape[1]), of_y)
    y = affine.standardise_targets(y) if targets.has_units else y * np.exp(checked.log_unit)
    inputs, held_out_inputs = (Inputs(one, affine, dtype) for one in (x, x_test))
    if transformer is not None:  # its table is this fold's own
        inputs, held_out_inputs = inputs.kept(), held_out_inputs.kept()
    with np.errstate(over="ignore"):
        total_weight = float(weight.sum())
    return Fold(
        inputs, y.astype(dtype), weight_shares(weight), total_weight, held_out_inputs, y_test,
        weight_test, affine, train, test, transformer,
    )  # fmt: skip


def _common_unit(targets: Targets, checked: Checked) -> float:
    """What the targets of every fold and output are divided by where the loss has a threshold in their units.

    Root mean square over outputs of their standard deviations over all rows: a scale of each fold's own would be a
    threshold of its own, and one of all changes nothing but the unit of the strengths.
    """
    y = np.asarray(targets.encode(checked.y), dtype=np.float64)
    weight = equal_weights(len(y)) if checked.weight is None else np.asarray(checked.weight, dtype=np.float64)
    found = scale_of(y, weight)
    spread = np.where(found.constant, 0.0, found.scale)
    largest = float(spread.max())
    return largest * float(np.sqrt(np.mean((spread / largest) ** 2))) if largest > 0 else 1.0


def _check_classes(targets: Targets, y: NDArray[Any], number: int) -> None:
    missing = targets.missing_from(y)
    if len(missing):
        raise ValueError(
            f"Fold {number}: no training row is of class {str(missing[0])!r}, so no network can learn it there: have "
            "more rows of that class, fewer folds, or a StratifiedKFold."
        )


def _as_table(values: Any) -> NDArray[Any]:
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(to_host(values))
    if values.dtype.kind not in "fiub" or not np.isfinite(values).all():
        raise ValueError("preprocessor must return finite numbers.")
    return np.asarray(values, dtype=np.float64)
