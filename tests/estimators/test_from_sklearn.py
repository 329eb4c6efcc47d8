"""scikit-learn's estimators as regnet's: what they predict, what a fit of the same parameters finds, and refusals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import need
from scipy.sparse import csr_matrix
from sklearn import config_context, linear_model, neural_network
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeCV,
    TweedieRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from twins import BINARY, CLASSES, LABELS, VALUES, X

from regnet import MLPClassifier, MLPRegressor
from regnet.convert import from_sklearn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NEW = np.random.default_rng(1).standard_normal((40, 4))
POSITIVE = np.exp(0.3 * VALUES)
PAIR = np.stack([VALUES, X[:, 0] - X[:, 1]], axis=1)
OURS = {neural_network.MLPClassifier: MLPClassifier, neural_network.MLPRegressor: MLPRegressor}
EXACTLY = {"tol": 1e-12, "max_iter": 100_000}
BY_NEWTON = {"tol": 1e-12, "solver": "newton-cholesky"}


def agree(theirs, ours, rows=NEW):
    expected, got = theirs.predict(rows), ours.predict(rows)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_allclose(ours.predict_proba(rows), theirs.predict_proba(rows), rtol=1e-12)
        assert got.dtype == expected.dtype
    else:
        np.testing.assert_allclose(got, expected.squeeze(), rtol=1e-12, atol=1e-14)


OF_VALUES = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    LinearRegression(positive=True),
    Ridge(alpha=3.0),
    Ridge(alpha=[0.0], solver="svd"),
    RidgeCV(),
    Lasso(alpha=0.1, **EXACTLY),
    LassoCV(**EXACTLY, cv=3),
    ElasticNet(alpha=0.1, l1_ratio=0.3, **EXACTLY),
    ElasticNetCV(l1_ratio=[0.3, 0.7], **EXACTLY, cv=3),
    PoissonRegressor(alpha=0.3, **BY_NEWTON),
    GammaRegressor(alpha=0.3, **BY_NEWTON),
    TweedieRegressor(alpha=0.3, power=1.3, **BY_NEWTON),
    TweedieRegressor(alpha=0.3, power=1, link="log", **BY_NEWTON),
    TweedieRegressor(alpha=0.3, power=2, **BY_NEWTON),
    TweedieRegressor(alpha=0.3, power=0, **BY_NEWTON),
]


@pytest.mark.parametrize("model", OF_VALUES, ids=repr)
def test_linear_models_of_values(model):
    """A fit by the parameters that were taken over has the coefficients of scikit-learn's."""
    theirs = clone(model).fit(X, POSITIVE)
    ours = MLPRegressor.from_sklearn(theirs)
    assert (ours.hidden_layer_sizes, ours.solver) == ((), "newton")
    agree(theirs, ours)
    agree(theirs, pickle.loads(pickle.dumps(ours)), csr_matrix(NEW))
    back = ours.to_sklearn()
    np.testing.assert_array_equal(back.coef_, theirs.coef_)
    np.testing.assert_array_equal(back.intercept_, theirs.intercept_)
    assert ours.n_iter_ == np.max(vars(theirs).get("n_iter_") or 0)
    given = theirs.get_params()
    if given.get("fit_intercept") and not given.get("positive"):
        again = clone(ours).set_params(tol=1e-10).fit(X, POSITIVE)
        np.testing.assert_allclose(again.coefs_[0][:, 0], theirs.coef_, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "alpha"),
    [(LinearRegression(), 0.0), (Ridge(alpha=2.0), 2.0), (Ridge(alpha=[1.0, 2.0]), 0.0), (Lasso(0.1), 1e-4)],
    ids=repr,
)
def test_several_outputs(model, alpha):
    """A strength for each of them is none of regnet's."""
    theirs = clone(model).fit(X, PAIR)
    ours = MLPRegressor.from_sklearn(theirs)
    agree(theirs, ours)
    np.testing.assert_array_equal(ours.to_sklearn().coef_, theirs.coef_)
    assert ours.alpha == alpha


@pytest.mark.parametrize("model", [LinearRegression(), Ridge(), RidgeCV(), Lasso(0.1)], ids=repr)
def test_one_output_in_a_column_is_a_vector_here(model):
    theirs = clone(model).fit(X, PAIR[:, :1])
    agree(theirs, MLPRegressor.from_sklearn(theirs))


OF_CLASSES = [
    LogisticRegression(C=0.5, **EXACTLY),
    LogisticRegression(C=0.5, class_weight="balanced", **EXACTLY),
    LogisticRegression(C=0.5, l1_ratio=0.5, solver="saga", random_state=0),
    LogisticRegression(fit_intercept=False),
    LogisticRegressionCV(Cs=3, l1_ratios=(0.0,), use_legacy_attributes=False, scoring="neg_log_loss", cv=3, **EXACTLY),
    LogisticRegressionCV(Cs=3, l1_ratios=(0.0,), use_legacy_attributes=True, scoring="neg_log_loss", cv=3, **EXACTLY),
]


