"""Estimators, searches, paths and encoders as parts of data, and back; every part is checked on its way back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from regnet.backend.placement import to_host
from regnet.display.warning import warn
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.estimators.fitted import Fitted, read_fitted, write_fitted
from regnet.estimators.grouping import Grouping
from regnet.estimators.parameters import DEFAULT_ALPHA
from regnet.models.records import fields_of, is_record, record_of
from regnet.models.shapes import check_shapes
from regnet.networks.container import ModelFileError
from regnet.networks.values import value_to_json
from regnet.selection import MLPClassifierCV, MLPRegressorCV, PathResult
from regnet.tables.encoder import TableEncoder
from regnet.tables.encoding import EncodedColumn, parts_of

__all__ = ["as_parts", "is_model", "of_parts"]

ESTIMATORS: dict[str, Any] = {cls.__name__: cls for cls in (MLPClassifier, MLPRegressor)}
SEARCHES: dict[str, Any] = {cls.__name__: cls for cls in (MLPClassifierCV, MLPRegressorCV)}

LEFT_BEHIND = ("cv", "executor", "initializer", "random_state", "scoring", "sweep_dir")
"""Parameters that say how to train: where data cannot stand for one, the loaded estimator has its default."""

FOUND = {
    "adaptive_": "bool", "adaptive_factors_": "float[P]", "best_index_": "int", "best_score_": "float",
    "chosen_restarts_": "int[L,S]", "classes_": "label[C]", "cv_predictions_": "label[*]",
    "cv_scores_": "float[L,S,R]", "feature_names_in_": "text[F]", "fold_weights_": "float[S]", "gamma_": "float",
    "gamma_scores_": "float[M,L,S]", "gammas_": "float[M]", "input_names_": "text[P]", "input_norms_": "float[L,P]",
    "kernels_": "text", "lambda_": "float", "lambda_1se_": "float", "lambda_min_": "float", "lambda_paired_": "float",
    "lambdas_": "float[L]", "margin_": "float", "min_index_": "int", "n_diverged_": "int", "n_features_in_": "int",
    "n_iter_": "int", "n_repeats_": "float", "n_selected_": "int[L]", "n_selected_groups_": "int[L]",
    "n_splits_": "int", "near_tie_": "bool", "one_se_index_": "int", "paired_index_": "int",
    "pilot_scores_": "float[L,S]", "rival_": "float", "score_mean_": "float[L]", "score_se_": "float[L]",
    "scoring_": "text", "selected_features_": "bool[P]", "selected_groups_": "bool[G]", "test_folds_": "int[*]",
    "zeros_": "float[L]",
}  # fmt: skip
"""What a search has found. L: strengths, S: splits, R: restarts, P: inputs of the network, F: columns, G: groups."""

ALWAYS = ("best_index_", "cv_scores_", "fold_weights_", "input_names_", "input_norms_", "lambdas_", "n_features_in_")


def is_model(value: Any, /) -> bool:
    """Whether it is what a file may be of, apart from a `Model`."""
    return type(value) in (*ESTIMATORS.values(), *SEARCHES.values(), PathResult)


def as_parts(value: Any, /) -> tuple[str, dict[str, Any]] | None:
    """The name and the parts of a value, None for one that has no parts. Raises TypeError for what is not fitted."""
    name = type(value).__name__
    if is_record(value):
        return name, fields_of(value)
    if ESTIMATORS.get(name) is type(value):
        return name, _of_estimator(value)
    if SEARCHES.get(name) is type(value):
        return name, _of_search(value)
    if type(value) is PathResult:
        return name, {one.name: getattr(value, one.name) for one in fields(value) if one.name != "between"}
    if type(value) is TableEncoder:
        return name, {"params": value.get_params(deep=False), "found": _found(value, ("columns_", "left_out_"))}
    if type(value) is Pipeline and len(value) == 2 and type(value[0]) is TableEncoder:
        return name, {"encoder": value[0], "estimator": value[1]}
    return None


def of_parts(name: str, parts: Mapping[str, Any], /) -> Any:
    """The value of a name and its parts. Raises ModelFileError for parts that do not make one."""
    makers = {"PathResult": _path, "TableEncoder": _encoder, "Pipeline": _pipeline}
    makers |= dict.fromkeys(ESTIMATORS, _estimator) | dict.fromkeys(SEARCHES, _search)
    if name not in makers:
        return record_of(name, parts)
    try:
        return makers[name](name, dict(parts))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"its {name} is none ({type(error).__name__}: {str(error)[:200]})") from None


def _params(value: Any) -> dict[str, Any]:
    """The constructor's parameters that data can stand for; alpha, unless it is the default that nobody gave."""
    params = value.get_params(deep=False)
    if params.get("alpha") is DEFAULT_ALPHA:
        del params["alpha"]
    for name in LEFT_BEHIND:
        try:
            value_to_json(name, params.get(name), {}, lambda one: {} if is_record(one) else None)
        except TypeError:
            warn(f"{name}={params.pop(name)!r:.60} is not saved: the loaded estimator has the default.")
    return {name: to_host(one) if hasattr(one, "__dlpack__") else one for name, one in params.items()}


