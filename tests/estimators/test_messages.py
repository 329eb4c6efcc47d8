"""What estimators refuse, and in which words."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from twins import BINARY, CANCER, CLASSES, IRIS, LABELS, THEIRS, VALUES, X

from regnet import EarlyStopping, MLPClassifier, MLPRegressor, MLPRegressorCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BAD_VALIDATION = {
    "unknown class": (MLPClassifier(), BINARY, (X, BINARY + 5), "not in `self.classes_`"),
    "other names": (MLPClassifier(), BINARY, (X, np.array(["a", "b"])[BINARY]), "not in `self.classes_`"),
    "labels": (MLPClassifier(), BINARY, (X, LABELS), "multilabel|not in `self.classes_`"),
    "outputs": (MLPRegressor(), np.c_[VALUES, VALUES], (X, VALUES), "y has 1 outputs, but y has 2 in fit"),
    "counts": (MLPRegressor(loss="poisson"), np.abs(VALUES), (X, VALUES), "valid range"),
    "amounts": (MLPRegressor(loss="gamma"), np.abs(VALUES) + 1, (X, np.abs(VALUES) * 0), "Gamma: it takes y > 0"),
    "features": (MLPRegressor(), VALUES, (X[:, :3], VALUES), "3 features"),
    "not a pair": (MLPRegressor(), VALUES, 5, "validation_data must be"),
}


@pytest.mark.parametrize("name", BAD_VALIDATION)
def test_validation_data_are_checked(name):
    model, y, held_out, message = BAD_VALIDATION[name]
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, validation_data=held_out, log_every=1)


def test_attributes_before_fit():
    for name in ("selected_features_", "sparsity_", "model_"):
        assert not hasattr(MLPClassifier(), name)
        with pytest.raises(NotFittedError, match="fit"):
            getattr(MLPClassifier(), name)


def test_a_network_of_other_widths_is_not_trained_further():
    model = MLPClassifier((7,), max_iter=2, warm_start=True, random_state=0).fit(X, BINARY)
    with pytest.raises(ValueError, match=r"network 4-7-1, which cannot be trained further as 4-7-7-1"):
        model.set_params(hidden_layer_sizes=(7, 7)).fit(X, BINARY)
    model = MLPClassifier((7,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match="The object was not fitted with multilabel input"):
        model.partial_fit(X, CLASSES, classes=[0, 1, 2]).partial_fit(X, LABELS)
    with pytest.raises(ValueError, match="The object was fitted with multilabel input"):
        MLPClassifier((7,), max_iter=2).fit(X, LABELS).partial_fit(X, CLASSES)


REFUSED_FITS = {
    "fractional width": (MLPClassifier((3.5,)), BINARY, {}, TypeError, "hidden_layer_sizes must be integers"),
    "text strength": (MLPClassifier(weight_l1=["a", 0]), BINARY, {}, TypeError, "weight_l1=.* give a number"),
    "fista overflow": (MLPRegressor(solver="fista"), VALUES * 1e200, {}, ValueError, "non-finite parameter weights"),
    "fista rule": (MLPClassifier(solver="fista", early_stopping=True), BINARY, {}, ValueError, "watches"),
    "text targets": (MLPRegressor(), CLASSES.astype(str), {}, TypeError, "numbers"),
    "negative weight": (MLPClassifier(), BINARY, {"sample_weight": -np.ones(60)}, ValueError, "not negative"),
    "negative class weight": (MLPClassifier(class_weight={0: -1, 1: 1}), BINARY, {}, ValueError, "not negative"),
    "classes without weight": (MLPClassifier(class_weight={0: 0, 1: 0}), BINARY, {}, ValueError, "not all 0"),
    "callbacks of lbfgs": (MLPClassifier(solver="lbfgs"), BINARY, {"callbacks": [print]}, ValueError, "watches epochs"),
    "log of fista": (MLPClassifier(solver="fista"), BINARY, {"log_every": 1}, ValueError, "watches epochs"),
    "rule of lbfgs": (
        MLPClassifier(solver="lbfgs", early_stopping=EarlyStopping()), BINARY, {}, ValueError, "early_stopping watches",
    ),
    "log_every": (MLPClassifier(), BINARY, {"log_every": -1}, ValueError, "log_every=-1"),
    "callbacks": (MLPClassifier(), BINARY, {"callbacks": print}, TypeError, "list of functions"),
    "two axes": (MLPClassifier(weight_l1=[[1.0]]), BINARY, {}, ValueError, "weight_l1 has 2 axes"),
    "factor": (MLPClassifier(penalty_factor=[1, 1, -1, 1]), BINARY, {}, ValueError, "negative or NaN"),
    "classes": (MLPClassifier(), LABELS, {"classes": [0, 1]}, ValueError, "classes not in"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_FITS)
def test_refusals(name):
    model, y, options, error, message = REFUSED_FITS[name]
    with pytest.raises(error, match=message):
        (model.partial_fit if "classes" in options else model.fit)(X, y, **options)


def both_messages(ours, settings, x, y, **fit):
    """What each library says: the exception and its text, or the warnings."""
    said = []
    for cls in (THEIRS[ours], ours):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                cls(**settings).fit(x, y, **fit)
            except Exception as error:
                said.append((type(error).__name__, re.sub(r"\s+", " ", str(error))))
            else:
                said.append([re.sub(r"\s+", " ", str(one.message)) for one in caught])
    return said


BAD = {
    "alpha": ({"alpha": -1}, *CANCER),
    "tol": ({"tol": "small"}, *CANCER),
    "batch_size": ({"batch_size": 0}, *CANCER),
    "hidden_layer_sizes": ({"hidden_layer_sizes": (5, 0)}, *CANCER),
    "max_iter": ({"max_iter": -3}, *CANCER),
    "clipped batch": ({"batch_size": 10_000, "max_iter": 1}, *CANCER),
    "no convergence": ({"max_iter": 2}, *CANCER),
    "no lbfgs convergence": ({"max_iter": 2, "solver": "lbfgs"}, *CANCER),
    "NaN": ({}, np.full((9, 2), np.nan), np.arange(9) % 2),
    "length": ({}, np.ones((9, 2)), np.arange(8) % 2),
    "one axis": ({}, np.ones(9), np.arange(9) % 2),
    "continuous": ({}, np.ones((9, 2)), np.linspace(0, 1, 9)),
    "column": ({"max_iter": 400}, IRIS[0], IRIS[1][:, None]),
    "small validation": ({"early_stopping": True, "validation_fraction": 0.01}, IRIS[0], IRIS[1] % 2),
    "overflow": ({"solver": "sgd", "learning_rate_init": 1e300}, *CANCER),
    "text": ({}, [["a", "b"]] * 4, [0, 1, 0, 1]),
}


def test_classes_as_values_are_told_what_they_are_for(rng):
    x, y = rng.standard_normal((9, 2)), ["yes", "no", "no"] * 3
    for model in (MLPRegressor(), MLPRegressorCV()):
        for given in (y, np.array(y), np.array(y, dtype=object)):
            with pytest.raises(TypeError, match=r"y holds text .'yes'.* take MLPClassifier, .* MLPClassifierCV.$"):
                model.fit(x, given)


TOLD_MORE = {
    "continuous": "Unknown label type: continuous. .* take MLPRegressor, or for a search MLPRegressorCV.$",
    "NaN": "Input X contains NaN: column 0: NaN in 9 of 9 rows .row 0 first.; column 1: NaN in 9 of 9 rows",
    "one axis": r"Expected 2D array, got 1D array instead: X has the shape .9,.\. Reshape your data either using",
    "text": "X holds more than numbers: column 0: text .'a' in row 0.; column 1: text .'b' in row 0.. Each cell of",
}
"""scikit-learn's first words, then what the user can look for; its own print the array."""


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore")
def test_bad_input_is_worded_as_in_scikit_learn(name):
    settings, x, y = BAD[name]
    theirs, ours = both_messages(MLPClassifier, {"random_state": 0, **settings}, x, y)
    if name == "overflow":
        theirs = ("ValueError", theirs[1]) if isinstance(theirs, tuple) else theirs
    if name in ("no convergence", "no lbfgs convergence", "column", "clipped batch"):
        theirs = [text for text in theirs if "divide" not in text]
    if name in TOLD_MORE:
        assert ours[0] == theirs[0]
        assert re.match(TOLD_MORE[name], ours[1])
        return
    if "alpha" not in name and isinstance(theirs, tuple) and theirs[0] == "InvalidParameterError":
        assert ours[1].split(" must be ")[0] == theirs[1].split(" must be ")[0]  # more is allowed here
    else:
        assert ours == theirs


