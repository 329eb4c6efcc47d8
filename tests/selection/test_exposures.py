"""Selections of counts over unequal exposures are those of rates, with exposures as weights.

Not standardised: inputs are, by the weights of rows, of which exposures are none.
"""

import numpy as np

from regnet import MLPRegressor, knockoff_selection, path, stability_selection

RNG = np.random.default_rng(0)
X = RNG.standard_normal((150, 12))
EXPOSURE = RNG.uniform(0.2, 4.0, 150)
Y = RNG.poisson(EXPOSURE * np.exp(0.6 * X[:, 0] - 0.5 * X[:, 1])).astype(float)
RELATIVE = EXPOSURE / EXPOSURE.mean()
BOTH = (
    {"y": Y, "exposure": EXPOSURE, "standardize": False},
    {"y": Y / RELATIVE, "sample_weight": RELATIVE, "standardize": False},
)
NETWORK = MLPRegressor(loss="poisson", hidden_layer_sizes=(4,), learning_rate_init=3e-3, max_iter=20, random_state=0)


def test_paths():
    counts, rates = (path(NETWORK, X, **given, n_lambdas=6) for given in BOTH)
    np.testing.assert_allclose(counts.lambdas, rates.lambdas, rtol=1e-9)
    np.testing.assert_allclose(counts.losses, rates.losses, rtol=1e-6)
    for ours, theirs in zip(counts.estimators, rates.estimators, strict=True):
        np.testing.assert_allclose(ours.predict(X) * EXPOSURE.mean(), theirs.predict(X), rtol=1e-6)
        np.testing.assert_allclose(ours.predict(X, exposure=EXPOSURE), theirs.predict(X) * RELATIVE, rtol=1e-6)


def test_stable_inputs():
    counts, rates = (stability_selection(NETWORK, X, **given, n_lambdas=6, pfer=1) for given in BOTH)
    np.testing.assert_array_equal(counts.frequencies, rates.frequencies)


def test_knockoffs():
    counts, rates = (knockoff_selection(NETWORK, X, **given, n_lambdas=6, fdr=0.4, draws=3) for given in BOTH)
    np.testing.assert_allclose(counts.statistics, rates.statistics, rtol=1e-6, atol=1e-9)
