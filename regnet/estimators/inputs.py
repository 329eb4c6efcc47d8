"""What users hand in: host data are checked by scikit-learn, arrays of other libraries where they are, in its words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import sklearn
from array_api_compat import device as device_of
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import column_or_1d, validate_data

from regnet.arrays.namespace import array_namespace, root_module
from regnet.arrays.types import Array
from regnet.backend.config import asked_dtype, get_config
from regnet.backend.given import check_given, check_labels, check_table, numbers_of, told_of
from regnet.backend.placement import Placement, is_host_data, placement_of, to_host
from regnet.backend.registry import get_backend
from regnet.mathematics.weighting import RowWeights
from regnet.networks.network import Rows
from regnet.networks.rows import place_shares

__all__ = [
    "Inputs",
    "check_fit_inputs",
    "check_predict_input",
    "check_targets",
    "check_weight",
    "dense_rows",
    "make_rows",
    "placement_of_fitted",
    "row_weights",
    "select_columns",
]


CLASSES_ARE = "make numbers of it, or if they are classes take MLPClassifier, and for a search MLPClassifierCV"
"""What to do about text where values are needed."""


class Inputs(NamedTuple):
    """Checked data: x (n, in) and y (n,) or (n, out) where the caller has them; x may be sparse. weight: (n,), on the

    host in float64 whatever x is in, because only the ratios of weights matter, or None.

    placement: where to compute; host: whether results go back to the host as NumPy arrays.
    """

    x: Array
    y: Array
    weight: RowWeights
    placement: Placement
    host: bool


def _float_types() -> tuple[type, ...]:
    """Accepted floating types; data of another type become the first: float64, or what was asked for by name."""
    return (np.float32, np.float64) if asked_dtype() == "float32" else (np.float64, np.float32)


def check_fit_inputs(estimator: Any, x: Any, y: Any, sample_weight: Any, *, reset: bool, numeric: bool) -> Inputs:
    """Check the arguments of `fit`; everything follows x: its library, its device.

    numeric: y holds numbers (regression). Raises what scikit-learn raises, in its words.
    """
    x, y = check_table("X", x), check_targets(y, numeric=numeric)
    if is_host_data(x):
        y = to_host(y)
        if isinstance(y, np.ndarray) and not len(y) and x.shape[0]:
            raise ValueError(f"Found array with 0 sample(s): y has the shape {y.shape}, and X has {x.shape[0]} rows.")
        with told_of("X", x):
            x, y = validate_data(
                estimator,
                x,
                y,
                accept_sparse=["csr", "csc"],
                multi_output=True,
                y_numeric=numeric,
                dtype=_float_types(),
                reset=reset,
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        weight = None if sample_weight is None else row_weights(sample_weight, x.shape[0])
        backend, config = get_backend(), get_config()
        placement = Placement(backend, config.device or backend.default_device(), x.dtype.name)
        return Inputs(x, y, weight, placement, True)
    x, placement = _check_device_table(estimator, x, reset)
    if is_host_data(y):
        y = validate_data(estimator, X="no_validation", y=y, multi_output=True, y_numeric=numeric)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
    else:
        y = _same_library(y, placement)
        xp = array_namespace(y)
        if xp.isdtype(y.dtype, "real floating") and not bool(xp.all(xp.isfinite(y))):
            raise ValueError("Input y contains NaN or infinity.")
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.shape[0] != x.shape[0]:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{x.shape[0]}, {y.shape[0]}]")
    weight = None if sample_weight is None else row_weights(sample_weight, x.shape[0])
    return Inputs(x, y, weight, placement, False)


def check_targets(y: Any, /, *, numeric: bool) -> Array:
    """Numbers (`numeric`), or class labels, where the caller has them; None stays, for scikit-learn to refuse.

    Raises TypeError or ValueError for what would be taken for something else: hidden cells, dates, imaginary parts.
    """
    if y is None or issparse(y):  # labels may be sparse
        return None if y is None else check_given("y", y).tocsr()
    y = numbers_of("y", y, remedy=CLASSES_ARE) if numeric else check_labels("y", y)
    if len(y.shape) not in (1, 2):
        shape = tuple(y.shape)
        raise ValueError(f"y should be a 1d or 2d array, got an array of shape {shape} instead: give one entry a row.")
    return y


def row_weights(sample_weight: Any, rows: int, /) -> NDArray[np.float64]:
    """Checked weights on the host, (rows,); one number is that of all rows.

    Raises TypeError or ValueError for what are none, in scikit-learn's words for a wrong shape.
    """
    weight = np.asarray(to_host(numbers_of("sample_weight", sample_weight)), dtype=np.float64)
    if weight.ndim == 0:
        weight = np.full(rows, weight)
    elif weight.ndim > 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weight.ndim}D array as sample_weight.")
    elif weight.shape != (rows,):
        raise ValueError(f"sample_weight.shape == {weight.shape}, expected {(rows,)}!")
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number: all of sample_weight are 0.")
    check_weight(weight)
    return weight


def check_weight(weight: RowWeights, /) -> RowWeights:
    """The weights (n,) on the host, or None. Raises ValueError where no objective has them."""
    if weight is not None and not ((np.isfinite(weight) & (weight >= 0)).all() and (weight > 0).any()):
        raise ValueError(
            "sample_weight (times class_weight, if there is one) must be finite, not negative, and not all 0."
        )
    return weight


def _check_device_table(estimator: Any, x: Array, reset: bool, dtype: str | None = None) -> tuple[Array, Placement]:
    """A table that lies on its own library's device, in `dtype` (its own); no copy is made where none is needed."""
    if x.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {x.ndim}D array instead. Reshape your data either using array.reshape(-1, 1) if "
            "your data has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    if x.shape[0] < 1:
        raise ValueError(f"Found array with 0 sample(s) (shape={tuple(x.shape)}) while a minimum of 1 is required.")
    if x.shape[1] < 1:
        raise ValueError(f"Found array with 0 feature(s) (shape={tuple(x.shape)}) while a minimum of 1 is required.")
    validate_data(estimator, X=x, skip_check_array=True, reset=reset)
    xp = array_namespace(x)
    placement = placement_of(x)
    placement = placement._replace(dtype=dtype or placement.dtype)
    if xp.isdtype(x.dtype, "real floating") and not bool(xp.all(xp.isfinite(x))):
        raise ValueError("Input X contains NaN or infinity.")
    return placement.put(x), placement


