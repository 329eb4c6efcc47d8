"""Which of several restarts stands for its strength: the same one in folds, in pilots and at the refit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

from regnet import MLPRegressor, MLPRegressorCV, path
from regnet.selection.settings import restart_seeds

COUNT = 5
SEEDS = restart_seeds(0, COUNT)
LAMBDAS = (0.02, 0.05, 0.1)
X, Y = (
    StandardScaler().fit_transform(part.reshape(150, -1)) for part in make_friedman1(150, 8, noise=1, random_state=3)
)
Y = Y[:, 0]
ROWS = np.arange(150)
EVERYTHING = [(ROWS, ROWS[100:]), (ROWS, ROWS[:70])]
"""Folds that are trained on all rows, so that a path on all rows has their networks."""


def search(seed=0, **settings):
    """A search whose networks stay apart: 20 steps a strength."""
    given = {
        "hidden_layer_sizes": (8,), "lambdas": LAMBDAS, "cv": EVERYTHING, "max_iter": 20, "standardize": False,
        "adaptive": False, "random_state": seed,
    }  # fmt: skip
    return MLPRegressorCV(**{**given, **settings})


def alone():
    """For every seed the penalised path, and its objectives (strengths,) by the formula."""
    mlp = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=20)
    paths = [path(mlp.set_params(random_state=seed), X, Y, lambdas=LAMBDAS, standardize=False) for seed in SEEDS]

    def objective(strength, estimator):
        first, last = estimator.coefs_
        groups = np.sqrt(8) * np.linalg.norm(first, axis=1).sum()
        return 0.5 * np.mean((estimator.predict(X) - Y) ** 2) + strength * (groups + (last**2).sum())

    return paths, np.asarray([[objective(*pair) for pair in zip(LAMBDAS, p.estimators, strict=True)] for p in paths])


def test_a_folds_network_is_the_restart_with_the_smallest_penalised_objective():
    paths, objectives = alone()
    chosen = objectives.argmin(axis=0)
    found = search(restarts=COUNT).fit(X, Y)
    assert found.cv_scores_.shape == (3, 2, COUNT)
    np.testing.assert_array_equal(found.chosen_restarts_, np.stack([chosen, chosen], axis=1))
    expected = [
        np.average([paths[r].estimators[k].score(X[test], Y[test]) for _, test in EVERYTHING], weights=(50, 70))
        for k, r in enumerate(chosen)
    ]
    np.testing.assert_allclose(found.score_mean_, expected, rtol=1e-9)
    unfitted = search(restarts=COUNT, refit=False).fit(X, Y)
    np.testing.assert_array_equal(unfitted.n_selected_, [paths[r].n_selected[k] for k, r in enumerate(chosen)])
    norms = [paths[r].input_norms[k] for k, r in enumerate(chosen)]
    np.testing.assert_allclose(unfitted.input_norms_, norms, rtol=1e-6)


@pytest.mark.parametrize("warm", [True, False])
def test_the_refit_is_the_network_that_the_folds_were_scored_by(warm):
    """Here folds are trained on what the refit is trained on: their score is the refitted network's own."""
    for settings in ({}, {"relax": True}, {"adaptive": True}):
        found = search(restarts=COUNT, warm_start=warm, **settings).fit(X, Y)
        own = np.average([found.score(X[test], Y[test]) for _, test in EVERYTHING], weights=(50, 70))
        assert found.best_score_ == pytest.approx(own, rel=1e-9), settings


def test_relaxed_networks_are_those_of_the_restarts_that_the_penalised_pass_chose():
    _, objectives = alone()
    chosen = objectives.argmin(axis=0)
    one = [search(seed, relax=True, select="min").fit(X, Y) for seed in SEEDS]
    found = search(restarts=COUNT, relax=True).fit(X, Y)
    expected = [one[r].score_mean_[k] for k, r in enumerate(chosen)]
    np.testing.assert_allclose(found.score_mean_, expected, rtol=1e-9)
    losses = np.asarray([single.path_.losses for single in one])
    np.testing.assert_allclose(found.path_.losses, losses[chosen, range(3)], rtol=1e-9)
    assert (losses.argmin(axis=0) != chosen).any()  # the relaxed training loss would choose another one


def test_pilots_are_the_chosen_restarts():
    paths, objectives = alone()
    chosen = objectives.argmin(axis=0)
    found = search(restarts=COUNT, adaptive=True).fit(X, Y)
    best = int(np.argmax(np.average(found.pilot_scores_, axis=1, weights=(50, 70))))
    norms = paths[chosen[best]].input_norms[best].astype(float)
    np.testing.assert_allclose(found.adaptive_factors_, norms.max() / np.maximum(norms, 1e-3 * norms.max()), rtol=1e-5)
