"""The estimator of any strength, or of so many inputs: looked up, or trained as the path would have been."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import need
from searches import FRIEDMAN, quick
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso, Ridge
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifierCV, MLPRegressor, MLPRegressorCV, PathResult, path

X, Y = FRIEDMAN
GRID = (0.003, 0.01, 0.03, 0.1)


def weights_of(estimator):
    return np.concatenate([part.ravel() for part in (*estimator.coefs_, *estimator.intercepts_)])


@pytest.fixture(scope="module")
def adaptive():
    """A search with a second path, whose networks have penalty factors."""
    return quick(lambdas=GRID, max_iter=30).fit(X, Y)


def test_a_strength_of_the_grid_is_looked_up(adaptive):
    for number, strength in enumerate(adaptive.lambdas_):
        assert adaptive.at(strength=strength) is adaptive.path_.estimators[number]
        assert adaptive.path_.at(strength=np.float32(strength)) is adaptive.path_.estimators[number]
    assert adaptive.at(strength=adaptive.lambda_) is adaptive.best_estimator_


@pytest.mark.parametrize("restarts", [1, 2])
@pytest.mark.parametrize("batch_size", ["auto", 64])
def test_a_strength_between_two_has_the_network_of_the_paths_next_one(batch_size, restarts):
    """Bit for bit, where that restart stands for its neighbour; so what decides later strengths does not touch it."""
    mlp = MLPRegressor(
        hidden_layer_sizes=(8,), batch_size=batch_size, learning_rate_init=3e-3, max_iter=20, random_state=0
    )
    whole = path(mlp, X, Y, lambdas=GRID, restarts=restarts)
    others = path(mlp, X, Y, lambdas=(*GRID[:2], *GRID[3:]), restarts=restarts)
    start, same = whole.between.restarts[1:3]
    found = others.at(strength=GRID[2])
    assert np.array_equal(weights_of(found), weights_of(whole.estimators[2])) == (start == same)
    assert found.get_params()["input_l1"] == whole.estimators[2].get_params()["input_l1"]
    assert found.loss_ == whole.estimators[2].loss_ or start != same


@pytest.mark.parametrize("settings", [{}, {"relax": True}, {"warm_start": False}, {"adaptive": True}], ids=str)
def test_groups_and_factors_hold_at_any_strength(settings):
    """A group is used or not, and what a factor leaves out stays out."""
    groups, factor = np.r_[np.arange(14) // 3, 9], np.r_[np.ones(12), 2.0, 2.0, np.inf]
    given = {"input_groups": groups, "penalty_factor": factor, "adaptive": False, "max_iter": 30, **settings}
    found = quick(lambdas=GRID, **given).fit(X, Y)
    estimator = found.at(strength=0.05)
    used = estimator.selected_features_
    assert not used[14]
    assert all(used[groups == group].all() or not used[groups == group].any() for group in range(5))
    if not found.warm_start:
        one = quick(lambdas=(0.05,), **given).fit(X, Y)
        np.testing.assert_array_equal(weights_of(one.best_estimator_), weights_of(estimator))
    else:
        again = found.path_.between.train(GRID[2])
        np.testing.assert_array_equal(weights_of(again), weights_of(found.path_.estimators[2]))


def test_a_wide_table_is_trained_without_its_dead_inputs():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 300))
    mlp = MLPRegressor(hidden_layer_sizes=(4,), learning_rate_init=3e-3, max_iter=20, random_state=0)
    whole = path(mlp, x, x[:, 0], lambdas=(0.03, 0.1, 0.3))
    found = path(mlp, x, x[:, 0], lambdas=(0.03, 0.3)).at(strength=0.1)
    assert whole.between.spec.screen
    np.testing.assert_array_equal(weights_of(found), weights_of(whole.estimators[1]))


def test_a_linear_model_is_at_its_minimum_at_any_strength():
    """scikit-learn's lasso of the standardised table."""
    x, y = StandardScaler().fit_transform(X), (Y - Y.mean()) / Y.std()
    found = MLPRegressorCV((), penalty="weight_l1", n_lambdas=8, standardize=False, random_state=0).fit(x, y)
    for strength in np.sqrt(found.lambdas_[1:] * found.lambdas_[:-1]):
        expected = Lasso(strength, tol=1e-10, max_iter=100_000).fit(x, y).coef_
        np.testing.assert_allclose(found.at(strength=strength).coefs_[0][:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("relax", [False, True])
def test_an_adaptive_search_has_its_factors_at_any_strength(adaptive, relax):
    """A search whose grid has the strength has that network: with the same pilot, which other strengths come before."""
    settings = {"max_iter": 30, "relax": relax}
    with_it = quick(**settings, lambdas=GRID).fit(X, Y)
    without = quick(**settings, lambdas=GRID).fit(X, Y)
    between = without.path_.between
    np.testing.assert_array_equal(between.spec.factors[0], without.adaptive_factors_)
    found = between.train(GRID[2])
    np.testing.assert_array_equal(weights_of(found), weights_of(with_it.path_.estimators[2]))
    middle = without.at(strength=0.02)
    assert (middle.selected_features_ <= without.path_.selected[1]).all()


@pytest.mark.parametrize("relax", [False, True])
def test_cold_searches_train_cold(relax):
    """As the refit of a search that chooses there, and as all strengths together."""
    settings = {"lambdas": GRID, "warm_start": False, "restarts": 2, "max_iter": 8, "adaptive": False, "relax": relax}
    found = quick(**settings).fit(X, Y)
    assert not hasattr(found, "path_")
    one = quick(**{**settings, "lambdas": (0.02,)}).fit(X, Y)
    np.testing.assert_array_equal(weights_of(found.at(strength=0.02)), weights_of(one.best_estimator_))
    assert found.at(strength=found.lambda_) is found.best_estimator_
    few = int(found.best_estimator_.selected_features_.sum())
    assert found.at(n_inputs=few).selected_features_.sum() <= few
    every = found._path()
    assert every is found._path()
    assert found.fit(X, Y)._cold_path is None
    for strength, estimator in every:
        np.testing.assert_array_equal(weights_of(estimator), weights_of(found.at(strength=strength)))


def test_so_many_inputs_are_those_of_the_weakest_strength_that_has_no_more(adaptive):
    counts = adaptive.n_selected_
    for asked in range(counts.min(), X.shape[1] + 1):
        estimator = adaptive.at(n_inputs=asked)
        assert estimator is adaptive.path_.estimators[np.flatnonzero(counts <= asked)[0]]
        assert estimator.selected_features_.sum() <= asked
    assert adaptive.score_at(n_inputs=15) == adaptive.score_at(strength=GRID[0])


def test_scores_are_those_of_the_search_and_not_made_up(adaptive):
    mean, se = adaptive.score_at(strength=GRID[2])
    assert (mean, se) == (adaptive.score_mean_[2], adaptive.score_se_[2])
    with pytest.raises(ValueError, match=r"strength=0.02 lies between 0.01 and 0.03, and no fold's network"):
        adaptive.score_at(strength=0.02)


def test_what_cannot_be_asked(adaptive):
    for answer in (adaptive, adaptive.path_):
        with pytest.raises(TypeError, match=r"Give one of strength=.* n_inputs=.* and n_groups"):
            answer.at()
        with pytest.raises(TypeError, match="Give one of strength"):
            answer.at(strength=0.01, n_inputs=3)
        with pytest.raises(TypeError, match="strength='1se' must be a number"):
            answer.at(strength="1se")
        with pytest.raises(TypeError, match="strength=True must be a number"):
            answer.at(strength=True)
        with pytest.raises(ValueError, match=r"n_inputs=True must be an integer"):
            answer.at(n_inputs=True)
        with pytest.raises(ValueError, match=r"n_inputs=2.5 must be an integer"):
            answer.at(n_inputs=2.5)
        for strength in (0.001, 0.2, float("nan"), -1.0):
            with pytest.raises(ValueError, match=r"outside of the path, which goes from 0.003 to 0.1"):
                answer.at(strength=strength)
    unpenalised = quick(penalty="weight_l2", lambdas=GRID, max_iter=5, adaptive=False).fit(X, Y)
    with pytest.raises(ValueError, match=r"n_inputs=3: no strength .* From 0.003 to 0.1 they are 15 to 15"):
        unpenalised.at(n_inputs=3)
    with pytest.raises(NotFittedError, match="set refit=True"):
        quick(lambdas=GRID[:1], max_iter=1, refit=False).fit(X, Y).at(strength=GRID[0])
    with pytest.raises(NotFittedError):
        clone(adaptive).at(strength=0.01)


def test_the_number_of_a_strength_in_its_place(adaptive):
    """`at(3)` was one positional argument too many."""
    said = r"strength=3 lies outside .* from 0.003 to 0.1 \(nearest: 0.03, 0.1\): if .* give {}\[3\], which is 0.1, or"
    for answer, name in ((adaptive, "lambdas_"), (adaptive.path_, "lambdas")):
        with pytest.raises(ValueError, match=said.format(name)):
            answer.at(3)
        with pytest.raises(ValueError, match=r"nearest: 0.03, 0.1\): fit with lambdas that reach it"):
            answer.at(4)
        assert answer.at(GRID[1]).loss_ == answer.at(strength=GRID[1]).loss_
    with pytest.raises(ValueError, match=said.format("lambdas_")):
        adaptive.score_at(3)
    assert adaptive.score_at(GRID[1]) == adaptive.score_at(strength=GRID[1])


def test_pickles_leave_the_rows_behind(adaptive):
    for answer in (adaptive, adaptive.path_):
        again = pickle.loads(pickle.dumps(answer))
        np.testing.assert_array_equal(again.at(strength=GRID[1]).predict(X), answer.at(strength=GRID[1]).predict(X))
        with pytest.raises(ValueError, match="left behind"):
            again.at(strength=0.02)
        assert answer.at(strength=0.02).predict(X).shape == (200,)
    cold = quick(lambdas=GRID[:2], warm_start=False, max_iter=1, adaptive=False).fit(X, Y)
    with pytest.raises(ValueError, match="left behind"):
        pickle.loads(pickle.dumps(cold)).at(n_inputs=3)


def test_a_network_that_diverges_is_no_answer():
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=1e3, solver="sgd", max_iter=50, random_state=0)
    with pytest.warns(UserWarning, match="diverged"):
        found = path(mlp, X, Y, lambdas=GRID)
    assert found.diverged.all()
    for asked in ({"strength": GRID[1]}, {"strength": 0.02}, {"n_inputs": 3}):
        with pytest.raises(ValueError, match=r"diverged|no strength of the path"):
            found.at(**asked)


def test_behind_a_preprocessor_it_is_a_pipeline():
    found = quick(lambdas=GRID, max_iter=10, preprocessor=StandardScaler()).fit(X, Y)
    for asked in ({"strength": 0.02}, {"strength": GRID[1]}, {"n_inputs": 15}):
        pipeline = found.at(**asked)
        assert next(iter(pipeline.named_steps)) == "standardscaler"
        assert pipeline.predict(X).shape == (200,)
    np.testing.assert_array_equal(found.at(strength=found.lambda_).predict(X), found.predict(X))


def test_classes_too():
    y = np.where(Y.mean() < Y, "high", "low")
    found = MLPClassifierCV((4,), lambdas=GRID, max_iter=10, cv=3, random_state=0).fit(X, y)
    assert set(found.at(strength=0.02).predict(X)) <= {"high", "low"}
    assert found.at(strength=0.02).predict_proba(X).shape == (200, 2)


def test_a_path_is_a_sequence_of_strengths_and_estimators(adaptive):
    found = adaptive.path_
    assert isinstance(found, PathResult)
    assert len(found) == len(GRID)
    assert [point.strength for point in found] == list(GRID)
    assert all(one is other for (_, one), other in zip(found, found.estimators, strict=True))
    strength, estimator = found[-1]
    assert (strength, estimator) == (GRID[-1], found.estimators[-1])
    assert [point.strength for point in found[1:3]] == list(GRID[1:3])
    with pytest.raises(IndexError):
        found[len(GRID)]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables(adaptive, library, monkeypatch):
    need(library)
    monkeypatch.setattr("regnet.selection.frames.find_spec", lambda name: name == library or None)
    table, plain = adaptive.to_frame(), adaptive.path_.to_frame()
    assert type(table).__module__.startswith(library)
    assert list(table.columns)[:5] == ["strength", "score_mean", "score_se", "n_selected", "zeros"]
    assert list(table.columns)[5:] == [f"norm_x{number}" for number in range(15)]
    np.testing.assert_array_equal(table["score_mean"].to_numpy(), adaptive.score_mean_)
    np.testing.assert_array_equal(table["norm_x3"].to_numpy(), adaptive.input_norms_[:, 3])
    assert list(plain.columns)[:5] == ["strength", "loss", "score", "n_selected", "zeros"]
    np.testing.assert_array_equal(plain["n_selected"].to_numpy(), adaptive.n_selected_)


def test_a_table_needs_a_library(adaptive, monkeypatch):
    monkeypatch.setattr("regnet.selection.frames.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pandas or of polars: install one"):
        adaptive.to_frame()


def test_ridge_of_a_path_is_at_its_minimum_too():
    x, y = StandardScaler().fit_transform(X), (Y - Y.mean()) / Y.std()
    mlp = MLPRegressor(hidden_layer_sizes=(), solver="newton", random_state=0)
    found = path(mlp, x, y, penalty="weight_l2", lambdas=(0.01, 1.0), standardize=False).at(strength=0.1)
    np.testing.assert_allclose(found.coefs_[0][:, 0], Ridge(2 * 0.1 * len(x)).fit(x, y).coef_, atol=1e-5)
