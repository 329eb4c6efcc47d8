"""The choice of a strength: against scikit-learn where the problem is convex, and for what networks should find."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from conftest import need
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification, make_friedman1
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LassoCV, Ridge, enet_path
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_absolute_error, r2_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from regnet import (
    SGD,
    Adam,
    DivergenceWarning,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    PathResult,
    config_context,
    path,
    stability_selection,
)
from regnet.mathematics.penalties import group_value, l1_value, l2_value
from regnet.selection.adaptive import adaptive_factors
from regnet.selection.choice import choose, repeats_of, rival_of
from regnet.selection.lambdas import check_lambdas
from regnet.selection.settings import restart_seeds
from regnet.sweep.path_penalty import PENALTIES, Mix

FRIEDMAN = make_friedman1(200, n_features=15, noise=1.0, random_state=3)
CANCER = load_breast_cancer(return_X_y=True)


def quick(**settings):
    """A network's path in little time."""
    given = {"hidden_layer_sizes": (8,), "n_lambdas": 12, "cv": 3, "max_iter": 60, "random_state": 0}
    return MLPRegressorCV(**{**given, **settings})


# -- the rule


def test_one_standard_error_takes_the_strongest():
    """Means .70, .80, .78, .79, .60; the best has s.e. .02: .79 and .78 are within it, and .79 is the stronger."""
    means = np.array([0.70, 0.80, 0.78, 0.79, 0.60])
    scores = means[:, None] + np.array([-0.04, 0.0, 0.04]) * np.sqrt(3) / 2
    found = choose(scores)
    np.testing.assert_allclose(found.mean, means)
    np.testing.assert_allclose(found.se, 0.02, rtol=1e-12)
    assert (found.best, found.one_se) == (1, 3)
    assert choose(means[:, None]).one_se == 1  # one fold has no error: only the best is within it


def test_equal_folds_have_the_standard_error_of_their_mean(rng):
    folds = rng.standard_normal((4, 5))
    found = choose(folds)
    np.testing.assert_allclose(found.se, folds.std(axis=1, ddof=1) / np.sqrt(5))
    np.testing.assert_allclose(found.mean, folds.mean(axis=1))


def test_folds_count_by_their_weight():
    """Weights 1, 1, 2: mean 3, deviations 4 + 1 + 2 * 0.25, divided by 4 and by 3 - 1, as cv.glmnet does it by hand."""
    found = choose([[1.0, 2.0, 4.5]], weight=[1.0, 1.0, 2.0])
    assert found.mean[0] == 3.0
    assert found.se[0] == pytest.approx(np.sqrt((4.0 + 1.0 + 2 * 2.25) / 4 / 2), rel=1e-15)
    near_nothing = choose([[0.9, 0.1], [0.8, 9.0]], weight=[1.0, 5e-5])
    assert near_nothing.best == 0


def test_repeats_do_not_narrow_the_standard_error():
    """Means of normal scores of one table: their spread over tables is what s.e. estimates, however often it is cut.

    n values, whose mean is the score: its standard deviation is 1 / sqrt(n), for every splitter.
    """
    rng, n, rows = np.random.default_rng(0), 50, np.arange(50)
    splitters = [KFold(5), RepeatedKFold(n_splits=5, n_repeats=20, random_state=0), LeaveOneOut()]
    for splitter in [*splitters, ShuffleSplit(40, test_size=0.2, random_state=0)]:
        held_out = [test for _, test in splitter.split(rows)]
        tables = rng.standard_normal((400, n))
        scores = np.stack([tables[:, test].mean(axis=1) for test in held_out], axis=1)
        found = choose(scores, repeats=repeats_of(held_out))
        assert np.sqrt((found.se**2).mean()) == pytest.approx(1 / np.sqrt(n), rel=0.15)
    assert repeats_of([[0, 1], [2, 3]]) == 1.0
    assert choose([[0.1, 0.3]], repeats=2.0).se[0] == 0.0  # the same rows twice: one fold


