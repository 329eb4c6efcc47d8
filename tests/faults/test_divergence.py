"""Trainings that go wrong are told of: no wreck is silent, and what is kept after a divergence predicts numbers.

`python tests/faults/test_divergence.py 500` tries so many settings, in place of a few.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from wrecks import drawn, tried

from regnet import (
    SGD,
    DivergenceWarning,
    MLPClassifier,
    MLPRegressor,
    MLPRegressorCV,
    Network,
    config_context,
    fit,
    path,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = X @ [1.0, -0.5, 0.0]


def failure(number):
    """What a setting did that it must not have done, or None."""
    one = tried(drawn(number))
    if one.foreign or (one.wrecks and not one.named):
        return f"{one.foreign} {one.wrecks} {one}"
    return None


SOME = (16, 24, 29, 36, 53, 54, 78, 107, 116, 118, 149, 561)
"""Settings that were silent wrecks once, and a few others."""


@pytest.mark.parametrize("number", SOME)
def test_no_wreck_is_silent(number):
    assert failure(number) is None


@pytest.mark.parametrize("stack", [False, True])
@pytest.mark.parametrize("batch_size", [None, 20])
def test_after_an_explosion_the_last_good_parameters_are_kept(batch_size, stack):
    network = Network.mlp([3, 4, 1], loss="squared_error")
    options = {"optimizer": SGD([1e-2, 3.0]), "seed": [0, 0]} if stack else {"optimizer": SGD(3.0)}
    with pytest.warns(DivergenceWarning, match="last good parameters were kept"):
        found = fit(network, X, Y, epochs=100, batch_size=batch_size, progress=False, **options)
    loss = found.model.evaluate(X, Y)["loss"]
    assert (np.asarray(loss) < 10 * np.mean(Y**2)).all()


def test_logarithms_whose_exponentials_are_no_numbers_are_a_divergence():
    """The gamma loss of an output of 1e5 is 1e5, a number; what it predicts is none."""
    network = Network.mlp([3, 1], loss="gamma")
    with pytest.warns(DivergenceWarning):
        found = fit(network, X, np.exp(Y), optimizer=SGD(1e5), epochs=1, progress=False)
    assert np.isfinite(found.model.predict(X)).all()


def test_a_training_that_learnt_nothing_says_so_with_the_remedy():
    with pytest.warns(
        UserWarning, match=r"times that of outputs that are all 0.*Standardise the inputs \(up to 2.*e.05"
    ):
        fit(Network.mlp([3, 4, 1], loss="squared_error"), 1e5 * X, Y, epochs=1, progress=False)


def test_a_search_counts_what_diverged_and_never_chooses_it():
    settings = {"penalty": "weight_l2", "cv": 3, "random_state": 0, "standardize": False, "warm_start": False}
    with pytest.warns(DivergenceWarning, match=r"learning_rate_init \(0\.1\)"):
        found = MLPRegressorCV((), solver=SGD(0.1), lambdas=[1e-3, 1e6], max_iter=30, **settings).fit(X, Y)
    assert found.n_diverged_ >= 3
    assert found.lambda_ == 1e-3


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("loss", ["squared_error", "gamma", "absolute_error"])
def test_other_libraries_have_the_same_verdicts(library, loss):
    pytest.importorskip(library)
    y, verdicts = np.exp(Y), []
    for backend in ("numpy", library):
        with config_context(backend=backend), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = fit(
                Network.mlp([3, 4, 1], loss=loss), X, y, optimizer=SGD([1e-3, 1.0, 1e4, 1e9]), seed=[0, 0, 0, 0],
                epochs=9, progress=False,
            )  # fmt: skip
        assert np.isfinite(found.model.predict(X)).all()
        verdicts.append((found.diverged_at >= 0, [one.category for one in caught]))
    np.testing.assert_array_equal(verdicts[0][0], verdicts[1][0])
    assert verdicts[0][1] == verdicts[1][1]


@pytest.mark.parametrize("seed", range(6))
def test_ordinary_trainings_are_not_told_of(seed):
    """Warnings of divergence would be errors, and so would be those of a network that has learnt nothing."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((80, 4)) * [1.0, 3.0, 0.1, 1.0]
    y = np.tanh(x[:, 0]) + x[:, 1] + 0.1 * rng.standard_normal(80)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Stochastic Optimizer")
        MLPRegressor(hidden_layer_sizes=(8,), random_state=seed, max_iter=5).fit(x, y)
        MLPClassifier((8,), random_state=seed, max_iter=5, solver=["adam", "sgd"][seed % 2]).fit(x, y > 0)
    fit(Network.mlp([4, 8, 1], loss="squared_error"), x, y, epochs=[1, 30][seed % 2], batch_size=20, progress=False)
    path(MLPRegressor(hidden_layer_sizes=(4,), random_state=seed, max_iter=5), x, y, lambdas=[1e-3, 1e-1])


if __name__ == "__main__":
    failures = [found for found in map(failure, range(int(sys.argv[1]))) if found is not None]
    print(f"{sys.argv[1]} settings, {len(failures)} silent wrecks or strange warnings", *failures, sep="\n")
    sys.exit(bool(failures))
