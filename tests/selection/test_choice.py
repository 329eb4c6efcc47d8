"""The rule that chooses a strength from scores: best, one standard error, repeats, rivals."""

from __future__ import annotations

import numpy as np
import pytest
from searches import FRIEDMAN
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold, ShuffleSplit

from regnet import MLPRegressorCV, config_context
from regnet.selection.choice import choose, repeats_of, rival_of


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


def test_equals_go_to_the_strongest():
    assert choose(np.full((4, 5), 0.9))[2:] == (3, 3)
