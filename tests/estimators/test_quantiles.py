"""Networks whose outputs are quantiles: how many values lie below them, which solvers take them, files."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

from regnet import MLPRegressor, MLPRegressorCV, Quantile, Quantiles, Tweedie, load, save


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


@pytest.mark.parametrize("loss", [Quantile(0.3), Tweedie(1.2), Quantiles([0.2, 0.8])], ids=str)
def test_files_keep_the_parameter(loss, tmp_path):
    X, y = rows(30)
    fitted = MLPRegressor(loss, (2,), max_iter=2, n_iter_no_change=5, random_state=0, tol=0.0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        fitted.fit(X, np.abs(y))
    save(tmp_path / "m.safetensors", fitted.model_)
    model, _ = load(tmp_path / "m.safetensors")
    assert model.network.loss == loss
    np.testing.assert_array_equal(model.predict(X).squeeze(), fitted.predict(X).squeeze())


LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_quantiles_lie_where_their_levels_say():
    X, y = rows()
    settings = {"learning_rate_init": 0.01, "max_iter": 150, "random_state": 0, "n_iter_no_change": 200}
    predicted = MLPRegressor(Quantiles(LEVELS), (16,), **settings).fit(X, y).predict(X)
    assert predicted.shape == (600, 5)
    np.testing.assert_allclose((y[:, None] <= predicted).mean(axis=0), LEVELS, atol=0.03)
    assert (np.diff(predicted, axis=1) >= 0).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_quantiles_do_not_cross_where_the_outputs_do():
    """Beyond x = -1, where lines that are right on the rows would have a negative spread; the loss is no larger."""
    rng = np.random.default_rng(3)
    X = rng.uniform(-0.9, 1.0, (400, 1))
    y = X[:, 0] + (1.0 + X[:, 0]) * rng.standard_normal(400)
    found = MLPRegressor(Quantiles(LEVELS), (), learning_rate_init=0.02, random_state=0).fit(X, y)
    x, y = np.linspace(-3.0, 1.0, 101)[:, None], rng.standard_normal(101)
    outputs, predicted = x @ found.coefs_[0] + found.intercepts_[0], found.predict(x)
    assert (np.diff(outputs, axis=1) < 0).any()
    assert (np.diff(predicted, axis=1) >= 0).all()
    losses = [
        sum(mean_pinball_loss(y, table[:, k], alpha=level) for k, level in enumerate(LEVELS))
        for table in (predicted, outputs)
    ]
    assert losses[0] < losses[1]


def test_each_of_several_quantiles_learns_what_it_would_alone():
    """A linear model's outputs have nothing in common."""
    X, y = rows(200)
    settings = {"hidden_layer_sizes": (), "learning_rate_init": 0.02, "max_iter": 300, "batch_size": 200, "tol": 0.0}
    settings |= {"n_iter_no_change": 1000, "random_state": 0}
    with pytest.warns(UserWarning, match="Maximum iterations"):
        found = MLPRegressor(Quantiles(LEVELS), **settings).fit(X, y).predict(X)
    for number, level in enumerate(LEVELS):
        with pytest.warns(UserWarning, match="Maximum iterations"):
            alone = MLPRegressor(Quantile(level), **settings).fit(X, y).predict(X)
        np.testing.assert_allclose(found[:, number], alone, atol=0.02)


def test_the_score_of_several_quantiles_is_the_share_of_the_constants_loss_that_is_saved():
    X, y = rows(100)
    weight = np.random.default_rng(2).uniform(0.5, 2.0, 100)
    found = MLPRegressor(Quantiles((0.2, 0.7)), (4,), max_iter=300, tol=0.0, n_iter_no_change=400, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        found.fit(X, y)
    predicted = found.predict(X)
    saved = total = 0.0
    for number, level in enumerate((0.2, 0.7)):
        d2 = d2_pinball_score(y, predicted[:, number], alpha=level, sample_weight=weight)
        loss = mean_pinball_loss(y, predicted[:, number], alpha=level, sample_weight=weight)
        total += loss / (1 - d2)
        saved += loss / (1 - d2) - loss
    assert found.score(X, y, weight) == pytest.approx(saved / total, rel=1e-9)


def test_a_search_over_several_quantiles():
    X, y = rows(300)
    X = np.c_[X, np.random.default_rng(1).standard_normal((300, 3))]
    search = MLPRegressorCV(
        loss=Quantiles((0.1, 0.9)), n_lambdas=8, cv=3, max_iter=100, keep_predictions=True, select="min", random_state=0
    )
    found = search.fit(X, 1000.0 + 50.0 * y)
    low, high = found.cv_predictions_[found.best_index_].T
    assert (low <= high).all()
    assert np.mean((low <= 1000.0 + 50.0 * y) & (1000.0 + 50.0 * y <= high)) == pytest.approx(0.8, abs=0.08)
    assert found.selected_features_[0]


@pytest.mark.parametrize("levels", [(), (0.5,), (0.5, 0.1), (0.1, 0.1), (0.0, 0.5), (0.5, 1.0), (0.5, np.nan)])
def test_levels_ascend_between_0_and_1(levels):
    with pytest.raises(ValueError, match="two levels or more, ascending"):
        Quantiles(levels)


def test_several_quantiles_are_of_one_target():
    X, y = rows(30)
    for levels in ((0.1, 0.5, 0.9), (0.1, 0.9)):  # as many as there are columns too
        with pytest.raises(ValueError, match="is of one target, but y has 2 columns"):
            MLPRegressor(Quantiles(levels)).fit(X, np.c_[y, y])
        with pytest.raises(ValueError, match="is of one target, but y has 2 columns"):
            MLPRegressorCV(loss=Quantiles(levels)).fit(X, np.c_[y, y])
    with pytest.raises(ValueError, match=r"Quantiles\(levels=0.5\): give two levels or more"):
        Quantiles(0.5)


def test_a_strength_is_chosen_by_the_quantiles_and_not_by_means():
    """Only the spread depends on the inputs: R2 preferred a constant."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 8))
    y = np.exp(X[:, 1]) * rng.standard_normal(400)
    settings = {"loss": Quantiles((0.05, 0.95)), "n_lambdas": 12, "max_iter": 150, "learning_rate_init": 0.02}
    settings |= {"random_state": 0, "adaptive": False, "select": "min", "keep_predictions": True}
    found = MLPRegressorCV((8,), **settings).fit(X, y)
    by_means = MLPRegressorCV((8,), scoring="r2", **settings).fit(X, y)
    assert found.lambda_ < by_means.lambda_
    losses = [
        sum(
            mean_pinball_loss(y, one.cv_predictions_[one.best_index_, :, k], alpha=a)
            for k, a in enumerate((0.05, 0.95))
        )
        for one in (found, by_means)
    ]
    assert losses[0] < losses[1]
    for fold in range(5):
        held_out = found.test_folds_ == fold
        values, truth = found.cv_predictions_[found.best_index_, held_out], y[held_out]
        saved = [d2_pinball_score(truth, values[:, k], alpha=a) for k, a in enumerate((0.05, 0.95))]
        loss = [mean_pinball_loss(truth, values[:, k], alpha=a) for k, a in enumerate((0.05, 0.95))]
        whole = sum(one / (1 - share) for one, share in zip(loss, saved, strict=True))
        assert found.cv_scores_[found.best_index_, fold, 0] == pytest.approx(1 - sum(loss) / whole, rel=1e-6)
