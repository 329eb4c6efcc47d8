"""Stability selection: how many inputs of no effect it takes for stable, and what it still finds."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from scipy.optimize import linprog
from sklearn.datasets import make_friedman1

from regnet import MLPClassifier, MLPRegressor, stability_selection
from regnet.selection.false_selections import expected_false_selections, weakest_within

LINEAR = MLPRegressor(hidden_layer_sizes=(), solver="fista", tol=1e-5, max_iter=500, random_state=0)
NETWORK = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=60, random_state=0)


def test_bounds_are_the_papers():
    """1 / (2 pi - 1) of Meinshausen & Buehlmann 2010, or the smaller factors of Shah & Samworth 2013; q^2 / p = 2.5."""
    assert expected_false_selections(50, 1000, 0.75, 10**9) == pytest.approx(2.5)
    assert expected_false_selections(50, 1000, 0.75, 50) == pytest.approx(2.5 / 0.98)
    assert expected_false_selections(50, 1000, 0.9, 50) == pytest.approx(2.5 * 4 * 0.11 / 1.02)
    assert expected_false_selections(50, 1000, 0.75, 1) == pytest.approx(5.0)  # one pair: no gain from its shape
    assert expected_false_selections(9, 10, 0.6, 50) == pytest.approx(8.1 / 0.2)  # theta too large for it
    assert expected_false_selections(0, 10, 0.9, 50) == 0.0


def worst_share(theta, threshold, pairs):
    """The largest P(X >= 2 threshold - 1) of unimodal distributions on 0, 1/B, ..., 1 with a mean of theta^2 at most.

    Linear programs, one for each mode; X: the share of pairs whose two halves both select an input.
    """
    values, found = np.arange(pairs + 1) / pairs, 0.0
    reached = values >= 2 * threshold - 1 - 1e-12
    for mode in range(pairs + 1):
        rising = np.zeros((pairs, pairs + 1))
        for k in range(pairs):
            rising[k, k], rising[k, k + 1] = (1.0, -1.0) if k < mode else (-1.0, 1.0)
        best = linprog(
            -reached.astype(float), A_ub=np.vstack([values, rising]), b_ub=np.r_[theta**2, np.zeros(pairs)],
            A_eq=np.ones((1, pairs + 1)), b_eq=[1.0],
        )  # fmt: skip
        found = found if best.fun is None else max(found, -best.fun)  # no such distribution has so high a mode
    return found


@pytest.mark.parametrize(
    ("theta", "threshold"), [(0.2, 0.9), (0.5, 0.7), (0.55, 0.9), (0.7, 0.9), (0.75, 0.96), (0.75, 1.0), (0.79, 1.0)]
)
def test_the_bound_holds_for_the_worst_unimodal_distribution(theta, threshold):
    """Beyond theta = 1 / sqrt(3) the constants of unimodal distributions were too small."""
    bound = expected_false_selections(theta * 40, 40, threshold, 25) / 40
    assert bound >= worst_share(theta, threshold, 25) - 1e-9


def test_the_range_ends_where_the_union_of_selections_is_too_large():
    """Each half uses another input at each of four strengths: the unions have 4, 3, 2 and 1 of 12."""
    selected = np.zeros((4, 6, 12), dtype=bool)
    for strength in range(4):
        selected[strength, :, strength] = True
    sizes = [4, 3, 2, 1]
    bounds = [expected_false_selections(q, 12, 0.9, 3) for q in sizes]
    assert weakest_within(selected, bounds[1], 12, 0.9, 3) == (1, 3.0, bounds[1])
    assert weakest_within(selected, 100.0, 12, 0.9, 3) == (0, 4.0, bounds[0])
    assert weakest_within(selected, 0.5 * bounds[3], 12, 0.9, 3) == (4, 0.0, 0.0)


@pytest.mark.parametrize(("estimator", "penalty"), [(LINEAR, "weight_l1"), (NETWORK, "input_l1")])
def test_noise_has_hardly_a_stable_input(estimator, penalty):
    false = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((200, 20)), rng.standard_normal(200)
        found = stability_selection(estimator, X, y, penalty=penalty, subsamples=10, n_lambdas=8)
        assert 0 < found.bound <= 1.0
        assert found.q == pytest.approx(np.sqrt(found.bound * 20 / (4 * 0.2 / 1.2)))
        assert found.frequencies[0].max() >= 0.9  # the weakest strengths would make noise stable
        false.append(int(found.stable.sum()))
    assert np.mean(false) <= 1.0, false


def test_real_inputs_are_found_among_noise():
    X, y = make_friedman1(300, n_features=25, noise=1.0, random_state=0)
    found = stability_selection(NETWORK, X, y, subsamples=10, n_lambdas=8)
    assert set(np.flatnonzero(found.stable)) >= {0, 1, 3}
    assert not found.stable[5:].any()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 50))
    weak = stability_selection(LINEAR, X, 0.4 * X[:, 0] + rng.standard_normal(200), penalty="weight_l1", subsamples=20)
    assert np.flatnonzero(weak.stable).tolist() == [0]


def test_constants_are_no_candidates(rng):
    """Chance cannot select them, so that the others have the bound of a table without them."""
    X, y = rng.standard_normal((100, 5)), rng.standard_normal(100)
    wide = np.concatenate([X, np.ones((100, 20))], axis=1)
    given = {"penalty": "weight_l1", "subsamples": 10, "n_lambdas": 6}
    narrow = stability_selection(LINEAR, X, y, **given)
    with pytest.warns(UserWarning, match="hold one value in all rows"):
        padded = stability_selection(LINEAR, wide, y, **given)
    assert (padded.start, padded.q) == (narrow.start, narrow.q)
    assert padded.bound == pytest.approx(narrow.bound)


def test_more_tolerated_false_selections_count_weaker_strengths(rng):
    X, y = rng.standard_normal((100, 10)), rng.standard_normal(100)
    given = {"penalty": "weight_l1", "subsamples": 10, "n_lambdas": 10}
    few, many = (stability_selection(LINEAR, X, y, pfer=ev, **given) for ev in (0.5, 3.0))
    assert few.start > many.start
    assert few.bound <= 0.5 < many.bound <= 3.0
    np.testing.assert_array_equal(few.largest, few.frequencies[few.start :].max(axis=0))
    with pytest.warns(UserWarning, match="give stronger lambdas"):
        none = stability_selection(LINEAR, X, y, **given | {"lambdas": (1e-4, 1e-3)})
    assert (none.start, none.q, none.bound, none.stable.any()) == (2, 0.0, 0.0, False)
    need("matplotlib")
    assert few.plot().axes
    assert none.plot().axes
    for pfer in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"pfer={pfer} must be a finite number of more than 0"):
            stability_selection(LINEAR, X, y, pfer=pfer, **given)


def test_classes_have_their_share_of_every_half(rng):
    X = rng.standard_normal((200, 12))
    y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(200) > 0
    mlp = MLPClassifier((8,), max_iter=60, random_state=0)
    found = stability_selection(mlp, X, y, subsamples=4, n_lambdas=4, weakest=0.3)
    assert found.frequencies.shape == (4, 12)
    assert set(np.unique(found.frequencies * 4).round(9)) <= set(range(5))
