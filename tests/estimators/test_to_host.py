"""Copies on the host: nothing of the other library is left in them, and they predict and train as the original."""

from __future__ import annotations

import io
import pickle

import array_api_strict
import numpy as np
import pytest
from conftest import missing, placement
from sklearn.exceptions import NotFittedError
from twins import BINARY, CLASSES, LABELS, VALUES, X

from regnet import MLPClassifier, MLPRegressor, MLPRegressorCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LIBRARIES = ["torch", "jax"]
PROBLEMS = {"classes": CLASSES, "labels": LABELS, "values": VALUES}


class Reader(pickle.Unpickler):
    """Notes the packages that a pickle needs."""

    def __init__(self, pickled):
        super().__init__(io.BytesIO(pickled))
        self.packages = set()

    def find_class(self, module, name):
        self.packages.add(module.partition(".")[0])
        return super().find_class(module, name)


def packages_of(value):
    reader = Reader(pickle.dumps(value))
    reader.load()
    return {"jax" if one == "jaxlib" else one for one in reader.packages}


def on_device(name, y, **settings):
    """An estimator fitted on arrays of a library, and where they are."""
    if missing(name):
        pytest.skip(missing(name))
    here = placement(name)
    kind = MLPRegressor if y is VALUES else MLPClassifier
    ours = kind(**{"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0, **settings})
    return ours.fit(here.put(X), here.put(y, None if y is VALUES else "int64"), log_every=1), here


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_copy_on_the_host_is_numpys(name, problem, solver):
    y = PROBLEMS[problem]
    ours, here = on_device(name, y, solver=solver)
    host = ours.to_host()
    assert type(host) is type(ours)
    assert name not in packages_of(host)
    assert name in packages_of(ours)
    host = pickle.loads(pickle.dumps(host))
    got = host.predict(X)
    assert type(got) is np.ndarray
    np.testing.assert_allclose(got, here.backend.to_numpy(ours.predict(here.put(X))), rtol=1e-12)
    assert type(host.selected_features_) is np.ndarray
    assert host.selected_features_.all()
    assert host.get_params() == ours.get_params()
    assert host.history_[-1] == ours.history_[-1]


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_from_a_copy(name, solver):
    ours, here = on_device(name, CLASSES, solver=solver)
    host = ours.to_host()
    for _ in range(3):
        host.partial_fit(X, CLASSES)
        ours.partial_fit(here.put(X), here.put(CLASSES, "int64"))
    assert type(host.coefs_[0]) is np.ndarray
    for mine, theirs in zip(host.coefs_ + host.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        np.testing.assert_allclose(mine, here.backend.to_numpy(theirs), rtol=1e-9, atol=1e-12)
    assert (host.t_, host.n_iter_) == (ours.t_, ours.n_iter_)


@pytest.mark.parametrize("name", LIBRARIES)
def test_parameters_and_groups_come_along(name):
    if missing(name):
        pytest.skip(missing(name))
    here = placement(name)
    factors = here.put(np.asarray([1.0, 1.0, 0.0, 2.0]))
    ours = MLPRegressor(
        solver="fista", input_l1=0.1, penalty_factor=factors, input_groups=["a", "a", "b", "c"], random_state=0,
        hidden_layer_sizes=(), max_iter=50,
    ).fit(here.put(X), here.put(VALUES))  # fmt: skip
    host, small = ours.to_host(), ours.compact().to_host()
    assert name not in packages_of(host) | packages_of(small)
    np.testing.assert_array_equal(host.penalty_factor, [1.0, 1.0, 0.0, 2.0])
    assert host.groups_ == ours.groups_
    assert host.kkt_residual_ == ours.kkt_residual_
    np.testing.assert_allclose(small.predict(X), host.predict(X), rtol=1e-9)


def test_from_any_library(namespace):
    """GPUs' too: on the host and as scikit-learn's it predicts what it does where it was trained."""
    here = placement(namespace)
    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=True, data_dependent_shapes=True):
        ours = MLPClassifier((5,), max_iter=3, random_state=0, activation="leaky_relu")
        ours.fit(here.put(X), here.put(CLASSES, "int64"))
        expected = here.backend.to_numpy(ours.predict_proba(here.put(X)))
        for there in (ours.to_host(), ours.to_sklearn()):
            assert type(there.coefs_[0]) is np.ndarray
            np.testing.assert_allclose(there.predict_proba(X), expected, rtol=1e-9)
            there.partial_fit(X, CLASSES)


def test_of_what_is_on_the_host_it_is_a_plain_copy():
    ours = MLPClassifier((5,), max_iter=3, random_state=0, weight_l1=0.001).fit(X, BINARY)
    host = ours.to_host()
    expected = ours.predict_proba(X)
    np.testing.assert_array_equal(host.predict_proba(X), expected)
    assert host.get_params() == ours.get_params()
    host.partial_fit(X, BINARY)
    for weight in host.coefs_:
        weight[:] = 0
    host.loss_curve_.append(0.0)
    np.testing.assert_array_equal(ours.predict_proba(X), expected)
    assert len(ours.loss_curve_) == 3
    ours.partial_fit(X, BINARY)
    again = pickle.loads(pickle.dumps(MLPClassifier((5,), max_iter=3, random_state=0, weight_l1=0.001).fit(X, BINARY)))
    np.testing.assert_array_equal(again.partial_fit(X, BINARY).coefs_[0], ours.coefs_[0])


def test_alpha_that_was_not_given_is_not_given_in_a_copy():
    """It counts as 0 beside a strength of another kind."""
    ours = MLPRegressor(hidden_layer_sizes=(), solver="newton", weight_l2=0.1).fit(X, VALUES)
    np.testing.assert_array_equal(ours.to_host().fit(X, VALUES).coefs_[0], ours.coefs_[0])


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_search(name):
    if missing(name):
        pytest.skip(missing(name))
    here = placement(name)
    search = MLPRegressorCV(
        hidden_layer_sizes=(), cv=3, lambdas=here.put(np.asarray([0.01, 0.1])),
        penalty_factor=here.put(np.asarray([1.0, 1.0, 2.0, 1.0])),
    ).fit(here.put(X), here.put(VALUES))  # fmt: skip
    host = search.to_host()
    assert name not in packages_of(host)
    host = pickle.loads(pickle.dumps(host))
    np.testing.assert_allclose(host.predict(X), here.backend.to_numpy(search.predict(here.put(X))), rtol=1e-12)
    assert type(host.predict(X)) is np.ndarray
    assert (host.lambda_, host.lambdas.tolist()) == (search.lambda_, [0.01, 0.1])
    np.testing.assert_array_equal(host.at(n_inputs=4).coefs_[0], search.at(n_inputs=4).coefs_[0])


def test_there_must_be_something_fitted():
    for unfitted in (MLPClassifier(), MLPRegressorCV()):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            unfitted.to_host()
