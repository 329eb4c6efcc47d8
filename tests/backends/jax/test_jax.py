"""JAX compiles what is new, and nothing else."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from conftest import missing

from regnet import MLPClassifier, config_context


@pytest.mark.skipif(bool(missing("jax")), reason=str(missing("jax")))
@pytest.mark.parametrize("batch_size", [60, 25])
def test_other_strengths_and_rates_compile_nothing_on_jax(batch_size, rng):
    import jax

    compiled = []

    def listen(name, seconds, **kwargs):
        if name.endswith("backend_compile_duration"):
            compiled.append(name)

    X = rng.standard_normal((60, 3)).astype("float32")
    y = X[:, 0] > 0

    def fit(alpha, rate, hidden=7):
        network = MLPClassifier(
            (hidden,), alpha=alpha, learning_rate_init=rate, batch_size=batch_size, max_iter=3, random_state=0
        )
        with config_context(backend="jax"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return network.fit(X, y).coefs_[0]

    first = fit(1e-3, 1e-3)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        stronger = fit(1e-1, 1e-3)
        faster = fit(1e-1, 5e-3)
        assert not compiled
        fit(1e-1, 5e-3, hidden=8)
        assert compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert not np.array_equal(first, stronger)
    assert not np.array_equal(stronger, faster)