@pytest.mark.parametrize("model", OF_CLASSES, ids=repr)
@pytest.mark.parametrize("y", [BINARY + 3, np.array(["a", "b", "c"])[CLASSES]], ids=["two", "three"])
def test_linear_models_of_classes(model, y):
    theirs = clone(model).fit(X, y)
    ours = MLPClassifier.from_sklearn(theirs)
    agree(theirs, ours)
    back = ours.to_sklearn()
    np.testing.assert_array_equal(back.coef_, theirs.coef_)
    np.testing.assert_array_equal(back.classes_, theirs.classes_)
    assert ours.class_weight == theirs.class_weight
    if theirs.fit_intercept and theirs.get_params().get("l1_ratio", 0.0) == 0:
        again = clone(ours).set_params(tol=1e-10).fit(X, y)
        np.testing.assert_allclose(again.coefs_[0].T, theirs.coef_, rtol=1e-4, atol=1e-6)
    else:
        assert ours.alpha == (0.0 if theirs.fit_intercept else 1.0)


def test_penalties_that_mean_another_thing_are_left_out():
    for model in (LogisticRegression(solver="liblinear"), LogisticRegression(C=np.inf)):
        assert MLPClassifier.from_sklearn(model.fit(X, BINARY)).alpha == 0.0
    theirs = LogisticRegression(C=0.2, l1_ratio=1.0, solver="saga", random_state=0, **EXACTLY).fit(X, BINARY)
    ours = MLPClassifier.from_sklearn(theirs).set_params(**from_sklearn(theirs, n_samples=len(X)), tol=1e-10)
    np.testing.assert_allclose(ours.fit(X, BINARY).coefs_[0].T, theirs.coef_, atol=1e-6)


def test_sparse_coefficients():
    theirs = LogisticRegression(C=0.1, l1_ratio=1.0, solver="saga", random_state=0).fit(X, CLASSES).sparsify()
    agree(theirs, MLPClassifier.from_sklearn(theirs))


def test_models_that_were_fitted_on_another_library():
    torch = need("torch")
    with config_context(array_api_dispatch=True):
        theirs = Ridge(solver="svd").fit(torch.asarray(X), torch.asarray(VALUES))
        logistic = LogisticRegression().fit(torch.asarray(X), torch.asarray(CLASSES))
    assert type(theirs.coef_) is torch.Tensor
    ours = MLPRegressor.from_sklearn(theirs)
    assert type(ours.coefs_[0]) is np.ndarray
    np.testing.assert_allclose(ours.predict(X), Ridge(solver="svd").fit(X, VALUES).predict(X), rtol=1e-9)
    classes = MLPClassifier.from_sklearn(logistic).predict(X)
    assert (classes == LogisticRegression().fit(X, CLASSES).predict(X)).mean() > 0.95


SOLVERS = [
    {"solver": "adam"},
    {"solver": "adam", "early_stopping": True, "validation_fraction": 0.3},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0},
    {"solver": "lbfgs"},
]
PROBLEMS = {
    "binary": BINARY,
    "classes": np.array(["low", "middle", "high"])[CLASSES],
    "labels": LABELS,
    "sparse labels": csr_matrix(LABELS),
    "values": VALUES,
    "two outputs": PAIR,
    "poisson": POSITIVE,
}


@pytest.mark.parametrize("settings", SOLVERS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_networks_go_on_as_scikit_learns_do(name, settings):
    """Fitted by scikit-learn, then trained further by both."""
    y = PROBLEMS[name]
    kind = neural_network.MLPRegressor if name in ("values", "two outputs", "poisson") else neural_network.MLPClassifier
    loss = {"loss": "poisson"} if name == "poisson" else {}
    if name == "two outputs" and settings.get("learning_rate") == "adaptive":
        settings = {**settings, "learning_rate": "constant"}  # it goes by the loss, which is a mean there, a sum here
    settings = {"activation": "tanh", "hidden_layer_sizes": (5, 3), "max_iter": 5, "random_state": 0, **settings}
    theirs = kind(**settings, **loss).fit(X, y)
    ours = OURS[kind].from_sklearn(theirs)
    assert {one: ours.get_params()[one] for one in theirs.get_params()} == theirs.get_params()
    predictions = [theirs.predict(NEW), ours.predict(NEW)]
    if "sparse" in name:
        predictions = [one.toarray() for one in predictions]
    np.testing.assert_allclose(*predictions, rtol=1e-12) if name != "classes" else agree(theirs, ours)
    for one in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, one) == getattr(theirs, one)
    if name != "two outputs":
        assert ours.loss_ == theirs.loss_
    for left, right in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        np.testing.assert_array_equal(right, left)
    if name == "two outputs" and settings["solver"] == "lbfgs":
        return  # which is led by the loss too
    if settings["solver"] != "lbfgs" and "early_stopping" not in settings:
        for _ in range(3):
            theirs.partial_fit(X, y)
            ours.partial_fit(X, y)
    else:
        for one in (theirs, ours):
            one.set_params(warm_start=True).fit(X, y)
    for left, right in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-6 if settings["solver"] == "lbfgs" else 1e-9, atol=1e-12)
    if name != "two outputs":
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)


