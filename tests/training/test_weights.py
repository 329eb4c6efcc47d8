"""Rows with weights: whatever the batches are, they minimise the weighted mean loss of all rows."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from conftest import placement, to_numpy
from sklearn.linear_model import LogisticRegression

from regnet import Adam, MLPClassifier, MLPClassifierCV, Network, config_context
from regnet.networks import kernels
from regnet.networks.network import Rows
from regnet.sweep import stack
from regnet.training.batches import Data, batches_of, take_batch

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def gradient_of(place, network, rows, point):
    """Loss and gradient, one vector."""
    gradient = place.backend.compile(lambda *given: kernels.gradient(place.backend, network, *given, None))
    with place.backend.session(place.device):
        parts = gradient(rows, point)
    return np.concatenate([to_numpy(place, part).reshape(point.shape[0], -1) for part in parts], axis=-1)


def test_the_batches_of_an_epoch_average_to_all_rows(namespace, rng):
    """Weighted by their shares of the rows: 20, 20 and 10 of 50, and of another fold's 47 the last 7 only.

    Rows of weight 0 make up a whole batch, which has no gradient. Both folds lie in one table.
    """
    place, network = placement(namespace), Network.mlp([3, 5, 4], loss="categorical_crossentropy", activation="tanh")
    counts, x = [50, 47], rng.standard_normal((97, 3))
    y = reference.targets(rng, network.loss, 97, 4)
    weight = rng.exponential(size=97) ** 2
    orders = [rng.permutation(count) + start for count, start in zip(counts, (0, 50), strict=True)]
    weight[orders[1][20:40]] = 0
    table, expected = np.full((2, 60), -1, "int32"), []
    point = place.put(rng.standard_normal((1, network.layout.size)))
    for fold, order in enumerate(orders):
        weight[order] /= weight[order].sum()
        table[fold, : len(order)] = order
        own = [place.put(array[np.sort(order)]) for array in (x, y, weight[:, None])]
        expected.append(gradient_of(place, network, Rows(*own), point)[0])
    whole = [place.put(array) for array in (x, y, weight[:, None])]
    rows_in_all = place.put(np.asarray(counts, float)[:, None, None])
    compiled = place.backend.compile
    batches = compiled(batches_of)(whole[2], place.put(table.reshape(2, 3, 20), "int32"), rows_in_all)
    share = to_numpy(place, batches.row_share)[..., 0]
    np.testing.assert_allclose(share, [[0.4, 0.4, 0.2], [20 / 47, 20 / 47, 7 / 47]], rtol=1e-15)
    data, stack = Data(*whole, None, batches), place.put(np.stack([to_numpy(place, point)] * 2))
    total = 0.0
    for step in range(3):
        batch = compiled(take_batch)(data, place.put(np.asarray(step), "int32"))
        gradient = gradient_of(place, network, batch.rows, stack)
        assert (gradient[1] == 0).all() == (step == 1)
        total = total + share[:, step, None] * gradient
    np.testing.assert_allclose(total, expected, rtol=1e-11, atol=1e-13)


def imbalanced(rng):
    """One row in fifty is positive; 'balanced' weights make that a half."""
    y = (np.arange(2000) < 40).astype(int)
    return rng.standard_normal((2000, 4)) + y[:, None], y


def weighted_mean(probability, y):
    return 0.5 * (probability[y == 1].mean() + probability[y == 0].mean())


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("batch_size", [2000, 200, 50])
def test_a_balanced_rare_class_is_a_half_whatever_the_batches(batch_size, fast, rng):
    """A bias that is not penalised makes the weighted mean of the probabilities that of the classes, 1/2."""
    x, y = imbalanced(rng)
    model = MLPClassifier(
        hidden_layer_sizes=(), class_weight="balanced", batch_size=batch_size, alpha=0.0, solver=Adam(0.01),
        max_iter=min(20 * batch_size // 50 + 20, 300), n_iter_no_change=10_000, random_state=0,
    )  # fmt: skip
    for rate in (0.05, 0.005, 0.0005):
        with config_context(fast=fast):
            model.set_params(solver=Adam(rate), warm_start=True).fit(x, y)
    theirs = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10).fit(x, y)
    assert weighted_mean(theirs.predict_proba(x)[:, 1], y) == pytest.approx(0.5, abs=1e-6)
    assert weighted_mean(model.predict_proba(x)[:, 1], y) == pytest.approx(0.5, abs=0.003)
    np.testing.assert_allclose(model.predict_proba(x), theirs.predict_proba(x), atol=0.03)


@pytest.mark.parametrize("penalty", ["weight_l2", "alpha"])
def test_every_batch_of_a_search_is_divided_by_the_share_of_its_own_folds_rows(penalty, rng, monkeypatch):
    """Folds of 133 and 134 of 200 rows in one stack, whose table holds the rows of both: the weights over an epoch."""
    x, y = rng.standard_normal((200, 3)), np.arange(200) % 2
    seen, made = [], stack.batches_of

    def record(weight, table, *more):
        batches = made(weight, table, *more)
        seen.append((table, batches))
        return batches

    monkeypatch.setattr(stack, "batches_of", record)
    MLPClassifierCV(
        hidden_layer_sizes=(2,), penalty=penalty, lambdas=(0.01, 0.1), cv=3, max_iter=2, batch_size=50, random_state=0,
    ).fit(x, y, sample_weight=rng.exponential(size=200))  # fmt: skip
    assert seen
    for table, batches in seen:
        present = (table >= 0).sum(-1)
        rows = present.sum(-1, keepdims=True)
        epochs = [next(row // own for own in (133, 134, 200) if row % own == 0) for row in rows.reshape(-1)]
        epochs = np.reshape(epochs, rows.shape)
        np.testing.assert_allclose(batches.row_share[..., 0], present * epochs / rows, rtol=1e-12)
        total = (batches.weight * batches.row_share).sum((-2, -1))
        np.testing.assert_allclose(total, epochs[..., 0], rtol=1e-12)