@pytest.mark.parametrize("select", ["min", "1se"])
def test_the_rival_is_what_the_smallest_move_of_a_mean_would_choose(select, rng):
    """By brute force: every mean of its own is moved up and down until the choice is another one."""

    def chosen(mean, se):
        best = int(np.flatnonzero(mean == mean.max()).max())
        return best if select == "min" else int(np.flatnonzero(mean >= mean[best] - se[best]).max())

    for _ in range(6):
        choice = choose(rng.standard_normal((6, 5)))
        mean, se = choice.mean, choice.se
        first, moves = chosen(mean, se), []
        for number in range(6):
            for move in np.linspace(-2.5, 2.5, 1001) * se[choice.best]:
                other = chosen(mean + move * (np.arange(6) == number), se)
                moves += [(abs(move) / se[choice.best], other)] if other != first else []
        found = rival_of(choice, select)
        expected = min(moves)[0]
        assert found.margin == pytest.approx(expected, abs=5.1e-3)
        assert found.strength in {other for distance, other in moves if distance < expected + 5.1e-3}
    assert rival_of(choose([[0.5, 0.7]]), select) == (-1, np.inf)
    assert rival_of(choose([[0.5], [0.7]]), select) == (-1, np.inf)


def test_a_near_tie_is_noted_with_what_computed():
    """Two strengths of the same networks, but for a part in 1e9: rounding decides between them."""
    settings = {"penalty": "weight_l1", "cv": KFold(3), "select": "min", "refit": False, "random_state": 0}
    tie = MLPRegressorCV((), lambdas=(0.05, 0.05 * (1 + 1e-9)), **settings).fit(*FRIEDMAN)
    clear = MLPRegressorCV((), lambdas=(0.05, 0.5), **settings).fit(*FRIEDMAN)
    assert (tie.near_tie_, clear.near_tie_) == (True, False)
    assert sorted((tie.lambda_, tie.rival_)) == tie.lambdas_.tolist()
    assert (clear.lambda_, clear.rival_) == (0.05, 0.5)
    assert clear.margin_ == pytest.approx((clear.score_mean_[0] - clear.score_mean_[1]) / clear.score_se_[0])
    assert clear.kernels_.startswith(f"numpy {np.__version__}")
    with config_context(fast=False):
        plain = MLPRegressorCV((), lambdas=(0.05,), **settings).fit(*FRIEDMAN)
    assert "numba" not in plain.kernels_


def test_diverged_networks_are_left_out():
    scores = np.array([[0.6, 0.6], [0.9, 0.8], [np.nan, 9.0], [np.inf, 9.0]])
    found = choose(scores)
    np.testing.assert_allclose(found.mean[:2], [0.6, 0.85])
    assert np.isnan(found.mean[2:]).all()
    assert found.best == 1
    with pytest.raises(ValueError, match="lower learning_rate_init"):
        choose(np.full((2, 2), np.nan))


def test_adaptive_factors_are_inverse_norms():
    norms = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(adaptive_factors(norms), [[1.0, 2.0, 1000.0], [1.0, 1.0, 1.0]])


# -- what a strength means


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_mix_is_its_formula(penalty, rng):
    """`Mix.penalties` and `Mix.parameters` set the same strengths, whose value is the docstring's formula."""
    mix, lam, w = Mix(penalty, 0.7, 0.4), 0.3, [rng.standard_normal(shape) for shape in ((5, 4), (4, 3), (3, 2))]

    def norm(weight):
        return np.sqrt(weight.shape[1]) * np.linalg.norm(weight, axis=1).sum()

    squares, total = [float((one**2).sum()) for one in w], sum(float((one**2).sum()) for one in w)
    expected = {
        "input_l1": 0.7 * norm(w[0]) + 0.15 * squares[0] + 0.4 * (squares[1] + squares[2]),
        "neuron_l1": 0.7 * (norm(w[1]) + norm(w[2])) + 0.15 * (squares[1] + squares[2]) + 0.4 * squares[0],
        "weight_l1": 0.7 * sum(np.abs(one).sum() for one in w) + 0.15 * total,
        "weight_l2": total,
        "alpha": 0.0,
    }[penalty]
    value = 0.0
    for one, term in zip(w, mix.penalties(3, [lam, 2 * lam]), strict=True):
        given = {name: (values[0] if isinstance(values, list) else values) for name, values in term.strengths().items()}
        group = np.full((len(one), 1), given["group_l1"] * np.sqrt(one.shape[1]))
        value += float(np.sum(l1_value(one, given["weight_l1"]) + l2_value(one, given["weight_l2"])))
        value += float(np.sum(group_value(one, group)))
    assert value == pytest.approx(lam * expected, rel=1e-12)
    estimator = MLPRegressor(hidden_layer_sizes=(4, 3), **mix.parameters(3, lam))
    assert estimator.alpha == (lam if penalty == "alpha" else MLPRegressor().alpha)
    assert (estimator.input_l1 or 0.0) == pytest.approx(0.7 * lam if penalty == "input_l1" else 0.0)


