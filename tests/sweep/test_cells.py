"""A cell of a sweep is what the estimator alone would be, whatever it was trained beside."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.preprocessing import StandardScaler
from sweeps import FRIEDMAN, GRID, IRIS, cold, small

from regnet import SGD, DivergenceWarning, MLPClassifier, MLPRegressor, MLPRegressorCV, config_context, path
from regnet.sweep import halving


@pytest.mark.parametrize("penalty", ["weight_l2", "alpha", "weight_l1"])
def test_a_cold_cell_is_the_estimator_alone(penalty, fast):
    """First weights, batches and penalties are those of `MLPClassifier` on the fold's rows."""
    X, y = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    sweep = cold(penalty=penalty, cv=cv, standardize=False, restarts=1, refit=False).fit(X, y)
    for strength, scores in zip(GRID, sweep.cv_scores_[:, :, 0], strict=True):
        alone = MLPClassifier(
            (6,), batch_size=32, max_iter=4, n_iter_no_change=100, random_state=0, **{penalty: strength}
        )
        with pytest.warns(match="Maximum iterations"):
            expected = cross_val_score(alone, X, y, cv=cv, scoring="neg_log_loss")
        np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_a_refit_is_the_estimator_alone(fast):
    X, y = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
    sweep = cold(standardize=False, restarts=1).fit(X, y)
    with pytest.warns(match="Maximum iterations"):
        alone = MLPClassifier((6,), batch_size=32, max_iter=4, random_state=0, weight_l2=sweep.lambda_).fit(X, y)
    for one, other in zip(sweep.best_estimator_.coefs_, alone.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_size", [32, 200])
def test_a_device_with_its_own_memory_trains_all_folds_as_one_stack(batch_size, monkeypatch):
    """A launch costs a GPU more than the networks that it is for, and the numbers are the same."""
    counts, made = [], halving.train_lanes

    def count(spec, lanes, known):
        counts.append(len(lanes))
        return made(spec, lanes, known)

    monkeypatch.setattr(halving, "train_lanes", count)
    apart = cold(batch_size=batch_size, refit=False).fit(*IRIS)
    assert counts == [3] * 6
    monkeypatch.setattr("regnet_numpy.backend.NumpyBackend.free_bytes", lambda self, device: 2**34)
    together = cold(batch_size=batch_size, refit=False).fit(*IRIS)
    assert counts[6:] == [18]
    np.testing.assert_array_equal(together.cv_scores_, apart.cv_scores_)
    monkeypatch.setattr("regnet_numpy.backend.NumpyBackend.free_bytes", lambda self, device: 2**18)
    cold(batch_size=batch_size, refit=False).fit(*IRIS)
    assert 18 > max(counts[7:]) >= 1


def test_a_diverging_network_is_stopped_alone(fast):
    """SGD with rate r under L2 s is unstable where 2 r s > 2: only the strongest network diverges."""
    make = lambda grid: MLPRegressorCV(  # noqa: E731
        (4,), penalty="weight_l2", lambdas=grid, warm_start=False, solver=SGD(0.1), cv=3, max_iter=400, random_state=0,
        refit=False, batch_size=150,
    )  # fmt: skip
    alone = make((1e-3, 1e-2)).fit(*FRIEDMAN)
    with pytest.warns(DivergenceWarning, match=r"3 of 9 networks diverged .*strength 1e\+03, fold 0.* at step \d+"):
        beside = make((1e-3, 1e-2, 1e3)).fit(*FRIEDMAN)
    assert np.array_equal(alone.cv_scores_, beside.cv_scores_[:2])
    assert np.isnan(beside.cv_scores_[2]).all()
    assert beside.n_diverged_ == 3
    assert beside.lambda_1se_ <= 1e-2


def test_other_libraries_train_the_same_sweep():
    quick = {"cv": 2, "max_iter": 5, "lambdas": (1e-3, 1e-2, 1e-1)}
    reference = small(**quick).fit(*FRIEDMAN)
    for name in ("torch", "jax"):
        try:
            need(name)
        except pytest.skip.Exception as reason:
            print(f"{name}: {reason}")
            continue
        with config_context(backend=name):
            other = small(**quick).fit(*FRIEDMAN)
        np.testing.assert_allclose(other.cv_scores_, reference.cv_scores_, atol=1e-8)


def test_path_is_the_cross_validated_estimators_path():
    estimator = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=30, random_state=0)
    lambdas = np.geomspace(1e-3, 0.1, 6)
    found = path(estimator, *FRIEDMAN, lambdas=lambdas)
    crossed = small(adaptive=False).fit(*FRIEDMAN)
    for one, other in zip(found.estimators, crossed.path_.estimators, strict=True):
        assert np.array_equal(one.coefs_[0], other.coefs_[0])
