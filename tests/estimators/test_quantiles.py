"""Networks whose outputs are quantiles: how many values lie below them, which solvers take them, files."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import MLPRegressor, MLPRegressorCV, Quantile, Tweedie, load, save


def rows(n=600):
    """A noise that grows with the input, so that quantiles are no shifted means."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.0, 1.0, (n, 1))
    return X, X[:, 0] + (0.2 + np.abs(X[:, 0])) * rng.standard_normal(n)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("level", [0.1, 0.9])
def test_the_share_of_values_below_is_the_level_here_and_there(level):
    X, y = rows()
    settings = {"learning_rate_init": 0.01, "max_iter": 150, "random_state": 0, "n_iter_no_change": 200}
    found = MLPRegressor(Quantile(level), (16,), **settings).fit(X, y)
    for part in (np.abs(X[:, 0]) < 0.5, np.abs(X[:, 0]) >= 0.5):
        assert np.mean(y[part] <= found.predict(X[part])) == pytest.approx(level, abs=0.05)


def test_a_search_keeps_the_level():
    """Targets are standardised in folds, of which a quantile is a quantile."""
    X, y = rows(200)
    X = np.c_[X, np.random.default_rng(1).standard_normal((200, 2))]
    search = MLPRegressorCV((), loss=Quantile(0.8), lambdas=(1e-3, 1e-2, 1e-1), cv=3, random_state=0)
    found = search.fit(X, 1000.0 + 50.0 * y)
    assert np.mean(1000.0 + 50.0 * y <= found.predict(X)) == pytest.approx(0.8, abs=0.05)


def test_solvers_that_need_a_gradient_refuse_it():
    X, y = rows(20)
    for solver in ("lbfgs", "fista"):
        with pytest.raises(ValueError, match=r"cannot minimise loss=Quantile\(level=0.9\)"):
            MLPRegressor(Quantile(0.9), solver=solver).fit(X, y)
    with pytest.raises(ValueError, match="needs second derivatives"):
        MLPRegressor("quantile", (), solver="newton").fit(X, y)


@pytest.mark.parametrize("loss", [Quantile(0.3), Tweedie(1.2)])
def test_files_keep_the_parameter(loss, tmp_path):
    X, y = rows(30)
    fitted = MLPRegressor(loss, (2,), max_iter=2, n_iter_no_change=5, random_state=0, tol=0.0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        fitted.fit(X, np.abs(y))
    save(tmp_path / "m.safetensors", fitted.model_)
    model, _ = load(tmp_path / "m.safetensors")
    assert model.network.loss == loss
    np.testing.assert_array_equal(model.predict(X)[:, 0], fitted.predict(X))