def test_the_copy_is_its_own():
    theirs = neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(X, VALUES)
    expected = theirs.predict(NEW)
    ours = MLPRegressor.from_sklearn(theirs)
    ours.partial_fit(X, VALUES)
    ours.coefs_[0][:] = 0
    np.testing.assert_array_equal(theirs.predict(NEW), expected)
    linear = LinearRegression().fit(X, VALUES)
    MLPRegressor.from_sklearn(linear).coefs_[0][:] = 0
    assert linear.coef_.all()


def test_an_unfitted_network_is_one_of_the_same_parameters():
    given = {"hidden_layer_sizes": (7,), "activation": "logistic", "alpha": 0.3, "solver": "sgd", "random_state": 3}
    ours = MLPClassifier.from_sklearn(neural_network.MLPClassifier(**given))
    assert ours.get_params() == MLPClassifier(**given).get_params()
    with pytest.raises(NotFittedError):
        ours.predict(X)
    assert MLPRegressor.from_sklearn(neural_network.MLPRegressor("poisson")).loss == "poisson"


def test_float32_and_names_stay():
    pandas = need("pandas")
    frame = pandas.DataFrame(X.astype(np.float32), columns=list("abcd"))
    for model in (LinearRegression(), neural_network.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2)):
        theirs = model.fit(frame, VALUES.astype(np.float32))
        ours = MLPRegressor.from_sklearn(theirs)
        assert ours.coefs_[0].dtype == np.float32
        assert ours.feature_names_in_.tolist() == list("abcd")
        np.testing.assert_allclose(ours.predict(frame), theirs.predict(frame), rtol=1e-5)
        with pytest.raises(ValueError, match="feature names should match"):
            ours.predict(frame.rename(columns={"a": "z"}))


def test_a_converted_model_is_a_model_of_ours():
    """It tells of its penalty what a trained one does."""
    ours = MLPRegressor.from_sklearn(Lasso(0.1).fit(X, VALUES))
    assert ours.selected_features_.tolist() == [True, True, False, True]
    assert ours.compact().kept_inputs_.tolist() == [True, True, False, True]
    assert ours.model_.predict(NEW).shape == (40, 1)


class Lookalike(linear_model.Ridge):
    """Derived from scikit-learn's."""


Lookalike.__name__ = Lookalike.__qualname__ = "Ridge"


@pytest.mark.parametrize(
    ("kind", "model", "message"),
    [
        (MLPRegressor, LogisticRegression(), r"LogisticRegression predicts classes.*MLPClassifier\.from_sklearn"),
        (MLPClassifier, Ridge(), r"Ridge predicts values.*MLPRegressor\.from_sklearn"),
        (MLPClassifier, neural_network.MLPRegressor(), r"MLPRegressor\.from_sklearn"),
        (MLPRegressor, Ridge, r"Ridge is a class: give an instance"),
        (MLPRegressor, Lookalike(), r"has no conversion to MLPRegressor: give one of"),
        (MLPRegressor, MLPRegressor(), r"regnet\.estimators\.regressor\.MLPRegressor has no conversion"),
        (MLPRegressor, make_pipeline(StandardScaler(), Ridge()), r"pipeline\[-1\]"),
        (MLPClassifier, linear_model.RidgeClassifier(), r"RidgeClassifier has no conversion"),
        (MLPRegressor, None, r"NoneType has no conversion"),
        (MLPRegressor, Lasso(), r"Lasso instance is not fitted"),
        (MLPRegressor, TweedieRegressor(power=3).fit(X, POSITIVE), r"TweedieRegressor\(power=3.*power from 1 to 2"),
        (MLPRegressor, TweedieRegressor(power=0, link="log").fit(X, POSITIVE), r"link='log'\) cannot"),
        (MLPRegressor, TweedieRegressor(power=1.5, link="identity"), r"not fitted"),
    ],
)
def test_refusals(kind, model, message):
    with pytest.raises(ValueError, match=message):
        kind.from_sklearn(model)