def _same_library(values: Array, placement: Placement) -> Array:
    """Values with their dtype on the placement's library and device."""
    if not placement.backend.owns(values) or device_of(values) != placement.device:
        values = to_host(values)
        return placement.put(values, values.dtype.name)
    return values


def check_predict_input(estimator: Any, x: Any, method: str, /) -> tuple[Array, Placement, bool]:
    """The table of a prediction (it may be sparse), where to compute, and whether the answer is a NumPy array.

    NumPy computes in the wider of the table's type and the weights', as it would in a product.
    """
    weights = estimator.coefs_[0]
    if sklearn.get_config()["array_api_dispatch"] and not _same_namespace(x, weights):
        raise ValueError(
            f"Inputs passed to {type(estimator).__name__}.{method}() must use the same namespace and the same device "
            "as those passed to fit()."
        )
    placement = placement_of_fitted(estimator)
    x = check_table("X", x)
    if is_host_data(x):
        if not _is_sound(estimator, x):
            with told_of("X", x):
                x = validate_data(estimator, x, accept_sparse=["csr", "csc"], reset=False)
                if x.dtype.kind not in "fiub":  # lists in the cells of a frame of polars
                    raise ValueError(f"X holds values of type {x.dtype}: give numbers.")
        if placement.backend.name == "numpy" and np.result_type(x.dtype, weights.dtype) == np.float64:
            placement = placement._replace(dtype="float64")
        return x, placement, True
    x, own = _check_device_table(estimator, x, reset=False, dtype=placement.dtype)
    return x, own, False


def _is_sound(estimator: Any, x: Any) -> bool:
    """Whether scikit-learn's check would hand x back as it is and say nothing; it takes longer than a row's prediction.

    False also where that is not seen at once: a sum overflows.
    """
    if type(x) is not np.ndarray or x.dtype not in (np.float32, np.float64) or hasattr(estimator, "feature_names_in_"):
        return False
    if sklearn.get_config()["assume_finite"] or not x.shape[0] or x.shape[1] != estimator.n_features_in_:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(x.sum()))


def placement_of_fitted(estimator: Any, /) -> Placement:
    """Where a fitted estimator computes on host data: where its weights are, or where the environment says."""
    weights = estimator.coefs_[0]
    if not is_host_data(weights):
        return placement_of(weights)
    backend, config = get_backend(), get_config()
    return Placement(backend, config.device or backend.default_device(), weights.dtype.name)


def _same_namespace(x: Any, weights: Array) -> bool:
    if is_host_data(x) or is_host_data(weights):
        return is_host_data(x) and is_host_data(weights)
    return root_module(x) == root_module(weights) and bool(device_of(x) == device_of(weights))


def dense_rows(x: Array, placement: Placement, /) -> Array:
    """The table on the device; a sparse one is made dense, because the Array API has no sparse arrays."""
    if not issparse(x):
        return placement.put(x)
    try:
        return placement.put(x.toarray())
    except MemoryError as error:
        size = x.shape[0] * x.shape[1] * np.dtype(placement.dtype).itemsize / 2**30
        raise MemoryError(
            f"regnet makes the sparse X dense, which takes {size:.1f} GiB here: give fewer columns (SelectKBest, "
            "TruncatedSVD), or fewer rows at a time with partial_fit."
        ) from error


def make_rows(placement: Placement, table: Array, targets: Array, weight: RowWeights, /) -> Rows:
    """Rows on the device with weights that sum to 1; targets (n, outputs), weight (n,) or None for equal ones."""
    return Rows(table, placement.put(targets), place_shares(weight, table.shape[0], placement))


def select_columns(x: Any, kept: NDArray[np.bool_], /) -> Any:
    """The columns `kept`, boolean (columns,), host, of a table of any kind that has so many; others as they are."""
    x = check_given("X", x)
    shape: tuple[int, ...] = getattr(x, "shape", ())
    if len(shape) != 2 or shape[1] != len(kept) or kept.all():
        return x
    numbers = np.flatnonzero(kept)
    if hasattr(x, "iloc"):
        return x.iloc[:, numbers]
    if issparse(x):
        return x.tocsc()[:, numbers]
    if is_host_data(x):
        return x[:, numbers.tolist()]
    return array_namespace(x).take(x, placement_of(x).put(numbers, "int32"), axis=1)
