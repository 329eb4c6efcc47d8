"""Only the ratios of rows' weights mean anything, whatever their sum: inverse variances may be of any size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from conftest import missing, placement

from regnet import MLPClassifier, MLPRegressor, MLPRegressorCV, Network, fit
from regnet.mathematics.metrics import r2_of
from regnet.mathematics.weighting import combine_weights, equal_weights, relative_weights, weight_shares

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
Y = X @ [1.0, 2.0, 0.0] + 0.1 * RNG.standard_normal(40)
LABELS = (Y > 0).astype(int)
WEIGHT = 2.0 ** RNG.integers(-3, 3, 40)
"""Powers of two: a scale that is one too changes no bit of them."""

SCALES = (2.0**126, 2.0**-126, 2.0**1010, 2.0**-1000, 2.0**-1060)


@pytest.mark.parametrize("scale", SCALES)
def test_shares_are_exact_fractions(scale):
    exact = [Fraction(one) / sum(map(Fraction, WEIGHT)) for one in WEIGHT]
    np.testing.assert_allclose(weight_shares(WEIGHT * scale), np.asarray(exact, dtype=float), rtol=1e-15)
    np.testing.assert_array_equal(relative_weights(np.stack([WEIGHT * scale, WEIGHT])), [WEIGHT / WEIGHT.max()] * 2)
    assert relative_weights(np.zeros(3)).tolist() == [0, 0, 0]
    other = combine_weights(WEIGHT * scale, WEIGHT[::-1] * scale)
    np.testing.assert_allclose(weight_shares(other), weight_shares(WEIGHT * WEIGHT[::-1]), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", SCALES)
def test_a_common_factor_changes_nothing(scale, dtype):
    """Estimators with every kind of solver, class weights, early stopping and scores; networks; and searches."""
    table = X.astype(dtype)

    def run(weight):
        found = []
        common = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "alpha": 0.0}
        for settings in ({}, {"early_stopping": True, "batch_size": 7}, {"solver": "lbfgs"}, {"solver": "fista"}):
            model = MLPRegressor(**common, **settings).fit(table, Y, weight)
            found += [model.predict(table), model.score(table, Y, weight)]
        weights = {0: 1e10, 1: 2e10}
        model = MLPClassifier(**common, class_weight=weights).fit(
            table, LABELS, weight, validation_data=(table, LABELS, weight), log_every=1
        )
        found += [model.predict_proba(table), model.score(table, LABELS, weight), model.history_[-1].validation_loss]
        network = Network.mlp([3, 4, 1], loss="squared_error")
        trained = fit(network, table, Y, sample_weight=weight, epochs=3, progress=False)
        found += [trained.history[-1].loss, *trained.model.evaluate(table, Y, weight).values(), r2_of(X, X + 1, weight)]
        stack = fit(network, table, Y, sample_weight=np.stack([weight] * 2), epochs=2, progress=False, seed=[0, 1])
        search = MLPRegressorCV((), lambdas=(0.01, 0.1), cv=3, random_state=0).fit(table, Y, weight)
        return [*found, stack.history[-1].loss, search.cv_scores_, search.predict(table)]

    for ours, plain in zip(run(WEIGHT * scale), run(WEIGHT), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-13 if dtype is np.float64 else 1e-6)
        assert np.isfinite(ours).all()


@pytest.mark.parametrize("name", ["torch", "strict"])
def test_weights_on_a_device(name):
    import array_api_strict

    if missing(name):
        pytest.skip(missing(name))
    here = placement(name, "float32")
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "alpha": 0.0}
    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=True, data_dependent_shapes=True):
        expected = MLPRegressor(**settings).fit(X.astype(np.float32), Y, WEIGHT).predict(X)
        for weight in (here.put(WEIGHT * 2.0**124), WEIGHT * 1e300):
            model = MLPRegressor(**settings).fit(here.put(X), here.put(Y), weight)
            np.testing.assert_allclose(
                here.backend.to_numpy(model.predict(here.put(X))), expected, rtol=1e-4, atol=1e-5
            )
        network = Network.mlp([3, 4, 1], loss="squared_error")
        losses = [
            fit(network, here.put(X), here.put(Y), sample_weight=here.put(weight), epochs=2, progress=False)
            for weight in (WEIGHT, WEIGHT * 2.0**124)
        ]
    assert losses[0].history[-1].loss == pytest.approx(losses[1].history[-1].loss, rel=1e-6)


def test_alpha_is_relative_to_the_sum_as_in_scikit_learn():
    """It is alpha / (2 * sum of weights): nothing is left of it beside huge weights, nothing beside it of tiny ones."""
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
    huge = MLPRegressor(**settings, alpha=1.0).fit(X, Y, WEIGHT * 2.0**1018)
    none = MLPRegressor(**settings, alpha=0.0).fit(X, Y, WEIGHT)
    np.testing.assert_array_equal(huge.coefs_[0], none.coefs_[0])
    with pytest.raises(ValueError, match="the sum of sample_weight"):
        MLPRegressor(**settings, alpha=1.0).fit(X, Y, WEIGHT * 1e-300)


@pytest.mark.parametrize("bad", [np.r_[-1.0, np.ones(39)], np.zeros(40), np.r_[np.inf, np.ones(39)]])
def test_weights_that_mean_nothing(bad):
    network = Network.mlp([3, 1], loss="squared_error")
    for train in (
        lambda: fit(network, X, Y, sample_weight=bad, epochs=1, progress=False),
        lambda: MLPRegressor().fit(X, Y, bad),
    ):
        with pytest.raises(ValueError, match=r"not negative|not all 0|infinity|allowed|zero"):
            train()
    with pytest.raises(ValueError, match="39 entries"):
        fit(network, X, Y, sample_weight=np.ones(39), epochs=1, progress=False)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_equal_weights_are_ones_in_the_memory_of_one(rows):
    equal = equal_weights(rows)
    shares = weight_shares(equal)
    np.testing.assert_array_equal(equal, np.ones(rows))
    np.testing.assert_array_equal(shares, weight_shares(np.ones(rows)))
    for one in (equal, shares):
        assert one.shape == (rows,)
        assert one.base is not None
        assert one.base.nbytes == 8
        assert not one.flags.writeable
