"""Arrays that refuse to become NumPy arrays unasked, as CuPy's do: PyTorch's, made to refuse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from conftest import missing, placement
from scipy.sparse import csr_matrix, issparse
from sklearn.datasets import load_iris
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from regnet import (
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    Network,
    config_context,
    fit,
    knockoff_selection,
    path,
    stability_selection,
)
from regnet.arrays.tree import leaves
from regnet.sweep.fingerprint import _device_name

pytestmark = [
    pytest.mark.skipif(bool(missing("torch")), reason=str(missing("torch"))),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X, Y = load_iris(return_X_y=True)
X = X - X.mean(axis=0)


@pytest.fixture
def device(monkeypatch):
    """(table, labels) as tensors whose conversion is an error."""
    import torch

    def refuse(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    here = placement("torch")
    tensors = here.put(X), here.put(Y, "int64")
    monkeypatch.setattr(torch.Tensor, "__array__", refuse)
    with pytest.raises(TypeError, match="Implicit"):
        np.asarray(tensors[0])
    return tensors


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "fista"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_estimators(kind, solver, device):
    x, y = device
    settings = {"hidden_layer_sizes": (5,), "solver": solver, "random_state": 0, "max_iter": 20}
    settings |= {"input_l1": 0.01} if solver != "lbfgs" else {}
    target = (X[:, 0], x[:, 0]) if kind is MLPRegressor else (Y, y)
    expected = kind(**settings).fit(X, target[0])
    model = kind(**settings).fit(x, target[1])
    np.testing.assert_allclose(model.predict(x).numpy(), expected.predict(X), rtol=1e-5)
    assert model.score(x, target[1]) == pytest.approx(expected.score(X, target[0]))
    np.testing.assert_allclose(model.compact().predict(x).numpy(), expected.predict(X), rtol=1e-5)
    assert pickle.loads(pickle.dumps(model)).score(x, target[1]) == model.score(x, target[1])
    assert copy.deepcopy(model).score(X, target[0]) == pytest.approx(model.score(x, target[1]))


@pytest.mark.parametrize("validation", [False, True])
def test_training_goes_on_with_arrays_of_another_library(validation, device):
    x, y = device
    settings = {"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 4}
    more = {"validation_data": (x, y)} if validation else {}
    model = MLPClassifier(**settings, warm_start=True).fit(x, y).fit(X, Y, **more)
    expected = MLPClassifier(**settings, warm_start=True).fit(X, Y).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-5)
    model = MLPClassifier(**settings).partial_fit(x, y, classes=[0, 1, 2]).partial_fit(X, Y)
    expected = MLPClassifier(**settings).partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-5)
    weighted = MLPClassifier(**settings, early_stopping=True).fit(x, y, sample_weight=x[:, 0] ** 2)
    assert type(weighted.predict(x)) is type(y)


def test_fit_and_models(device):
    x, y = device
    network = Network.mlp([4, 5, 3], loss="categorical_crossentropy")
    options = {"epochs": 5, "progress": False}
    there = fit(network, x, y, **options)
    here = fit(network, X, Y, params=there.model.params, validation_data=(x, y), **options)
    twice = fit(network, X, Y, params=there.model.numpy_params(), **options)
    for ours, others in zip(leaves(here.model.params), leaves(twice.model.params), strict=True):
        np.testing.assert_array_equal(ours, others)
    np.testing.assert_array_equal(np.concatenate([here.model.predict(x), here.model.outputs(x)]),
                                  np.concatenate([here.model.predict(X), here.model.outputs(X)]))  # fmt: skip
    assert here.model.evaluate(x, y) == here.model.evaluate(X, Y)
    again = pickle.loads(pickle.dumps(there.model))
    assert again.evaluate(X, Y) == there.model.evaluate(x, y)


def test_sparse_labels(device):
    labels = csr_matrix(np.stack([Y == 0, Y > 0], axis=1).astype(int))
    model = MLPClassifier((5,), random_state=0, max_iter=30).fit(device[0], labels)
    assert issparse(model.predict(device[0]))


@pytest.mark.parametrize("preprocessor", [None, StandardScaler()])
def test_selection(preprocessor, device, tmp_path):
    x, y = device
    groups = placement("torch").put(np.arange(150) % 5, "int64")
    lambdas = placement("torch").put(np.geomspace(1e-3, 0.1, 4))
    settings = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0, "preprocessor": preprocessor}
    search = MLPClassifierCV(**settings, lambdas=lambdas, cv=GroupKFold(3)).fit(x, y, groups=groups)
    with config_context(dtype="float64"):
        expected = MLPClassifierCV(**settings, lambdas=lambdas.numpy(), cv=GroupKFold(3)).fit(
            X, Y, groups=groups.numpy()
        )
    np.testing.assert_allclose(search.score_mean_, expected.score_mean_, rtol=1e-5)
    assert type(search.predict(x)) is (type(y) if preprocessor is None else np.ndarray)
    assert search.score(x, y) == pytest.approx(expected.score(X, Y), abs=0.02)
    MLPRegressorCV(**settings, n_lambdas=3, cv=3, sweep_dir=tmp_path).fit(x, x[:, 0])


def test_paths_and_penalty_factors(device):
    x, y = device
    factor = placement("torch").put([0.0, 1.0, 1.0, 2.0])
    settings = {"max_iter": 5, "random_state": 0, "weight_l1": 0.1}
    ours, expected = (MLPClassifier((5,), **settings, penalty_factor=one) for one in (factor, factor.numpy()))
    ours, expected = (model.fit(x, y).predict_proba(x).numpy() for model in (ours, expected))
    np.testing.assert_array_equal(ours, expected)
    found = path(MLPClassifier((5,), max_iter=5, random_state=0), x, y, n_lambdas=3)
    assert len(found.lambdas) == 3
    stability_selection(MLPClassifier((5,), max_iter=5, random_state=0), x, y, n_lambdas=3, subsamples=4)
    network = MLPClassifier((5,), max_iter=5, random_state=0)
    drawn = knockoff_selection(network, x, y, fdr=0.5, draws=2, n_lambdas=3)
    given = knockoff_selection(network, x, y, fdr=0.5, knockoffs=x, n_lambdas=3)
    assert (drawn.statistics.shape, given.statistics.shape) == ((2, 4), (1, 4))


def test_a_device_has_one_name_in_a_journal():
    class Device:
        id = 1

    assert _device_name(Device()) == _device_name("cuda:1") == "cuda:1"
    assert _device_name(type("Cpu", (Device,), {"platform": "cpu"})()) == "cpu:1"
