"""What is found is told in a line, however large it is."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import Adam, EarlyStopping, MLPRegressor, Network, fit, path

X = np.random.default_rng(0).standard_normal((60, 200))
Y = X[:, 0]


@pytest.mark.parametrize("settings", [{}, {"early_stopping": EarlyStopping(patience=2)}, {"seed": range(3)}])
def test_of_fits(settings):
    network = Network.mlp([200, 30, 1], loss="squared_error")
    found = fit(network, X, Y, optimizer=Adam(0.01), epochs=50, progress=False, **settings)
    for one in (found, found.model, found.history):
        assert len(repr(one)) < 250
        assert "array(" not in repr(one)
    assert "widths 200-30-1, squared_error, on numpy cpu float64" in repr(found)
    assert f"{len(found.history)} records" in repr(found)
    assert ("3 networks of" in repr(found)) == ("seed" in settings)
    assert ("best in epoch" in repr(found)) == ("early_stopping" in settings)


def test_of_paths():
    mlp = MLPRegressor(hidden_layer_sizes=(3,), max_iter=5, random_state=0)
    found = path(mlp, X, Y, lambdas=(0.001, 0.1, 10.0))
    counts = found.n_selected
    assert repr(found) == (f"PathResult(3 strengths from 0.001 to 10; {counts[0]} to {counts[-1]} of 200 inputs used)")
