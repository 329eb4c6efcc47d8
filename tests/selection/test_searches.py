"""A search as scikit-learn's users know estimators."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from conftest import need
from searches import FRIEDMAN, quick
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from regnet import SGD, DivergenceWarning, MLPClassifierCV, MLPRegressorCV, PathResult, config_context


def test_groups_weights_and_restarts():
    X, y = FRIEDMAN
    found = quick(cv=GroupKFold(5), restarts=3, lambdas=(0.01, 0.05)).fit(X, y, groups=np.arange(200) // 20)
    assert found.cv_scores_.shape == (2, 5, 3)
    assert not np.array_equal(found.cv_scores_[..., 0], found.cv_scores_[..., 1])
    weight = np.ones(200)
    weight[:100] = 2.0
    twice = np.concatenate([np.arange(100), np.arange(200)])
    weighted = quick(cv=[(np.arange(200), np.arange(150, 200))], lambdas=(0.01, 0.05)).fit(X, y, sample_weight=weight)
    repeated = quick(cv=[(np.arange(300), np.arange(250, 300))], lambdas=(0.01, 0.05)).fit(X[twice], y[twice])
    np.testing.assert_allclose(weighted.cv_scores_, repeated.cv_scores_, rtol=1e-6)


def test_it_is_an_estimator():
    X, y = FRIEDMAN
    found = quick().fit(X, y)
    assert clone(found).get_params() == found.get_params()
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.predict(X), found.predict(X))
    scores = cross_val_score(make_pipeline(StandardScaler(), quick(n_lambdas=6)), X, y, cv=3)
    assert scores.mean() > 0.4
    unfitted = quick(refit=False).fit(X, y)
    assert not hasattr(unfitted, "best_estimator_")
    with pytest.raises(NotFittedError, match="refit=False"):
        unfitted.predict(X)


def test_classes_names_and_probabilities():
    pandas = need("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = pandas.Series(np.array(["setosa", "versicolor", "virginica"])[y])
    found = MLPClassifierCV((8,), n_lambdas=10, cv=3, max_iter=60, random_state=0, select="min").fit(X, names)
    assert found.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert found.predict_proba(X).shape == (150, 3)
    assert found.score(X, names) > 0.9
    assert found.path_.feature_names == tuple(X.columns)
    assert isinstance(found.path_, PathResult)
    assert not hasattr(quick(), "predict_proba")


def test_several_labels_counts_and_sparse_tables(rng):
    from scipy.sparse import csr_matrix

    X = rng.standard_normal((120, 6))
    labels = (X[:, :2] > 0).astype(int)
    found = MLPClassifierCV((8,), n_lambdas=8, cv=3, max_iter=100, random_state=0).fit(csr_matrix(X), labels)
    assert found.predict(X).shape == (120, 2)
    assert found.selected_features_[:2].all()
    counts = rng.poisson(np.exp(X[:, 0]))
    found = MLPRegressorCV((8,), loss="poisson", n_lambdas=8, cv=3, max_iter=100, random_state=0).fit(X, counts)
    assert (found.predict(X) > 0).all()
    assert found.selected_features_[0]


def test_arrays_of_torch_come_back_as_such():
    torch = need("torch")
    X, y = FRIEDMAN
    found = quick(n_lambdas=4, cv=2, max_iter=10).fit(torch.asarray(X), torch.asarray(y))
    assert isinstance(found.predict(torch.asarray(X)), torch.Tensor)


def test_float32_stays_float32():
    X, y = FRIEDMAN
    found = quick(n_lambdas=4, cv=2, max_iter=10).fit(X.astype("float32"), y)
    assert found.best_estimator_.coefs_[0].dtype == np.float32
    with config_context(dtype="float32"):
        found = quick(n_lambdas=4, cv=2, max_iter=10).fit((1000 * X).astype(int), y)
    assert found.best_estimator_.coefs_[0].dtype == np.float32


def test_nothing_stays_of_an_earlier_fit():
    X, y = FRIEDMAN
    found = quick().fit(X, y)
    found.set_params(refit=False, adaptive=False).fit(X, y)
    assert not [name for name in ("path_", "best_estimator_", "pilot_scores_") if hasattr(found, name)]


def test_a_refit_that_diverges_is_no_model():
    X, y = FRIEDMAN
    X = np.concatenate([X, np.full((1, X.shape[1]), 1e150)])
    y = np.append(y, 0.0)
    halves = [(np.arange(100), np.arange(100, 200))]
    found = quick(standardize=False, warm_start=False, solver=SGD(0.001), cv=halves, lambdas=(0.01,), adaptive=False)
    with pytest.warns(DivergenceWarning), pytest.raises(ValueError, match="On all rows every network"):
        found.fit(X, y)


@pytest.mark.parametrize("kind", [MLPRegressorCV, MLPClassifierCV])
def test_scikit_learns_checks_of_searches(kind):
    """No check fails; the skipped ones are about arrays of libraries or devices that are not here."""
    estimator = kind(lambdas=(1e-2, 1e-1), cv=2, max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [f"{one['check_name']}: {one['exception']}" for one in results if one["status"] == "failed"]
    assert failed == []
    assert sum(one["status"] == "passed" for one in results) > 50
