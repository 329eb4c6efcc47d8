"""What the penalties leave of an estimator: exact zeros, inputs, neurons, and the network without the dead parts."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from regnet import SGD, Adam, MLPClassifier, MLPRegressor, config_context
from regnet.mathematics.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_l1_on_digits_leaves_one_weight_in_twenty_at_the_same_accuracy():
    x, y = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(x / 16, y, test_size=0.3, random_state=0, stratify=y)
    common = {"hidden_layer_sizes": (256,), "max_iter": 200, "learning_rate_init": 0.003, "random_state": 0}
    plain = MLPClassifier(**common, alpha=0).fit(train_x, train_y)
    sparse = MLPClassifier(**common, weight_l1=1e-3).fit(train_x, train_y)
    assert plain.sparsity_ == 0
    assert sparse.sparsity_ > 0.9
    assert sparse.score(test_x, test_y) >= plain.score(test_x, test_y) - 0.01
    small = sparse.compact()
    assert np.abs(small.predict_proba(test_x) - sparse.predict_proba(test_x)).max() <= 1e-6
    assert sum(w.size for w in small.coefs_) < 0.4 * sum(w.size for w in sparse.coefs_)


def interaction(rng, n=300, inputs=10):
    x = rng.standard_normal((n, inputs))
    return x, x[:, 0] * x[:, 1] + 0.1 * rng.standard_normal(n)


@pytest.mark.parametrize("solver", ["fista", "adam", Adam(0.01), SGD(0.02, momentum=0.9)], ids=str)
def test_input_l1_uses_an_input_wholly_or_not_at_all(solver, rng):
    x, y = interaction(rng)
    model = MLPRegressor(
        hidden_layer_sizes=(16,), activation="tanh", solver=solver, learning_rate_init=0.01, batch_size=100,
        input_l1=0.01, weight_l2=[0.0, 0.005], max_iter=800, n_iter_no_change=2000, tol=1e-7, random_state=1,
    ).fit(x, y)  # fmt: skip
    rows = model.coefs_[0] != 0
    assert (rows.all(axis=1) | ~rows.any(axis=1)).all()
    assert (rows.any(axis=1) == model.selected_features_).all()
    assert model.selected_features_[:2].all()
    assert model.selected_features_.sum() < 8


def test_neuron_l1_removes_whole_neurons(rng):
    x, y = interaction(rng)
    model = MLPRegressor(
        hidden_layer_sizes=(40, 20), learning_rate_init=0.01, neuron_l1=[0.005, 0.0], weight_l2=1e-4, max_iter=600,
        n_iter_no_change=1000, random_state=0,
    ).fit(x, y)  # fmt: skip
    outgoing = model.coefs_[1] != 0
    dead = ~outgoing.any(axis=1)
    assert (outgoing.all(axis=1) | dead).all()
    assert 5 < dead.sum() < 40
    assert (model.coefs_[2] != 0).all()
    small = model.compact()
    assert small.hidden_layer_sizes == (40 - dead.sum(), 20)
    np.testing.assert_allclose(small.predict(x), model.predict(x), atol=1e-12)


def test_penalty_factor_frees_or_forbids_an_input(rng):
    x, y = interaction(rng)
    factor = np.ones(10)
    factor[[0, 5]] = 100.0, 0.0
    for strength in ("input_l1", "weight_l1"):
        model = MLPRegressor(
            hidden_layer_sizes=(8,), solver="fista", activation="tanh", max_iter=500, penalty_factor=factor,
            random_state=0, **{strength: 0.02},
        )  # fmt: skip
        used = model.fit(x, y).selected_features_
        assert not used[0]
        assert used[5]


def test_strengths_mean_the_same_for_any_number_of_rows(rng):
    x, y = interaction(rng, n=80)
    common = {"hidden_layer_sizes": (), "solver": "fista", "tol": 1e-11, "max_iter": 10_000, "weight_l1": 0.05}
    once = MLPRegressor(**common, weight_l2=0.1).fit(x, y)
    thrice = MLPRegressor(**common, weight_l2=0.1).fit(np.tile(x, (3, 1)), np.tile(y, 3))
    np.testing.assert_allclose(once.coefs_[0], thrice.coefs_[0], atol=1e-9)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "logistic"])
def test_compact_keeps_the_function_whatever_is_zero(activation, rng):
    """Random patterns of zeros, whole dead layers among them."""
    x, y = rng.standard_normal((30, 6)), rng.standard_normal((30, 2))
    model = MLPRegressor(hidden_layer_sizes=(7, 5, 4), activation=activation, max_iter=2, random_state=0).fit(x, y)
    for share in (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 1.0):
        for _ in range(8):
            model.coefs_ = [rng.standard_normal(w.shape) * (rng.uniform(size=w.shape) >= share) for w in model.coefs_]
            model.intercepts_ = [rng.standard_normal(b.shape) for b in model.intercepts_]
            small = model.compact()
            np.testing.assert_allclose(small.predict(x), model.predict(x), rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(
                small.predict(x[:, small.kept_inputs_]), model.predict(x), rtol=1e-10, atol=1e-12
            )
            again = small.compact()
            assert [w.shape for w in again.coefs_] == [w.shape for w in small.coefs_]
            assert (again.kept_inputs_ == small.kept_inputs_).all()


def test_the_residual_is_the_smallest_subgradient(rng):
    """Against the complex step: mean loss, L2, alpha and L1 of a network with a hidden layer and weighted rows."""
    x, y = rng.standard_normal((25, 3)), rng.standard_normal(25)
    weight = rng.uniform(0.5, 2.0, 25)
    settings = {"weight_l1": [0.02, 0.01], "bias_l1": 0.003, "weight_l2": 0.1, "alpha": 0.5}
    model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=60, random_state=0, **settings)
    model.set_params(learning_rate_init=0.02).fit(x, y, sample_weight=weight)
    arrays = [a for w, b in zip(model.coefs_, model.intercepts_, strict=True) for a in (w, b[None, :])]
    assert (arrays[0] == 0).any()
    share, worst = weight / weight.sum(), 0.0
    for k, (w, l1) in enumerate(zip(arrays, (0.02, 0.003, 0.01, 0.003), strict=True)):
        l2 = 0.1 + 0.5 / (2 * weight.sum()) if k % 2 == 0 else 0.0
        grad = 2 * l2 * w + reference.complex_step(
            lambda z, k=k: reference.objective(
                [*arrays[:k], z, *arrays[k + 1 :]], x, y[:, None], share, "tanh", "squared_error"
            ),
            w,
        )
        still = np.sign(grad) * np.maximum(np.abs(grad) - l1, 0)
        worst = max(worst, np.abs(np.where(w == 0, still, grad + l1 * np.sign(w))).max())
    assert model.kkt_residual_ == pytest.approx(worst, rel=1e-10)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("solver", ["fista", Adam(0.01), SGD(0.05, momentum=0.9)], ids=["fista", "adam", "sgd"])
def test_neurons_that_fade_in_single_precision_end_at_0(solver, fast, rng):
    """An L2 takes what feeds a dead neuron below what can be squared, and with it the steps of its outgoing weights."""
    x = rng.standard_normal((200, 5)).astype("float32")
    y = x[:, 0] + 0.1 * rng.standard_normal(200).astype("float32")
    with config_context(fast=fast):
        model = MLPRegressor(
            hidden_layer_sizes=(64,), solver=solver, activation="tanh", initializer="glorot_uniform", neuron_l1=0.005,
            weight_l2=[0.2, 0.0], bias_l2=[0.2, 0.0], batch_size=200, max_iter=1200, n_iter_no_change=10_000,
            random_state=0,
        ).fit(x, y)  # fmt: skip
    length = np.linalg.norm(model.coefs_[1].astype(float), axis=1)
    assert model.coefs_[1].dtype == np.float32
    assert 0 < (length > 1e-6).sum() < 8
    assert ((length > 1e-6) | (length == 0)).all()
    assert model.compact().coefs_[1].shape == ((length > 1e-6).sum(), 1)