REFUSED = {
    "too many": ({"weight_l1": [1e-3, 0, 0]}, "weight_l1 has 3 values, but the network has 2 layers"),
    "negative": ({"weight_l2": -0.1}, "The 'weight_l2' parameter of MLPClassifier must be"),
    "negative in a list": ({"weight_l2": [0, -0.1]}, "weight_l2=.* a strength must be a finite number of 0 or more"),
    "no such layer": ({"neuron_l1": 0.1, "hidden_layer_sizes": ()}, r"hidden_layer_sizes=\(\) has no hidden layer"),
    "too many hidden": ({"neuron_l1": [0.1, 0.1]}, "neuron_l1 has 2 values, but the network has 1 hidden layer "),
    "lbfgs with a group": ({"solver": "lbfgs", "input_l1": 0.1}, "cannot minimise input_l1=0.1.*solver='fista'"),
    "lbfgs with L1": ({"solver": "lbfgs", "weight_l1": [0, 1]}, "cannot minimise weight_l1.*solver='fista'"),
    "factors": ({"penalty_factor": [1, 2]}, "X has 4 features, penalty_factor has shape"),
    "dropout without batches": ({"dropout": 0.5, "solver": "fista"}, "needs batches"),
    "solver": ({"solver": "simplex"}, "The 'solver' parameter of MLPClassifier must be"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_our_own_parameters_are_refused_by_name(name):
    settings, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(*IRIS)


def test_partial_fit_needs_batches():
    assert not hasattr(MLPClassifier(solver="fista"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = MLPRegressor(solver="lbfgs").partial_fit


def test_unfitted():
    with pytest.raises(NotFittedError):
        MLPClassifier().predict(np.ones((2, 2)))
    with pytest.raises(NotFittedError):
        MLPClassifier().compact()


def test_convergence_warning_of_fista():
    with pytest.warns(ConvergenceWarning, match="fista failed to converge after 2 iteration"):
        MLPClassifier(solver="fista", max_iter=2).fit(*IRIS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_to_predict_are_looked_at_whatever_their_sum(dtype):
    """What is sound at once is not checked again; a sum says nothing of its terms where they cancel, or overflow."""
    x, largest = X.astype(dtype), np.finfo(dtype).max
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2).fit(x, VALUES)
    for bad, word in ((np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")):
        rows = x[:3].copy()
        rows[1, 0] = bad
        with pytest.raises(ValueError, match=rf"Input X contains {word}"):
            model.predict(rows)
    rows[1, 0], rows[2, 0] = np.inf, -np.inf
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(rows)
    for coef in model.coefs_:
        coef[...] = 0
    rows = np.full((2, x.shape[1]), largest, dtype)
    assert model.predict(rows)[0] == model.predict(x[:1])[0]
    with pytest.raises(ValueError, match="0 sample"):
        model.predict(x[:0])
    with pytest.raises(ValueError, match="features"):
        model.predict(x[:, 1:])
