"""What is learned in each fold: scales of columns, a preprocessor."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from searches import FRIEDMAN, quick
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from regnet import MLPRegressorCV, config_context


def test_standardisation_is_learned_in_each_fold_and_undone_in_the_result():
    """Inputs and targets in other units give the same choice, and predictions in those units."""
    X, y = FRIEDMAN
    one = quick().fit(X, y)
    scale, shift = np.geomspace(1e-3, 1e3, X.shape[1]), np.linspace(-5, 5, X.shape[1])
    other = quick().fit(X * scale + shift, 1e4 * y - 3e4)
    np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, atol=1e-6)
    np.testing.assert_allclose(1e4 * one.predict(X) - 3e4, other.predict(X * scale + shift), rtol=1e-6)
    assert np.array_equal(one.selected_features_, other.selected_features_)


def test_nothing_is_learned_from_held_out_rows():
    """A monstrous held-out row changes the scores of its own fold only."""
    X, y = FRIEDMAN
    cv = [(np.arange(100, 200), np.arange(100)), (np.arange(100), np.arange(100, 200))]
    settings = {"lambdas": (0.01, 0.1), "cv": cv, "adaptive": False, "refit": False}
    one = quick(**settings).fit(X, y)
    broken = X.copy()
    broken[150] = 1e6  # held out in the second fold, trained on in the first
    other = quick(**settings).fit(broken, y)
    assert not np.array_equal(one.cv_scores_[:, 0], other.cv_scores_[:, 0])
    cut = [(train, test[test != 150]) for train, test in cv]
    one, other = (quick(**{**settings, "cv": cut}).fit(table, y) for table in (X, broken))
    assert np.array_equal(one.cv_scores_[:, 1], other.cv_scores_[:, 1])


def test_a_pipeline_in_front_is_fitted_in_each_fold():
    pandas = need("pandas")
    X, y = FRIEDMAN
    frame = pandas.DataFrame(X, columns=[f"input {k}" for k in range(X.shape[1])])
    frame["colour"] = np.where(X[:, 0] > 0.5, "red", "blue")
    front = ColumnTransformer(
        [("colour", OneHotEncoder(categories=[["blue", "red"]]), ["colour"])], remainder=StandardScaler()
    )
    found = quick(preprocessor=front).fit(frame, y)
    assert found.best_estimator_.predict(frame).shape == (200,)
    assert found.score(frame, y) > 0.5
    assert len(found.selected_features_) == X.shape[1] + 2


def test_units_of_any_size():
    X, y = FRIEDMAN
    one = quick().fit(X, y)
    tiny = X.copy()
    tiny[:, 0] *= 1e-14
    other = quick().fit(tiny, 1e-14 * y)
    np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, atol=1e-6)
    constant = np.column_stack([X, np.full(len(X), 3.7)])
    with pytest.warns(UserWarning, match="one value in all rows: x15"):
        assert not quick().fit(constant, y).selected_features_[-1]


def test_a_preprocessors_table_is_checked():
    X, y = FRIEDMAN
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick(preprocessor=StandardScaler()).fit(np.concatenate([X, X]), y)
    texts = ["red apple", "green apple", "red pear", "green pear"] * 20
    found = quick(preprocessor=TfidfVectorizer(), select="min").fit(texts, np.tile([1.0, 0.0, 1.0, 0.0], 20))
    assert found.predict(["red pear"])[0] > 0.8


def far_from_zero(kind, rng):
    """A table whose columns are many standard deviations from 0, as `kind` holds it, and the values that it holds."""
    x = np.column_stack([1_700_000_000 + rng.integers(0, 4000, 200), 1e6 + rng.integers(-3, 4, 200)])
    if kind == "float32":  # spacings of float32: 128 and 1/16
        x = np.column_stack([1_700_000_000 // 128 * 128 + 128.0 * rng.integers(0, 40, 200), x[:, 1]])
        return x.astype(np.float32), x
    if kind == "frame":
        pandas = need("pandas")
        return pandas.DataFrame({"clock": x[:, 0].astype(np.int64), "weight": x[:, 1].astype(np.float32)}), x
    if kind == "torch":
        return need("torch").asarray(x.astype(np.int64)), x
    return (x.astype(np.int64) if kind == "int64" else x.tolist()), x


@pytest.mark.parametrize("kind", ["float32", "int64", "list", "frame", "torch"])
def test_columns_far_from_zero_are_standardised_with_all_their_digits(kind, rng):
    """As the same columns are whose means are subtracted by hand: their type is narrowed after standardising."""
    given, x = far_from_zero(kind, rng)
    centred = x - np.floor(x.mean(axis=0))
    y = 1e9 + 3 * centred[:, 0] + 100 * centred[:, 1] + rng.standard_normal(200)
    settings = {"lambdas": (1e-4, 1e-3), "cv": 3, "max_iter": 2000, "tol": 3e-5, "random_state": 0}
    with config_context(dtype="float32"):
        found = MLPRegressorCV((), penalty="weight_l1", **settings).fit(given, y)
    ideal = MLPRegressorCV((), penalty="weight_l1", **settings).fit(centred, y - 1e9)
    off = np.asarray(found.predict(given), dtype=np.float64) - 1e9 - ideal.predict(centred)
    assert np.abs(off).max() < 1e-3 * y.std()
    np.testing.assert_allclose(found.cv_scores_, ideal.cv_scores_, atol=1e-4)