def test_the_companion_gives_strengths_a_meaning():
    """Without it the network evades the penalty on its first layer, and needs strengths many times larger to lose."""
    X, y = FRIEDMAN
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=100, random_state=0)
    ends = [path(mlp, X, y, n_lambdas=2, companion_l2=ratio).lambdas[-1] for ratio in (0.0, 0.5, 1.0, 4.0)]
    assert ends[0] > 3 * ends[1]
    assert max(ends[1:]) <= 4 * min(ends[1:])


# -- the convex case


@pytest.mark.filterwarnings("ignore:Objective did not converge")  # LassoCV at 1e-12, where rounding begins
def test_lasso_cv_is_the_linear_case():
    X, y = load_diabetes(return_X_y=True)
    X, cv = StandardScaler().fit_transform(X), KFold(5, shuffle=True, random_state=0)
    lasso = LassoCV(cv=cv, alphas=12, tol=1e-12, max_iter=100_000).fit(X, y)
    ours = MLPRegressorCV(
        (), penalty="weight_l1", lambdas=lasso.alphas_, cv=cv, standardize=False, scoring="neg_mean_squared_error",
        select="min", tol=1e-10, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert ours.lambda_min_ == lasso.alpha_
    sizes = [len(test) for _, test in cv.split(X)]
    expected = np.average(lasso.mse_path_, axis=1, weights=sizes)
    np.testing.assert_allclose(-ours.score_mean_[::-1], expected, rtol=1e-6)
    for strength, one in zip(ours.lambdas_, ours.path_.estimators, strict=True):
        _, expected, _ = enet_path(X - X.mean(axis=0), y - y.mean(), l1_ratio=1.0, alphas=[strength], tol=1e-12)
        np.testing.assert_allclose(one.coefs_[0][:, 0], expected[:, 0], atol=1e-6 * np.abs(lasso.coef_).max())
        assert np.array_equal(np.abs(one.coefs_[0][:, 0]) > 1e-9, np.abs(expected[:, 0]) > 1e-9)
    assert ours.score(X, y) == pytest.approx(lasso.score(X, y), rel=1e-9)


@pytest.mark.filterwarnings("ignore:Objective did not converge")
def test_elastic_net_and_ridge_are_the_linear_case():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    linear = MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-9, max_iter=20_000)
    lambdas = (0.01, 0.1, 0.5)
    mixed = path(linear, X, y, penalty="weight_l1", l1_ratio=0.4, lambdas=lambdas, standardize=False)
    ridge = path(linear, X, y, penalty="weight_l2", lambdas=lambdas, standardize=False)
    for number, strength in enumerate(lambdas):
        _, expected, _ = enet_path(X, y, l1_ratio=0.4, alphas=[strength], tol=1e-12)
        np.testing.assert_allclose(mixed.estimators[number].coefs_[0], expected, atol=1e-7)
        expected = Ridge(alpha=2 * strength * len(y)).fit(X, y).coef_
        np.testing.assert_allclose(ridge.estimators[number].coefs_[0][:, 0], expected, atol=1e-7)


@pytest.mark.filterwarnings("ignore:'@' is faster on contiguous arrays")  # skglm's own
def test_logistic_regression_is_the_linear_case():
    SparseLogisticRegression = need("skglm").SparseLogisticRegression
    X, y = StandardScaler().fit_transform(CANCER[0]), CANCER[1]
    cv, grid = StratifiedKFold(5, shuffle=True, random_state=0), np.geomspace(0.01, 0.2, 5)
    ours = MLPClassifierCV(
        (), penalty="weight_l1", lambdas=grid, cv=cv, standardize=False, select="min", tol=1e-11, random_state=0
    ).fit(X, y)
    means = []
    for strength, one in zip(grid, ours.path_.estimators, strict=True):
        exact = SparseLogisticRegression(alpha=strength, tol=1e-11).fit(X, y)
        np.testing.assert_allclose(one.coefs_[0][:, 0], exact.coef_[0], atol=1e-6 * np.abs(exact.coef_).max())
        margins = cross_val_predict(
            SparseLogisticRegression(alpha=strength, tol=1e-9), X, y, cv=cv, method="decision_function"
        )
        losses = np.logaddexp(0.0, -(2 * y - 1) * margins)
        means.append(-losses.mean())
    np.testing.assert_allclose(ours.score_mean_, means, rtol=1e-5)
    assert ours.lambda_min_ == grid[int(np.argmax(means))]


