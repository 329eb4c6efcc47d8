"""Estimators as scikit-learn's own: predictions on new rows, what is fitted, and how training goes on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import missing, need, placement
from scipy.sparse import csr_matrix
from sklearn import linear_model, neural_network
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from twins import BINARY, CLASSES, LABELS, THEIRS, VALUES, X

from regnet import (
    SGD,
    Adam,
    EarlyStopping,
    Gamma,
    Huber,
    MLPClassifier,
    MLPRegressor,
    Quantiles,
    RMSprop,
    SquaredError,
    Tweedie,
)
from regnet.mathematics.activations import LeakyRelu, Relu, Tanh
from regnet.mathematics.losses import LOSSES, has_logarithms

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NEW = np.random.default_rng(1).standard_normal((40, 4))
POSITIVE = np.exp(0.3 * VALUES)
PAIR = np.stack([VALUES, X[:, 0]], axis=1)

CLASSIFICATIONS = {
    "binary": BINARY,
    "binary text": np.array(["no", "yes"])[BINARY],
    "booleans": BINARY > 0,
    "classes": CLASSES + 5,
    "classes by text": np.array(["low", "middle", "high"], dtype=object)[CLASSES],
    "labels": LABELS,
    "sparse labels": csr_matrix(LABELS),
    "one class": np.full(len(X), 7),
}
REGRESSIONS = {name for name, loss in LOSSES.items() if loss.kind not in ("multiclass", "binary")}
PROBLEMS = {**CLASSIFICATIONS, "values": VALUES, "two outputs": PAIR}

THERE = ["identity", "relu", "tanh", "sigmoid", "logistic", "leaky_relu", LeakyRelu(0.3), Tanh()]
"""Activations that scikit-learn's networks have, or can be made to have."""


def fitted(y, **settings):
    kind = MLPClassifier if any(y is one for one in CLASSIFICATIONS.values()) else MLPRegressor
    return kind(**{"hidden_layer_sizes": (5, 3), "max_iter": 3, "random_state": 0, **settings}).fit(X, y)


def dense(values):
    return values.toarray() if hasattr(values, "toarray") else values


def agree(ours, theirs, rows=NEW, **tolerance):
    """Predictions, and probabilities where there are some."""
    tolerance = {"rtol": 1e-12, "atol": 1e-300, **tolerance}
    expected, got = dense(ours.predict(rows)), dense(theirs.predict(rows))
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    if isinstance(ours, MLPClassifier):
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_allclose(theirs.predict_proba(rows), ours.predict_proba(rows), **tolerance)
    else:
        np.testing.assert_allclose(got, expected, **tolerance)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("activation", THERE)
def test_hidden_layers_become_its_networks(name, activation):
    ours = fitted(PROBLEMS[name], activation=activation)
    theirs = ours.to_sklearn()
    assert type(theirs) is THEIRS[type(ours)]
    agree(ours, theirs)
    agree(ours, pickle.loads(pickle.dumps(theirs)), csr_matrix(NEW))


@pytest.mark.parametrize("name", PROBLEMS)
def test_linear_models_become_its_linear_models(name):
    ours = fitted(PROBLEMS[name], hidden_layer_sizes=())
    theirs = ours.to_sklearn()
    own = neural_network.MLPClassifier if "labels" in name or name == "one class" else linear_model.LogisticRegression
    assert type(theirs) is (own if name in CLASSIFICATIONS else linear_model.LinearRegression)
    agree(ours, theirs)
    if type(theirs) is own is not neural_network.MLPClassifier:
        reference = linear_model.LogisticRegression().fit(X, PROBLEMS[name])
        assert vars(theirs).keys() == vars(reference).keys()
        assert all(np.shape(getattr(theirs, one)) == np.shape(value) for one, value in vars(reference).items())
        agree(ours, pickle.loads(pickle.dumps(theirs)))


