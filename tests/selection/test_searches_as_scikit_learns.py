"""A fitted search as scikit-learn's estimator: of the network that it chose, behind its preprocessor."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import need
from sklearn import linear_model, neural_network
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from twins import BINARY, CLASSES, VALUES, X

from regnet import MLPClassifierCV, MLPRegressorCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NEW = np.random.default_rng(1).standard_normal((40, 4))
POSITIVE = np.exp(0.3 * VALUES)
FEW = {"lambdas": (0.01, 0.1), "cv": 3, "random_state": 0, "max_iter": 5}


def agree(search, theirs, rows):
    if isinstance(search, MLPClassifierCV):
        np.testing.assert_array_equal(theirs.predict(rows), search.predict(rows))
        np.testing.assert_allclose(theirs.predict_proba(rows), search.predict_proba(rows), rtol=1e-12)
    else:
        np.testing.assert_allclose(theirs.predict(rows), search.predict(rows), rtol=1e-12)


@pytest.mark.parametrize(
    ("search", "y", "kind"),
    [
        (MLPClassifierCV((), **FEW), np.array(["no", "yes"])[BINARY], linear_model.LogisticRegression),
        (MLPClassifierCV((4,), **FEW), CLASSES, neural_network.MLPClassifier),
        (MLPRegressorCV(hidden_layer_sizes=(), **FEW), VALUES, linear_model.LinearRegression),
        (MLPRegressorCV(hidden_layer_sizes=(), loss="gamma", **FEW), POSITIVE, linear_model.GammaRegressor),
        (MLPRegressorCV(hidden_layer_sizes=(4,), warm_start=False, **FEW), VALUES, neural_network.MLPRegressor),
    ],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_a_search_is_the_network_that_it_chose(search, y, kind, scaled):
    search.set_params(preprocessor=StandardScaler() if scaled else None).fit(3 * X + 1, y)
    theirs = search.to_sklearn()
    assert type(theirs) is (Pipeline if scaled else kind)
    agree(search, theirs, 3 * NEW + 1)
    agree(search, pickle.loads(pickle.dumps(theirs)), NEW)
    if scaled:
        assert type(theirs[-1]) is kind
        expected = search.predict(NEW)
        theirs.fit(X, POSITIVE if kind is linear_model.GammaRegressor else y)  # its own scaler, not the search's
        np.testing.assert_array_equal(search.predict(NEW), expected)
    elif kind is neural_network.MLPRegressor:
        theirs.partial_fit(3 * X + 1, y)


def test_columns_of_a_frame():
    pandas = need("pandas")
    frame = pandas.DataFrame({"kind": np.array(["u", "v", "w"])[CLASSES], "a": X[:, 0], "b": X[:, 1]})
    front = make_column_transformer((OneHotEncoder(), ["kind"]), remainder=StandardScaler())
    search = MLPRegressorCV(hidden_layer_sizes=(), preprocessor=front, **FEW).fit(frame, VALUES)
    theirs = search.to_sklearn()
    agree(search, theirs, frame[::-1])
    with pytest.raises(ValueError, match="columns are missing"):
        theirs.predict(frame.drop(columns="a"))
    plain = MLPRegressorCV(hidden_layer_sizes=(), **FEW).fit(frame[["a", "b"]], VALUES).to_sklearn()
    with pytest.raises(ValueError, match="feature names should match"):
        plain.predict(frame[["b", "a"]])


def test_there_must_be_a_network():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        MLPRegressorCV().to_sklearn()
    with pytest.raises(NotFittedError, match="refit=False"):
        MLPRegressorCV(hidden_layer_sizes=(), refit=False, **FEW).fit(X, VALUES).to_sklearn()