def test_the_automatic_range_of_a_linear_model_ends_where_its_first_input_enters():
    X, y = load_diabetes(return_X_y=True)
    found = path(MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-8, max_iter=5000), X, y, n_lambdas=20)
    assert found.n_selected[-1] == 0
    largest = found.lambdas[-1]
    below = path(
        MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-8, max_iter=5000), X, y, lambdas=(0.99 * largest,)
    )
    assert below.n_selected[0] == 1
    assert found.lambdas[0] == pytest.approx(1e-3 * found.lambdas[-1])


# -- networks


@pytest.mark.parametrize("seed", [200, 201])
def test_friedmans_inputs_are_found(seed):
    X, y = make_friedman1(1300, n_features=50, noise=1.0, random_state=seed)
    found = MLPRegressorCV(random_state=0).fit(X[:300], y[:300])
    assert set(range(5)) <= set(np.flatnonzero(found.selected_features_))
    assert found.selected_features_.sum() <= 6
    assert found.score(X[300:], y[300:]) > 0.85
    assert found.n_selected_[0] > found.n_selected_[-1] == 0


def test_noise_has_no_inputs():
    rng = np.random.default_rng(100)
    X, y = rng.standard_normal((300, 50)), rng.standard_normal(300)
    with pytest.warns(UserWarning, match="no input is left: a constant"):
        found = MLPRegressorCV(random_state=0).fit(X, y)
    assert found.selected_features_.sum() == 0
    assert np.ptp(found.predict(X)) == pytest.approx(0.0, abs=1e-9)


def test_adaptive_selection_drops_what_plain_selection_keeps():
    X, y = make_friedman1(300, n_features=40, noise=1.0, random_state=5)
    plain, adaptive = (MLPRegressorCV(adaptive=how, random_state=0).fit(X, y) for how in (False, True))
    assert not hasattr(plain, "adaptive_factors_")
    assert plain.selected_features_.sum() > adaptive.selected_features_.sum() >= 4
    assert adaptive.best_estimator_.penalty_factor.min() == 1.0
    np.testing.assert_array_equal(adaptive.pilot_scores_, plain.cv_scores_[..., 0])


def test_relaxed_networks_use_the_selected_inputs_only():
    X, y = FRIEDMAN
    for warm in (True, False):
        found = quick(relax=True, warm_start=warm, lambdas=np.geomspace(3e-3, 0.1, 6)).fit(X, y)
        assert 0 < found.selected_features_.sum() < X.shape[1]
        assert found.n_selected_[-1] < found.n_selected_[0]


def test_neurons_can_be_selected():
    X, y = FRIEDMAN
    found = quick(penalty="neuron_l1", hidden_layer_sizes=(20,), max_iter=150).fit(X, y)
    alive = [int((one.coefs_[1] != 0).any(axis=1).sum()) for one in found.path_.estimators]
    assert alive[0] == 20
    assert alive[-1] == 0
    assert 0 < alive[found.best_index_] < 20


# -- folds, and what is learned in them


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


def test_scorers_of_every_kind():
    X, y = FRIEDMAN
    named = quick(scoring="neg_mean_absolute_error").fit(X, y)
    scorer = quick(scoring=make_scorer(mean_absolute_error, greater_is_better=False)).fit(X, y)
    np.testing.assert_allclose(named.cv_scores_, scorer.cv_scores_, rtol=1e-6)
    X, y = load_iris(return_X_y=True)
    made = {
        "accuracy": make_scorer(accuracy_score),
        "neg_log_loss": make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
    }
    for name, scorer in made.items():
        one, other = (
            MLPClassifierCV((4,), lambdas=(0.01, 0.05), cv=3, max_iter=30, random_state=0, scoring=scoring).fit(X, y)
            for scoring in (name, scorer)
        )
        np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, rtol=1e-6)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 14.62])
