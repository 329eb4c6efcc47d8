"""Estimators as ONNX graphs, by way of scikit-learn's: what onnxruntime computes in float32 is what they predict."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from sklearn.preprocessing import StandardScaler
from twins import BINARY, CLASSES, LABELS, VALUES, X

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NEW = np.random.default_rng(1).standard_normal((40, 4)).astype(np.float32)
POSITIVE = np.exp(0.3 * VALUES)
FEW = {"lambdas": (0.01, 0.1), "cv": 3, "random_state": 0, "max_iter": 5}


def run(estimator, **options):
    """The outputs of the graph for the new rows."""
    convert, runtime = need("skl2onnx"), need("onnxruntime")
    graph = convert.to_onnx(estimator.to_sklearn(), X[:1].astype(np.float32), options=options or None)
    session = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: NEW})


@pytest.mark.parametrize("y", [np.array(["no", "yes"])[BINARY], CLASSES + 3, BINARY > 0], ids=["text", "three", "bool"])
@pytest.mark.parametrize("settings", [{"hidden_layer_sizes": ()}, {"activation": "leaky_relu"}, {"activation": "tanh"}])
def test_classes(y, settings):
    ours = MLPClassifier(**{"hidden_layer_sizes": (5,), "max_iter": 20, "random_state": 0, **settings}).fit(X, y)
    classes, probabilities = run(ours, zipmap=False)
    np.testing.assert_array_equal(classes, ours.predict(NEW))
    np.testing.assert_allclose(probabilities, ours.predict_proba(NEW), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("count", [2, 3])
def test_labels(count):
    """Of two labels the probabilities come as those of 'no', then those of 'yes'; of more, as those of 'yes'."""
    ours = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, LABELS[:, :count])
    labels, probabilities = run(ours, zipmap=False)
    np.testing.assert_array_equal(labels, ours.predict(NEW))
    np.testing.assert_allclose(probabilities[:, -count:], ours.predict_proba(NEW), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "sizes"),
    [("squared_error", (5,)), ("huber", (5,)), *((one, ()) for one in ("huber", "poisson", "gamma", "tweedie"))],
)
def test_values(loss, sizes):
    ours = MLPRegressor(loss, sizes, max_iter=20, random_state=0).fit(X, POSITIVE)
    np.testing.assert_allclose(run(ours)[0][:, 0], ours.predict(NEW), rtol=1e-5, atol=1e-5)


def test_what_skl2onnx_lacks():
    """A network's exponential output, and the shape of several outputs, whose numbers come one after another."""
    with pytest.raises(KeyError, match="exp"):
        run(MLPRegressor("poisson", (5,), max_iter=2, random_state=0).fit(X, POSITIVE))
    pair = np.stack([VALUES, X[:, 0]], axis=1)
    deep = MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0).fit(X, pair)
    np.testing.assert_allclose(run(deep)[0].reshape(-1, 2), deep.predict(NEW), rtol=1e-4, atol=1e-5)
    linear = MLPRegressor(hidden_layer_sizes=(), max_iter=20, random_state=0).fit(X, pair)
    np.testing.assert_allclose(run(linear)[0], linear.predict(NEW), rtol=1e-4, atol=1e-5)


def test_searches_behind_a_scaler():
    classes = MLPClassifierCV((4,), preprocessor=StandardScaler(), **FEW).fit(X, CLASSES)
    labels, probabilities = run(classes, zipmap=False)
    np.testing.assert_array_equal(labels, classes.predict(NEW))
    np.testing.assert_allclose(probabilities, classes.predict_proba(NEW), rtol=1e-5, atol=1e-6)
    values = MLPRegressorCV(hidden_layer_sizes=(), preprocessor=StandardScaler(), **FEW).fit(X, VALUES)
    np.testing.assert_allclose(run(values)[0][:, 0], values.predict(NEW), rtol=1e-5, atol=1e-5)
