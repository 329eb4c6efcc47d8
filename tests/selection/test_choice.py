"""The rule that chooses a strength from scores: best, one standard error, repeats, rivals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from searches import FRIEDMAN
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold, ShuffleSplit

from regnet import MLPRegressorCV, config_context
from regnet.selection.choice import RULES, choose, repeats_of, rival_of
from regnet.sweep.path_penalty import PENALTIES


def test_one_standard_error_takes_the_strongest():
    """Means .70, .80, .78, .79, .60; the best has s.e. .02: .79 and .78 are within it, and .79 is the stronger."""
    means = np.array([0.70, 0.80, 0.78, 0.79, 0.60])
    scores = means[:, None] + np.array([-0.04, 0.0, 0.04]) * np.sqrt(3) / 2
    found = choose(scores)
    np.testing.assert_allclose(found.mean, means)
    np.testing.assert_allclose(found.se, 0.02, rtol=1e-12)
    assert (found.best, found.one_se) == (1, 3)
    assert choose(means[:, None]).one_se == 1  # one fold has no error: only the best is within it


def test_paired_differences_forgive_folds_that_are_hard_for_all():
    """Folds differ by .2, strengths by .01 on each: scores cannot tell them apart, differences can.

    Of d = .010, .012, .014 the mean is .012 and the standard error .002 / sqrt(3): worse by far more than that; the
    other one's d = -.010, .010, .012 has the mean .004 and an error of .007.
    """
    best = np.array([0.5, 0.7, 0.9])
    found = choose([best - [-0.010, 0.010, 0.012], best - [0.010, 0.012, 0.014], best, best - [0.010, 0.012, 0.014]])
    assert (found.best, found.one_se, found.paired) == (2, 3, 2)
    assert found.paired_se[2, 3] == pytest.approx(0.002 / np.sqrt(3), rel=1e-9)
    assert found.paired_se[3, 2] == found.paired_se[2, 3]
    found = choose([best, best - [-0.010, 0.010, 0.012], best - [0.010, 0.012, 0.014]])
    assert (found.best, found.one_se, found.paired) == (0, 2, 1)
    assert found.paired_se[0, 1] == pytest.approx(np.std([-0.010, 0.010, 0.012], ddof=1) / np.sqrt(3), rel=1e-9)
    assert choose(np.array([[0.7], [0.6]])).paired == 0  # one fold has no error
    weighted = choose([[1.0, 2.0, 4.5], [0.0, 0.0, 0.0]], weight=[1.0, 1.0, 2.0])
    assert weighted.paired_se[0, 1] == weighted.se[0]
    once, twice = choose([best, best**2]), choose([[*best, *best], [*best**2, *best**2]], repeats=2.0)
    np.testing.assert_allclose(twice.paired_se, once.paired_se, rtol=1e-12)


@given(
    arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(-100, 100, width=32)),
    st.integers(0, 2**31),
)
def test_no_rule_chooses_a_weaker_strength_than_the_best(scores, seed):
    weight = np.random.default_rng(seed).uniform(0.1, 1.0, scores.shape[1])
    for found in (choose(scores), choose(scores, weight=weight), choose(scores, repeats=scores.shape[1] / 1.5)):
        assert found.best <= min(found.one_se, found.paired)
        assert found.mean[found.one_se] >= found.mean[found.best] - found.se[found.best]
        assert found.mean[found.best] - found.mean[found.paired] <= found.paired_se[found.best, found.paired]


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


@pytest.mark.parametrize("select", RULES)
def test_the_rival_is_what_the_smallest_move_of_a_mean_would_choose(select, rng):
    """By brute force: every mean of its own is moved up and down until the choice is another one."""

    def chosen(mean, choice):
        best = int(np.flatnonzero(mean == mean.max()).max())
        within = {"min": 0.0, "1se": choice.se[best], "paired": choice.paired_se[best]}[select]
        return int(np.flatnonzero(mean >= mean[best] - within).max())

    for _ in range(6):
        choice = choose(rng.standard_normal((6, 5)))
        mean, se = choice.mean, choice.se
        first, moves = chosen(mean, choice), []
        for number in range(6):
            for move in np.linspace(-2.5, 2.5, 1001) * se[choice.best]:
                other = chosen(mean + move * (np.arange(6) == number), choice)
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


def test_equals_go_to_the_strongest():
    assert choose(np.full((4, 5), 0.9))[3:] == (3, 3, 3)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_searches_choose_by_their_rule(penalty, scoring):
    """Whatever is penalised and scored, no rule takes less of the penalty than the best strength has."""
    X, y = FRIEDMAN[0][:60], FRIEDMAN[1][:60]
    settings = {"penalty": penalty, "n_lambdas": 5, "cv": 3, "max_iter": 20, "adaptive": False, "refit": False}
    for select in RULES:
        found = MLPRegressorCV((4,), scoring=scoring, select=select, random_state=0, **settings).fit(X, y)
        expected = choose(found.cv_scores_[:, :, 0])
        chosen = {"min": found.lambda_min_, "1se": found.lambda_1se_, "paired": found.lambda_paired_}
        assert found.best_index_ == expected.by(select)
        assert found.lambda_ == chosen[select] >= found.lambda_min_
