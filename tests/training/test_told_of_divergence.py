"""Trainings that explode are told of wherever they happen: estimators, partial_fit, sweeps, the command."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from command_line import called

from regnet import Adam, DivergenceWarning, EarlyStopping, MLPClassifier, MLPRegressor, path

RNG = np.random.default_rng(5)
X = RNG.standard_normal((120, 3))
Y = X.sum(axis=1)
SETTINGS = {"hidden_layer_sizes": (8,), "random_state": 0, "tol": 0.0, "max_iter": 12, "n_iter_no_change": np.inf}

LINEAR = {"hidden_layer_sizes": (), "solver": "sgd", "momentum": 0.0, "random_state": 0, "tol": 0.0}


def told(model):
    """Fit; what the warnings of divergence say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    return [str(one.message) for one in caught if issubclass(one.category, DivergenceWarning)]


@pytest.mark.parametrize("solver", ["sgd", Adam(1e4)])
@pytest.mark.parametrize("batch_size", [30, 120])
def test_an_estimator_tells_of_a_finite_loss_that_exploded(solver, batch_size):
    """Four steps, each of which makes the error of a linear model about four times as large."""
    settings = {**LINEAR, "solver": solver, "learning_rate_init": 5.0}
    model = MLPRegressor(batch_size=batch_size, max_iter=batch_size // 30, **settings)
    (message,) = told(model)
    assert "exploded" in message
    assert "last good parameters were kept" in message
    assert np.mean((model.predict(X) - Y) ** 2) < 10 * np.mean(Y**2)


def test_an_estimator_whose_last_step_led_to_an_infinite_loss_raises():
    """The loss before that step was finite still: one step fewer has exploded, is told of, and predicts numbers."""
    x, y = X.astype(np.float32), Y.astype(np.float32)

    def after(steps):
        model = MLPRegressor(batch_size=120, max_iter=steps, **{**LINEAR, "learning_rate_init": 100.0})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                assert np.isfinite(model.fit(x, y).predict(x)).all()
            except ValueError as error:
                return " ".join([str(error), *error.__notes__])
        return " ".join(str(one.message) for one in caught)

    ends = [after(steps) for steps in range(1, 30)]
    first = next(n for n, text in enumerate(ends) if "non-finite parameter weights" in text)
    assert first > 1
    assert all("exploded" in text for text in ends[:first])
    assert all(f"at step {first + 1}, " in text for text in ends[first:])
    assert "Lower the learning rate (100.0)" in ends[first]


@pytest.mark.parametrize("rule", [True, EarlyStopping(patience=12)])
def test_early_stopping_keeps_its_best_and_tells(rule):
    model = MLPRegressor(solver="sgd", learning_rate_init=50.0, batch_size=40, early_stopping=rule, **SETTINGS)
    messages = told(model)
    assert any("stopped being finite" in message for message in messages)
    assert np.isfinite(model.predict(X)).all()


def test_calls_of_partial_fit_that_explode_little_by_little_are_told_of():
    """One step a call, which makes the loss about four times as large."""
    model, messages = MLPRegressor(batch_size=120, **{**LINEAR, "learning_rate_init": 3.0}), []
    for _ in range(9):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.partial_fit(X, Y)
        messages.append(["exploded" in str(one.message) for one in caught])
    assert messages[0] == []
    assert messages[-1] == [True]


def test_calls_of_partial_fit_on_other_data_have_not_exploded():
    """A batch for which 0 would be the answer is no explosion."""
    model = MLPRegressor(batch_size=20, **{**LINEAR, "learning_rate_init": 0.02})
    for part in range(6):
        model.partial_fit(X[20 * part : 20 * part + 20], Y[20 * part : 20 * part + 20])
    model.partial_fit(X[:20], 1e-9 * Y[:20])


SWEEP = {"penalty": "weight_l2", "warm_start": False, "standardize": False}


@pytest.mark.parametrize("batch_size", ["auto", 120])
def test_cells_of_a_sweep_that_explode_have_diverged(batch_size):
    """At this rate the strongest L2 is unstable: after 15 steps its loss is large and finite."""
    model = MLPRegressor(batch_size=batch_size, max_iter=15, **{**LINEAR, "learning_rate_init": 0.1})
    where = r"1 of 3 networks diverged .*strength 30, fold 0, restart 0, at step \d"
    with pytest.warns(DivergenceWarning, match=where):
        found = path(model, X, Y, lambdas=[1e-3, 1e-1, 30.0], **SWEEP)
    assert np.isfinite(found.losses[:2]).all()


def test_a_cell_that_diverged_has_the_weights_that_it_began_with():
    model = MLPRegressor(max_iter=400, **{**LINEAR, "learning_rate_init": 0.1})
    with pytest.warns(DivergenceWarning, match="1 of 2 networks diverged"):
        found = path(model, X.astype(np.float32), Y.astype(np.float32), lambdas=[1e-3, 3e3], **SWEEP)
    assert found.losses[1] < 10.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (first,) = MLPRegressor(max_iter=1, **LINEAR | {"learning_rate_init": 1e-30}).fit(X, Y).coefs_
    np.testing.assert_allclose(found.estimators[1].coefs_[0], first, rtol=1e-6)


def test_the_command_tells_of_an_explosion(tmp_path):
    done = called("fit", "diabetes", "--hidden", 4, "--learning-rate", 1e4, "--epochs", 2, cwd=tmp_path)
    assert done.returncode == 0
    assert "regnet: warning: The training loss exploded" in done.stderr


def test_ordinary_estimators_and_sweeps_are_not_told_of():
    for seed in range(2):
        for solver in ("sgd", "adam"):
            settings = {**SETTINGS, "solver": solver, "random_state": seed}
            assert told(MLPRegressor(learning_rate_init=0.01, **settings)) == []
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Stochastic Optimizer")
                MLPClassifier(learning_rate_init=0.1, **settings).fit(X, Y > 0)
    path(MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=20), X, Y, lambdas=[1e-3, 1e-2])


@pytest.mark.parametrize("seed", range(3))
def test_a_constant_target_is_no_explosion(seed):
    """Its loss nears 0 at one strength and is some tiny number at the next, which is a large multiple of nothing."""
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=seed, learning_rate_init=0.01)
    found = path(model, X[:30], np.full(30, 3.0), n_lambdas=50)
    assert found.losses.max() < 1e-6
