"""A network's model: its predictions open a session of the backend."""

from __future__ import annotations

import warnings

import pytest

from regnet import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("rows", [1, 500])
def test_every_prediction_opens_the_session_of_its_backend(rows, rng, monkeypatch):
    """It is the backend that knows what a small one can do without: CuPy's device is not such a thing."""
    fitted = MLPRegressor(hidden_layer_sizes=(20,), max_iter=2, random_state=0)
    X = rng.standard_normal((500, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted.fit(X, X[:, 0])
    model, opened = fitted.model_, []
    backend = type(model.placement.backend)
    session = backend.session

    def watch(self, device=None, /, *, elements=None):
        opened.append(elements)
        return session(self, device, elements=elements)

    monkeypatch.setattr(backend, "session", watch)
    fitted.predict(X[:rows])
    assert opened == [20 * rows]
    model.outputs(X[:rows])
    assert opened == [20 * rows] * 2