def _found(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    own = ("n_features_in_", "feature_names_in_", *names)
    return {name: vars(value)[name] for name in own if name in vars(value)}


def _of_estimator(value: Any) -> dict[str, Any]:
    fitted = read_fitted(value)
    if fitted is None:
        raise TypeError(f"{type(value).__name__} is not fitted: there is nothing to save.")
    resumable = fitted.resumable
    if resumable is not None:
        resumable = resumable._replace(slots=[to_host(slot) for slot in resumable.slots])
    weights, biases = [*map(to_host, fitted.weights)], [*map(to_host, fitted.biases)]
    if not all(np.isfinite(array).all() for array in (*weights, *biases)):
        raise ValueError("The network has weights that are not finite, and predicts nothing: train it again.")
    host = replace(fitted, weights=weights, biases=biases, resumable=resumable)
    return {"params": _params(value), "found": _found(value, ()), "fitted": host}


def _of_search(value: Any) -> dict[str, Any]:
    own = vars(value)
    if "lambdas_" not in own:
        raise TypeError(f"{type(value).__name__} is not fitted: there is nothing to save.")
    found = {name: own[name] for name in FOUND if name in own}
    found["scoring_"] = found["scoring_"] if isinstance(found["scoring_"], str) else "score"
    parents = [None if one is None else sorted(one) for one in own["_parents"]]
    rest = {"grouping": own["_grouping"], "parents": parents, "path": own.get("path_")}
    return {"params": _params(value), "found": found, "best": own.get("best_estimator_"), **rest}


def _estimator(name: str, parts: dict[str, Any]) -> Any:
    found, fitted = parts["found"], parts["fitted"]
    value = ESTIMATORS[name](**parts["params"])
    check_shapes(f"its {name}", found, FOUND)
    inputs = len(fitted.weights[0])
    if type(fitted) is not Fitted or found["n_features_in_"] != inputs:
        raise ModelFileError(f"its {name} does not fit its weights")
    if len(found.get("feature_names_in_", range(inputs))) != inputs:
        raise ModelFileError(f"its {name} has other names than inputs")
    vars(value).update(found)
    write_fitted(value, fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value.predict(np.zeros((1, inputs)))  # whatever else does not fit is found here
    return value


def _encoder(name: str, parts: dict[str, Any]) -> Any:
    value: Any = TableEncoder(**parts["params"])
    found = parts["found"]
    if not found:  # a search's parameter
        return value
    columns = found["columns_"]
    if not isinstance(columns, tuple) or not all(type(one) is EncodedColumn for one in columns):
        raise ModelFileError("its encoder has no columns")
    check_shapes(
        "its encoder",
        {key: one for key, one in found.items() if key not in ("columns_", "left_out_")},
        FOUND,
        F=int(found["n_features_in_"]),
    )
    vars(value).update(found)
    value.input_groups_ = parts_of(columns)
    return value


def _pipeline(name: str, parts: dict[str, Any]) -> Any:
    encoder, estimator = parts["encoder"], parts["estimator"]
    if type(encoder) is not TableEncoder or type(estimator) not in ESTIMATORS.values():
        raise ModelFileError("its pipeline is no encoder and an estimator")
    if len(encoder.input_groups_) != estimator.n_features_in_:
        raise ModelFileError("its encoder makes another number of inputs than its estimator takes")
    return make_pipeline(encoder, estimator)


def _is_predictor(value: Any) -> bool:
    return type(value) in ESTIMATORS.values() or type(value) is Pipeline


def _path(name: str, parts: dict[str, Any]) -> Any:
    value = PathResult(**parts)
    sizes = {"feature_names": len(value.feature_names), "estimators": len(value.estimators)}
    specs = {
        "lambdas": "float[L]", "losses": "float[L]", "scores": "float[L]", "zeros": "float[L]", "norms": "float[L,H]",
        "input_norms": "float[L,P]", "diverged": "bool[L]",
    }  # fmt: skip
    given = {key: getattr(value, key) for key in specs}
    check_shapes("its path", given, specs, L=sizes["estimators"], P=sizes["feature_names"])
    grouped = value.grouping is None or isinstance(value.grouping, Grouping)
    if not grouped or not all(map(_is_predictor, value.estimators)) or not _ascends(value.lambdas):
        raise ModelFileError("its path is none")
    return value


def _ascends(lambdas: Any) -> bool:
    return bool(len(lambdas) and np.isfinite(lambdas).all() and (lambdas[0] >= 0) and (np.diff(lambdas) > 0).all())


def _search(name: str, parts: dict[str, Any]) -> Any:
    found, best, path, grouping = parts["found"], parts["best"], parts["path"], parts["grouping"]
    sizes = check_shapes(f"its {name}", found, FOUND, S=int(found["n_splits_"]))
    absent = [one for one in ALWAYS if one not in found]
    indices = [found[one] for one in ("best_index_", "min_index_", "one_se_index_", "paired_index_")]
    whole = not absent and _ascends(found["lambdas_"]) and all(0 <= one < sizes["L"] for one in indices)
    if not whole or (best is not None and not _is_predictor(best)):
        raise ModelFileError(f"its {name} lacks a part, or has one of another")
    if path is not None and (type(path) is not PathResult or not np.array_equal(path.lambdas, found["lambdas_"])):
        raise ModelFileError(f"the path of its {name} is of other strengths")
    if best is not None and best.n_features_in_ != found["n_features_in_"]:
        raise ModelFileError(f"its {name} and the estimator that it chose take other tables")
    if grouping is not None and (type(grouping) is not Grouping or len(grouping.numbers) != sizes["P"]):
        raise ModelFileError(f"the groups of its {name} are of other inputs")
    value = SEARCHES[name](**parts["params"])
    vars(value).update(found)
    value._grouping, value._between, value._cold_path = grouping, None, None
    value._parents = [None if one is None else frozenset(map(int, one)) for one in parts["parents"]]
    given = {"groups_": None if grouping is None else grouping.labels, "best_estimator_": best, "path_": path}
    vars(value).update((key, one) for key, one in given.items() if one is not None)
    return value