def test_a_held_out_target_that_is_constant_scores_0(constant, rng):
    """The search's R2, the estimator's (early stopping's too) and the model's are one."""
    X = rng.standard_normal((60, 3))
    y = X[:, 0] + rng.standard_normal(60)
    y[46:] = constant
    cv = [(np.arange(46), np.arange(46, 60)), (np.arange(20, 60), np.arange(20))]
    found = MLPRegressorCV((), penalty="weight_l1", lambdas=(0.01, 0.1), cv=cv, random_state=0).fit(X, y)
    assert found.cv_scores_[:, 0].tolist() == [[0.0], [0.0]]
    best = found.best_estimator_
    assert best.score(X[46:], y[46:]) == best.model_.evaluate(X[46:], y[46:])["r2"] == 0.0
    stopped = MLPRegressor(hidden_layer_sizes=(2,), early_stopping=True, random_state=0)
    stopped.fit(X, np.full(60, constant))
    assert set(stopped.validation_scores_) == {0.0}
    assert best.score(X, y) == pytest.approx(r2_score(y, best.predict(X)), rel=1e-12)


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


# -- the faces


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


def test_paths_have_validation_scores_and_pictures():
    X, y = FRIEDMAN
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=60, random_state=0)
    found = path(mlp, X[:150], y[:150], n_lambdas=10, validation_data=(X[150:], y[150:]), restarts=2)
    assert found.scores[0] == found.estimators[0].score(X[150:], y[150:])
    assert found.scores[-1] < found.scores.max()
    need("matplotlib")
    assert found.plot(3).axes
    crossed = quick().fit(X, y)
    assert crossed.plot_path().axes
    assert crossed.plot_norms().axes


# -- bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cv": 300}, "Cannot have number of splits n_splits=300 greater than the number of samples"),
        ({"lambdas": ()}, "lambdas is empty"),
        ({"lambdas": (-1.0, 1.0)}, "finite numbers of 0 or more"),
        ({"penalty": "l1"}, "The 'penalty' parameter"),
        ({"l1_ratio": 0.0}, "The 'l1_ratio' parameter"),
        ({"select": "best"}, "The 'select' parameter"),
        ({"relax": True, "penalty": "weight_l2"}, "needs penalty='input_l1'"),
        ({"adaptive": True, "penalty": "weight_l2"}, "needs penalty='input_l1'"),
        ({"penalty": "neuron_l1", "hidden_layer_sizes": ()}, "no hidden layer"),
        ({"executor": "dask"}, "The 'executor' parameter"),
        ({"preprocessor": 3}, "The 'preprocessor' parameter"),
        ({"solver": Adam([0.1, 0.2])}, "one learning rate"),
        ({"cv": LeaveOneOut()}, "R2 is not defined for a fold with one held-out row"),
        ({"scoring": lambda *_: float("nan")}, "the scorer gave NaN"),
        ({"scoring": "no such score"}, "is not a name of a score"),
        ({"cv": [(np.arange(0), np.arange(5))]}, "Fold 0 has no training rows"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(*FRIEDMAN)


def test_a_fold_without_a_class():
    X, y = make_classification(60, random_state=0)
    y[:20] = 2
    with pytest.raises(ValueError, match=r"Fold 0: no training row is of class .*2.* StratifiedKFold"):
        MLPClassifierCV(cv=list(KFold(3).split(X)), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="cannot be greater than the number of members"):
        MLPClassifierCV(cv=50, random_state=0).fit(X, y)


def test_grids_are_sorted_with_a_note():
    with pytest.warns(UserWarning, match="not sorted"):
        assert check_lambdas([0.3, 0.1, 0.2]) == (0.1, 0.2, 0.3)
    with pytest.warns(UserWarning, match="twice"):
        assert check_lambdas([0.1, 0.1]) == (0.1,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_lambdas([0.3, 0.2, 0.1]) == (0.1, 0.2, 0.3)  # scikit-learn's own order


def test_a_strength_beyond_everything_is_reported():
    X, y = FRIEDMAN
    with pytest.warns(UserWarning, match="no input is left"):
        found = quick(lambdas=(10.0, 100.0)).fit(X, y)
    assert found.n_selected_.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (MLPRegressor(weight_l2=0.1), "weight_l2 of its own"),
        (MLPRegressor(solver="lbfgs"), "lbfgs"),
        (MLPRegressor(early_stopping=True), "early_stopping"),
        (MLPRegressor(alpha=1.0), "alpha of its own"),
        (MLPRegressor(l1_step="subgradient"), "l1_step"),
    ],
)
def test_estimators_that_a_path_would_have_to_ignore(estimator, message):
    with pytest.raises(ValueError, match=message):
        path(estimator, *FRIEDMAN)
    with pytest.raises(TypeError, match="MLPClassifier or MLPRegressor of regnet"):
        path(Ridge(), *FRIEDMAN)


