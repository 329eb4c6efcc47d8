"""Searches as scikit-learn's selectors know estimators: importances, supports, names, also behind a preprocessor."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from searches import FRIEDMAN, quick
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler

import regnet
from regnet import MLPClassifierCV, MLPRegressor, MLPRegressorCV, config_context
from regnet.selection.input_names import trace

X, Y = FRIEDMAN
LINEAR = {"penalty": "weight_l1", "lambdas": (0.01, 0.1, 0.2), "cv": 3, "random_state": 0}


def linear(**settings):
    return MLPRegressorCV((), **{**LINEAR, **settings})


def table():
    """Three columns, of which one holds words; y is made of the words and of "age_2"."""
    pandas = need("pandas")
    rng = np.random.default_rng(0)
    colour = rng.choice(["blue", "green", "red"], 90)
    frame = pandas.DataFrame({"age": rng.standard_normal(90), "age_2": rng.standard_normal(90), "colour": colour})
    return frame, frame["age_2"].to_numpy() + 2.0 * (colour == "red") + 0.01 * rng.standard_normal(90)


def test_importances_say_how_long_an_input_is_used():
    found = quick(max_iter=20).fit(X, Y)
    last = [found.lambdas_[used].max(initial=0.0) for used in found.path_.selected.T]
    np.testing.assert_allclose(found.feature_importances_, last / np.max(last))
    assert set(np.argsort(-found.feature_importances_)[:3]) <= {0, 1, 2, 3, 4}
    folds = quick(max_iter=20, refit=False).fit(X, Y)
    assert folds.feature_importances_.shape == (15,)
    assert folds.feature_importances_.max() == 1.0


def test_importances_of_a_penalty_that_drops_nothing_are_norms():
    found = linear(penalty="weight_l2").fit(X, Y)
    weight = np.abs(found.best_estimator_.coefs_[0][:, 0]) * X.std(axis=0)
    np.testing.assert_allclose(found.feature_importances_, weight / weight.max(), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_importances_of_single_fits_are_norms(namespace):
    if namespace.startswith("strict"):
        pytest.skip("strict arrays are no input of estimators")
    with config_context(backend=namespace):
        mlp = MLPRegressor(hidden_layer_sizes=(4,), input_l1=0.3, weight_l2=[0, 0.01], max_iter=50, random_state=0)
        fitted = mlp.fit(StandardScaler().fit_transform(X), Y)
        norms = np.linalg.norm(np.asarray(fitted.coefs_[0], dtype=np.float64), axis=1)
        np.testing.assert_allclose(np.asarray(fitted.feature_importances_), norms / norms.max(), rtol=1e-5)
    fitted.coefs_[0][:] = 0.0
    np.testing.assert_array_equal(np.asarray(fitted.feature_importances_), 0.0)
    with pytest.raises(NotFittedError):
        _ = MLPRegressor().feature_importances_


def test_a_search_selects_for_another_model():
    pipeline = make_pipeline(SelectFromModel(linear(), threshold=0.5), LinearRegression()).fit(X, Y)
    kept = pipeline[0].get_support()
    np.testing.assert_array_equal(kept, pipeline[0].estimator_.feature_importances_ >= 0.5)
    assert kept[[0, 1, 3, 4]].all()
    assert pipeline.score(X, Y) > 0.6
    own = SelectFromModel(linear(), importance_getter="selected_features_", threshold=0.5).fit(X, Y)
    np.testing.assert_array_equal(own.get_support(), own.estimator_.get_support())
    np.testing.assert_array_equal(own.estimator_.get_support(indices=True), np.flatnonzero(own.get_support()))
    single = SelectFromModel(MLPRegressor(hidden_layer_sizes=(), solver="newton", weight_l1=0.5), threshold=1e-9)
    assert 0 < single.fit(X, Y).get_support().sum() < 15


def test_recursive_elimination_takes_a_search():
    found = RFE(linear(), n_features_to_select=4, step=6).fit(X, Y)
    np.testing.assert_array_equal(np.flatnonzero(found.support_), [0, 1, 3, 4])


def test_predictions_across_folds():
    values = cross_val_predict(linear(), X, Y, cv=3)
    assert np.corrcoef(values, Y)[0, 1] > 0.7
    x, y = load_iris(return_X_y=True)
    search = MLPClassifierCV((), lambdas=(0.01,), cv=3, random_state=0)
    probabilities = cross_val_predict(search, x, y, cv=3, method="predict_proba")
    assert probabilities.shape == (150, 3)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.9


def test_names_are_those_of_the_table():
    frame = need("pandas").DataFrame(X, columns=[f"input {k}" for k in range(15)])
    found = linear().fit(frame, Y)
    assert found.input_names_.tolist() == list(frame.columns)
    np.testing.assert_array_equal(found.get_feature_names_out(), frame.columns[found.selected_features_])
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        found.get_feature_names_out([f"x{k}" for k in range(15)])
    plain = linear().fit(X, Y)
    assert plain.get_feature_names_out().tolist() == [f"x{k}" for k in np.flatnonzero(plain.selected_features_)]
    assert plain.get_feature_names_out(list(frame.columns)).tolist() == found.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match=r"equal to number of features \(15\)"):
        plain.get_feature_names_out(["a"])


def test_columns_behind_a_preprocessor_are_traced_to_the_table():
    frame, y = table()
    front = ColumnTransformer([("words", OneHotEncoder(), ["colour"])], remainder=StandardScaler())
    found = linear(preprocessor=front).fit(frame, y)
    words = [f"words__colour_{word}" for word in ("blue", "green", "red")]
    assert found.input_names_.tolist() == [*words, "remainder__age", "remainder__age_2"]
    assert found.path_.feature_names == tuple(found.input_names_)
    assert found.selected_features_.shape == (5,)
    assert found.get_support().tolist() == [False, True, True]
    assert found.get_feature_names_out().tolist() == ["age_2", "colour"]
    importances = found.feature_importances_
    assert importances.shape == (3,)
    assert importances[0] < importances[1] <= importances[2] == 1.0
    selected = SelectFromModel(found, threshold=0.5).fit(frame, y).transform(frame)
    assert selected.shape == (90, 2)


def test_columns_whose_names_say_nothing():
    found = linear(preprocessor=PCA(3, random_state=0)).fit(X, Y)
    assert found.input_names_.tolist() == ["pca0", "pca1", "pca2"]
    with pytest.raises(ValueError, match=r"the name of pca0.* does not say of which column"):
        linear(preprocessor=PCA(3, random_state=0), lambdas=(1e-4,)).fit(X, Y).get_support()
    silent = linear(preprocessor=FunctionTransformer(lambda x: x[:, ::-1])).fit(X, Y)
    assert silent.input_names_.tolist() == [f"x{k}" for k in range(15)]
    with pytest.raises(ValueError, match=r"the name of x1.* does not say"):
        silent.get_support()
    texts = ["red apple", "green apple", "red pear", "green pear"] * 20
    spoken = linear(preprocessor=TfidfVectorizer(), lambdas=(0.01,)).fit(texts, np.tile([1.0, 0.0, 1.0, 0.0], 20))
    assert spoken.input_names_.tolist() == ["apple", "green", "pear", "red"]
    with pytest.raises(ValueError, match="no columns: see selected_features_"):
        spoken.get_support()


@pytest.mark.parametrize(
    ("made", "given", "expected"),
    [
        (["a", "a_1"], ["a", "a_1"], [{0}, {1}]),  # as they were, whatever they are called
        (["s__a", "s__a_1"], ["a", "a_1", "b"], [{0}, {1}]),  # a is there as it was, so a_1 is no part of it
        (["w__a_0", "w__a_1"], ["a", "a_1"], [{0}, None]),  # a taken apart, or a_1 itself?
        (["a_b_c"], ["a", "a_b"], [None]),
        (["one__two__a"], ["a", "b"], [{0}]),
        (["one__a"], ["one__a", "a"], [{0}]),
        (["a__b", "a__c_1"], ["a", "b", "c"], [{1}, {2}]),  # a step that is called as a column is
        (["svd0", "x"], ["a"], [None, None]),
    ],
)
def test_tracing(made, given, expected):
    assert trace(made, given) == expected


def test_products_are_of_all_their_factors():
    made = PolynomialFeatures(2, include_bias=False).fit(X[:, :3]).get_feature_names_out()
    assert trace(made, ["x0", "x1", "x2"])[3:] == [{0}, {0, 1}, {0, 2}, {1}, {1, 2}, {2}]


def test_the_network_can_be_saved_behind_a_preprocessor(tmp_path):
    found = linear(preprocessor=StandardScaler()).fit(X, Y)
    regnet.save(tmp_path / "model.safetensors", found.model_)
    model, _ = regnet.load(tmp_path / "model.safetensors")
    values = np.asarray(model.predict(found.best_estimator_[0].transform(X)))
    np.testing.assert_allclose(values[:, 0], found.predict(X), rtol=1e-5)
    assert not hasattr(linear(), "model_")
    with pytest.raises(NotFittedError):
        _ = linear().feature_importances_