LINEAR = {
    "poisson": linear_model.PoissonRegressor,
    "gamma": linear_model.GammaRegressor,
    "tweedie": linear_model.TweedieRegressor,
}


@pytest.mark.parametrize("loss", [*sorted(REGRESSIONS), Tweedie(1.2), Huber(0.5)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_every_loss_has_an_estimator_there(loss, outputs):
    y = POSITIVE if outputs == 1 else np.stack([POSITIVE, POSITIVE**2], axis=1)
    linear, deep = (fitted(y, loss=loss, hidden_layer_sizes=sizes) for sizes in ((), (4,)))
    name = "tweedie" if isinstance(loss, Tweedie) else loss
    by_logarithms = has_logarithms(linear._targets.loss)
    beyond_one = neural_network.MLPRegressor if by_logarithms and outputs > 1 else linear_model.LinearRegression
    theirs = linear.to_sklearn()
    assert type(theirs) is (beyond_one if outputs > 1 else LINEAR.get(name, linear_model.LinearRegression))
    agree(linear, theirs)
    agree(deep, deep.to_sklearn())
    assert deep.to_sklearn().loss == ("poisson" if by_logarithms else "squared_error")
    if type(theirs) is linear_model.TweedieRegressor:
        assert theirs.power == linear._targets.loss.power
    if outputs == 1:
        assert theirs.score(NEW, np.exp(NEW[:, 0])) <= 1  # D2, R2: whatever it takes is there


@pytest.mark.parametrize("kind", ["torch", "jax"])
@pytest.mark.parametrize("sizes", [(), (5,)])
def test_weights_are_brought_to_the_host(kind, sizes):
    if missing(kind):
        pytest.skip(missing(kind))
    here = placement(kind)
    ours = MLPClassifier(sizes, max_iter=3, random_state=0).fit(here.put(X), here.put(CLASSES, "int64"))
    theirs = ours.to_sklearn()
    assert all(type(value) is np.ndarray for value in np.atleast_1d(theirs.coef_ if not sizes else theirs.coefs_[0]))
    agree(ours, theirs)
    if sizes:
        theirs.partial_fit(X, CLASSES)
        ours.partial_fit(here.put(X), here.put(CLASSES, "int64"))
        agree(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize("name", ["classes", "values", "labels"])
@pytest.mark.parametrize("sizes", [(), (4,)])
def test_float32_stays(name, sizes):
    kind = MLPRegressor if name == "values" else MLPClassifier
    ours = kind(hidden_layer_sizes=sizes, max_iter=3, random_state=0).fit(X.astype(np.float32), PROBLEMS[name])
    theirs = ours.to_sklearn()
    agree(ours, theirs)
    agree(ours, theirs, NEW.astype(np.float32), rtol=1e-5)
    agree(ours, theirs, (10 * NEW).astype(int))


SOLVERS = [
    {"solver": "adam"},
    {"solver": "adam", "early_stopping": True, "validation_fraction": 0.3},
    {"solver": "sgd"},
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling", "learning_rate_init": 0.1},
    {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0},
    {"solver": "lbfgs"},
]
INDICES = {"_coef_indptr", "_intercept_indptr"}
"""Where parameters lie in the vector that lbfgs steps; every fit writes them anew."""


@pytest.mark.parametrize("settings", SOLVERS)
@pytest.mark.parametrize("name", ["binary text", "classes", "labels", "values"])
def test_what_is_fitted_is_what_scikit_learn_fits(name, settings):
    """The same record as its own training with the same numbers leaves: attribute by attribute."""
    ours = fitted(PROBLEMS[name], max_iter=6, **settings)
    theirs = clone(ours.to_sklearn()).fit(X, PROBLEMS[name])
    got = ours.to_sklearn()
    assert vars(theirs).keys() - INDICES == vars(got).keys()
    for attribute in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(got, attribute) == getattr(theirs, attribute)
    assert got.loss_ == pytest.approx(theirs.loss_, rel=1e-9)
    if settings["solver"] != "lbfgs":
        np.testing.assert_allclose(got.loss_curve_, theirs.loss_curve_, rtol=1e-9)
        assert got.best_loss_ == (None if theirs.best_loss_ is None else pytest.approx(theirs.best_loss_, rel=1e-9))
        scores = theirs.validation_scores_
        assert got.validation_scores_ == (None if scores is None else pytest.approx(scores, rel=1e-9))
        assert got._no_improvement_count == theirs._no_improvement_count
    assert repr(got) == repr(theirs)
    agree(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("settings", [one for one in SOLVERS if one["solver"] != "lbfgs" and len(one) != 3])
@pytest.mark.parametrize("name", ["binary text", "classes", "labels", "values", "two outputs"])
def test_partial_fit_takes_the_same_steps(name, settings):
    if name == "two outputs" and settings.get("learning_rate") == "adaptive":
        settings = {**settings, "learning_rate": "constant"}  # it goes by the loss, which is a mean there, a sum here
    ours = fitted(PROBLEMS[name], max_iter=6, **settings)
    before = np.copy(ours.coefs_[0])
    theirs = ours.to_sklearn()
    for _ in range(3):
        theirs.partial_fit(X, PROBLEMS[name])
    np.testing.assert_array_equal(ours.coefs_[0], before)
    for _ in range(3):
        ours.partial_fit(X, PROBLEMS[name])
    agree(ours, theirs, rtol=1e-9)
    assert theirs.t_ == ours.t_
    if name != "two outputs":
        assert theirs.loss_ == pytest.approx(ours.loss_, rel=1e-9)


@pytest.mark.parametrize("settings", SOLVERS)
def test_a_warm_start_goes_on_alike(settings):
    ours = fitted(VALUES, max_iter=4, warm_start=True, **settings)
    theirs = ours.to_sklearn().fit(X, VALUES)
    ours.fit(X, VALUES)
    agree(ours, theirs, rtol=1e-6)


def test_training_goes_on_where_its_steps_are_others():
    """With twice the neurons, or after another rule's steps, from a fresh memory; under another loss, a fresh count."""
    for settings in (
        {"activation": "leaky_relu"},
        {"solver": RMSprop(0.01)},
        {"solver": Adam(0.01)},
        {"loss": "huber"},
    ):
        ours = fitted(VALUES, **settings)
        theirs = ours.to_sklearn()
        before = np.copy(theirs.coefs_[0])
        assert theirs.loss_curve_ == ([] if "loss" in settings else ours.loss_curve_)
        theirs.partial_fit(X, VALUES)
        assert np.abs(theirs.coefs_[0] - before).max() > 0


def test_parameters_are_those_that_mean_the_same():
    given = {
        "hidden_layer_sizes": 5,
        "activation": "tanh",
        "alpha": 0.01,
        "batch_size": 9,
        "tol": 0.1,
        "shuffle": False,
    }
    taken = fitted(VALUES, **given).to_sklearn().get_params()
    assert {name: taken[name] for name in given} == given
    for given, taken in [
        ({"weight_l1": 0.1}, {"alpha": 0.0}),
        ({"solver": "fista"}, {"solver": "lbfgs"}),
        ({"solver": Adam(0.02, 0.8, 0.9, 1e-6)}, {"solver": "adam", "learning_rate_init": 0.02, "beta_1": 0.8}),
        ({"solver": SGD(0.02, momentum=0.5)}, {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False}),
        ({"solver": RMSprop(0.01)}, {"solver": "adam", "learning_rate_init": 0.001}),
        ({"activation": "leaky_relu"}, {"activation": "relu", "hidden_layer_sizes": (10, 6)}),
        ({"early_stopping": EarlyStopping(patience=2)}, {"early_stopping": False}),
        ({"loss": "huber"}, {"loss": "squared_error"}),
    ]:
        theirs = fitted(VALUES, **given).to_sklearn()
        assert {name: theirs.get_params()[name] for name in taken} == taken


def test_a_compacted_network_takes_the_columns_that_it_kept():
    y = X[:, 0] - X[:, 2]
    ours = MLPRegressor(hidden_layer_sizes=(6,), solver="fista", input_l1=0.2, random_state=0, max_iter=300).fit(X, y)
    small = ours.compact()
    assert small.kept_inputs_.sum() < 4
    agree(ours, ours.to_sklearn())
    theirs = small.to_sklearn()
    assert theirs.n_features_in_ == small.kept_inputs_.sum()
    assert theirs.hidden_layer_sizes == small.hidden_layer_sizes
    np.testing.assert_allclose(theirs.predict(NEW[:, small.kept_inputs_]), ours.predict(NEW), rtol=1e-12)
    with pytest.raises(ValueError, match="4 features"):
        theirs.predict(NEW)


def test_names_of_columns_are_kept_and_checked():
    pandas = need("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    for settings in ({"hidden_layer_sizes": ()}, {"hidden_layer_sizes": (3,)}):
        ours = MLPRegressor(max_iter=3, random_state=0, input_l1=0.01, **settings).fit(frame, VALUES)
        theirs = ours.to_sklearn()
        assert theirs.feature_names_in_.tolist() == list("abcd")
        agree(ours, theirs, frame)
        with pytest.raises(ValueError, match="feature names should match"):
            theirs.predict(frame.rename(columns={"a": "z"}))
    small = (
        MLPRegressor(hidden_layer_sizes=(6,), solver="fista", input_l1=0.1, random_state=0, max_iter=300)
        .fit(frame, X[:, 2])
        .compact()
    )
    assert small.to_sklearn().feature_names_in_.tolist() == ["c"]


class Rectifier:
    """One of a user's own, which no constructor takes, but an attribute may."""

    def forward(self, z, /):
        return z * (z > 0)

    def backward(self, dy, y, /):
        return dy * (y > 0)


def test_a_users_own_classes_are_refused_whatever_they_are_called():
    ours = fitted(VALUES)
    for activation in (type("Relu", (Relu,), {})(), type("Relu", (Rectifier,), {})()):
        with pytest.raises(TypeError, match=r"activation=.*a class of your own.*to_host\(\)"):
            ours.set_params(activation=activation).to_sklearn()
    for base in (SquaredError, Gamma):
        own = fitted(POSITIVE, loss=type(base.__name__, (base,), {})())
        with pytest.raises(TypeError, match=r"loss=.*a class of your own.*to_host\(\)"):
            own.to_sklearn()
    linear = fitted(VALUES, hidden_layer_sizes=(), activation=type("Relu", (Relu,), {})())
    agree(linear, linear.to_sklearn())  # it has no neurons


def test_many_classes():
    y = np.arange(len(X)) % 30
    ours = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, y)
    theirs = ours.to_sklearn()
    agree(ours, theirs)
    theirs.partial_fit(X, y)


def test_sorted_outputs_are_refused():
    ours = fitted(VALUES, loss=Quantiles((0.2, 0.8)))
    with pytest.raises(TypeError, match=r"ascending order.*by Quantile.*to_host\(\)"):
        ours.to_sklearn()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ours.to_host())).predict(NEW), ours.predict(NEW))


def test_of_exposures_it_has_the_rates():
    years = np.linspace(0.5, 4.0, len(X))
    for sizes in ((), (5,)):
        ours = MLPRegressor("poisson", sizes, max_iter=30, random_state=0).fit(X, POSITIVE * years, exposure=years)
        agree(ours, ours.to_sklearn())


def test_there_must_be_something_fitted():
    with pytest.raises(NotFittedError, match="MLPRegressor instance is not fitted"):
        MLPRegressor().to_sklearn()