def test_validation_rows_of_a_path_are_looked_at_before_it_trains():
    with pytest.raises(ValueError, match=r"validation_data: give \(X, y\)"):
        path(MLPRegressor(), *FRIEDMAN, validation_data=FRIEDMAN[0])


def test_stability_selections_own_errors():
    for settings, message in (
        ({"subsamples": 3}, "even number"),
        ({"subsamples": 10.0}, "even number"),
        ({"subsamples": "a"}, "even number"),
        ({"threshold": 0.2}, "threshold"),
        ({"penalty": "weight_l2"}, "selects no inputs"),
    ):
        with pytest.raises(ValueError, match=message):
            stability_selection(MLPRegressor(), *FRIEDMAN, **settings)


def test_float32_stays_float32():
    X, y = FRIEDMAN
    found = quick(n_lambdas=4, cv=2, max_iter=10).fit(X.astype("float32"), y)
    assert found.best_estimator_.coefs_[0].dtype == np.float32
    with config_context(dtype="float32"):
        found = quick(n_lambdas=4, cv=2, max_iter=10).fit((1000 * X).astype(int), y)
    assert found.best_estimator_.coefs_[0].dtype == np.float32


def test_counts_are_scored_as_counts(rng):
    X = rng.standard_normal((150, 4))
    y = rng.poisson(np.exp(X[:, 0]))
    settings = {"loss": "poisson", "lambdas": (0.01, 0.1), "cv": 3, "max_iter": 60, "random_state": 0}
    for name, scorer in (("r2", r2_score), ("neg_mean_absolute_error", mean_absolute_error)):
        made = make_scorer(scorer, greater_is_better=name == "r2")
        one, other = (MLPRegressorCV((8,), scoring=scoring, **settings).fit(X, y) for scoring in (name, made))
        np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, rtol=1e-6)


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


def test_equals_go_to_the_strongest():
    assert choose(np.full((4, 5), 0.9))[2:] == (3, 3)


def test_a_preprocessors_table_is_checked():
    X, y = FRIEDMAN
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick(preprocessor=StandardScaler()).fit(np.concatenate([X, X]), y)
    texts = ["red apple", "green apple", "red pear", "green pear"] * 20
    found = quick(preprocessor=TfidfVectorizer(), select="min").fit(texts, np.tile([1.0, 0.0, 1.0, 0.0], 20))
    assert found.predict(["red pear"])[0] > 0.8


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


def test_the_restart_with_the_smallest_objective_is_kept():
    X, y = (StandardScaler().fit_transform(part.reshape(200, -1)) for part in FRIEDMAN)
    y, lambdas, seeds = y[:, 0], (0.005, 0.01, 0.02, 0.05), restart_seeds(0, 6)
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=40, random_state=0)
    found = path(mlp, X, y, lambdas=lambdas, restarts=6, standardize=False)
    alone = [path(mlp.set_params(random_state=seed), X, y, lambdas=lambdas, standardize=False) for seed in seeds]

    def losses(result):
        residuals = [estimator.predict(X) - y for estimator in result.estimators]
        return np.asarray([0.5 * np.mean(residual**2) for residual in residuals])

    def objectives(result):
        weights = [estimator.coefs_ for estimator in result.estimators]
        groups = [np.sqrt(8) * np.linalg.norm(first, axis=1).sum() + (last**2).sum() for first, last in weights]
        return losses(result) + np.asarray(lambdas) * groups

    np.testing.assert_allclose(found.losses, losses(found), rtol=1e-9)
    every = np.asarray([objectives(result) for result in alone])
    np.testing.assert_allclose(objectives(found), every.min(axis=0), rtol=1e-9)
    by_loss = np.asarray([losses(result) for result in alone]).argmin(axis=0)
    assert (by_loss != every.argmin(axis=0)).any()  # the data loss alone would choose another one


def test_a_solver_that_ends_early_says_so():
    X, y = load_diabetes(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="increase max_iter"):
        MLPRegressorCV((), penalty="weight_l1", solver="fista", n_lambdas=3, cv=2, max_iter=2).fit(X, y)


@pytest.mark.parametrize("kind", [MLPRegressorCV, MLPClassifierCV])
def test_scikit_learns_checks(kind):
    """No check fails; the skipped ones are about arrays of libraries or devices that are not here."""
    estimator = kind(lambdas=(1e-3, 1e-2, 1e-1), cv=3, max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [f"{one['check_name']}: {one['exception']}" for one in results if one["status"] == "failed"]
    assert failed == []
    assert sum(one["status"] == "passed" for one in results) > 50


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
