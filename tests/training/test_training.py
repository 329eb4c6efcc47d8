"""`fit`: weights, penalties, batches, histories, callbacks, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import SGD, Adam, EarlyStopping, Network, Penalty, config_context, datasets, fit
from regnet.arrays.random_bits import keep_mask
from regnet.arrays.tree import leaves
from regnet.training import trainer

X, Y = datasets.spiral(samples=150)
NETWORK = Network.mlp([2, 24, 3], loss="categorical_crossentropy")


def train(**options):
    return fit(options.pop("network", NETWORK), X, Y, **{"epochs": 12, "progress": False, **options})


def same(a, b):
    return all(np.array_equal(left, right) for left, right in zip(leaves(a), leaves(b), strict=True))


def test_runs_repeat_and_seeds_matter():
    assert same(train(seed=1, batch_size=50).model.params, train(seed=1, batch_size=50).model.params)
    assert not same(train(seed=1).model.params, train(seed=2).model.params)


def test_proximal_l1_leaves_exact_zeros_and_subgradient_l1_none():
    options = {"epochs": 200, "optimizer": Adam(0.01), "log_every": 200}
    proximal = train(penalties=Penalty(weight_l1=0.01), **options)
    subgradient = train(penalties=Penalty(weight_l1=0.01, l1_step="subgradient"), **options)
    assert proximal.history[-1].zeros["0"] > 0.3
    assert subgradient.history[-1].zeros["0"] == 0
    assert (
        proximal.history[-1].penalty.keys() == {"0.weight.l1", "1.weight.l1"} == subgradient.history[-1].penalty.keys()
    )


def test_biases_are_penalised_apart():
    result = train(penalties=Penalty(bias_l1=10.0), epochs=100, optimizer=Adam(0.01))
    biases, weights = [p.bias for p in result.model.params], [p.weight for p in result.model.params]
    assert all((b == 0).all() for b in biases)
    assert all((w != 0).all() for w in weights)


def test_a_weight_of_two_counts_a_row_twice():
    with config_context(dtype="float64"):
        x = X[:100].astype(np.float64)
        weight = np.where(np.arange(100) < 30, 2.0, 1.0)
        weighted = fit(NETWORK, x, Y[:100], sample_weight=weight, epochs=30, progress=False)
        repeated = fit(
            NETWORK, np.concatenate([x, x[:30]]), np.concatenate([Y[:100], Y[:30]]), epochs=30, progress=False
        )
    for a, b in zip(leaves(weighted.model.params), leaves(repeated.model.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_strengths_mean_the_same_for_any_batch_size():
    """Same objective: from the solution of full batches, mini-batches of SGD stay where they are."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 6))
    y = x @ np.array([2.0, -1.0, 0.5, 0.0, 0.0, 0.0]) + rng.standard_normal(400)
    network = Network.mlp([6, 1], loss="squared_error", initializer="glorot_normal")
    norms = []
    for batch_size in (None, 20, 100):
        result = fit(
            network, x, y, optimizer=SGD(0.003), penalties=Penalty(weight_l2=0.5), batch_size=batch_size,
            epochs=2000 if batch_size is None else 150, progress=False,
        )  # fmt: skip
        norms.append(result.history[-1].weight_norm["0"])
    assert norms == pytest.approx([norms[0]] * 3, rel=0.03)


def test_padding_of_the_last_batch_has_no_weight():
    """One epoch of batches of 100 over 150 rows of SGD equals two hand-made steps on 100 and 50 rows."""
    options = {"optimizer": SGD(0.1), "epochs": 1, "progress": False}
    both = fit(NETWORK, X[:150], Y[:150], batch_size=100, shuffle=False, **options)
    first = fit(NETWORK, X[:100], Y[:100], **options)
    second = fit(NETWORK, X[100:150], Y[100:150], params=first.model.params, **options)
    for a, b in zip(leaves(both.model.params), leaves(second.model.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_history_has_what_it_promises():
    result = train(
        penalties=[Penalty(weight_l2=1e-3, bias_l2=1e-3), None], validation_data=(X[:50], Y[:50]), log_every=5
    )
    history = result.history
    assert [record.epoch for record in history] == [0, 5, 10, 12]
    last = history[-1]
    assert last.loss == pytest.approx(last.data_loss + sum(last.penalty.values()))
    weight, bias = result.model.params[0]
    assert last.penalty["0.weight.l2"] == pytest.approx(1e-3 * (weight**2).sum(), rel=1e-5)
    assert last.penalty["0.bias.l2"] == pytest.approx(1e-3 * (bias**2).sum(), rel=1e-5)
    assert last.weight_norm["0"] == pytest.approx(np.linalg.norm(weight), rel=1e-5)
    assert last.metric == pytest.approx((result.model.predict(X).argmax(1) == Y).mean())
    held = result.model.evaluate(X[:50], Y[:50])
    assert last.validation_metric == pytest.approx(held["accuracy"])
    assert last.validation_loss == pytest.approx(held["loss"])
    assert history.column("penalty", "0.weight.l2").shape == (4,)
    with pytest.raises(KeyError, match="not recorded"):
        history.column("speed")


def test_early_stopping_restores_the_best():
    rule = EarlyStopping(patience=3)
    noise = np.random.default_rng(0).integers(0, 3, 60)  # nothing to learn: validation gets worse soon
    result = train(early_stopping=rule, validation_data=(X[:60], noise), epochs=400, optimizer=Adam(0.05), log_every=1)
    losses = result.history.column("validation_loss")
    assert result.epochs < 400
    assert result.best_epoch == losses.argmin() == len(losses) - 1 - 3
    assert result.model.evaluate(X[:60], noise)["loss"] == pytest.approx(losses.min(), rel=1e-6)


def test_callbacks_see_every_record_and_may_stop():
    seen = []

    def stop_at_five(record, model):
        seen.append((record.epoch, model.predict(X[:2]).shape))
        return record.epoch == 5

    result = train(callbacks=[stop_at_five], log_every=1)
    assert result.epochs == 5
    assert seen == [(epoch, (2, 3)) for epoch in range(6)]


@pytest.mark.parametrize("answer", [17, 1, "stop", [0], np.float64(1.0)])
def test_only_true_ends_a_training(answer, tmp_path):
    """A callback that gives back what `write` returns, for one, has asked for nothing."""
    assert train(callbacks=[lambda record, model: answer], log_every=1).epochs == 12
    with (tmp_path / "log").open("w") as file:
        assert train(callbacks=[lambda record, model: file.write(f"{record.loss}\n")], log_every=1).epochs == 12
    assert train(callbacks=[lambda record, model: np.True_], log_every=1).epochs == 0


@pytest.mark.parametrize("batch_size", [None, 64])
def test_the_host_does_not_run_ahead_of_a_device(batch_size, monkeypatch):
    """A device queues runs: epochs that are only queued would be counted, and could not be interrupted."""
    portions, waits, make = [], [], trainer.make_run

    def counting(*args):
        run = make(*args)
        return lambda state, data, hyper, n: portions.append(n) or run(state, data, hyper, n)

    monkeypatch.setattr(trainer, "make_run", counting)
    monkeypatch.setattr("regnet_numpy.backend.NumpyBackend.synchronize", lambda self, tree: waits.append(len(portions)))
    monkeypatch.setattr("regnet.display.progress.time.perf_counter", lambda: 0.0)
    train(epochs=200, batch_size=batch_size, log_every=100)
    if batch_size is None:  # portions of a fifth of a second
        assert waits == list(range(1, len(portions) + 1))
    else:  # an epoch each, once the first ones, in parts, have said how long one takes
        assert len(waits) < len(portions) < 205
        clock = iter(range(10**6))
        monkeypatch.setattr("regnet.display.progress.time.perf_counter", lambda: float(next(clock)))
        portions.clear(), waits.clear()
        train(epochs=20, batch_size=batch_size, log_every=100)
        assert waits == list(range(1, 20 * 8 + 1))  # every step, which takes more than a second


def test_starting_from_given_parameters_leaves_them_alone():
    first = train()
    kept = [leaf.copy() for leaf in leaves(first.model.params)]
    train(params=first.model.params)
    assert all(np.array_equal(a, b) for a, b in zip(kept, leaves(first.model.params), strict=True))


def test_dropout_drops_its_share_independently():
    key = np.array([[99]], dtype=np.int32)
    rows = np.arange(2000, dtype=np.int32)[:, None]
    keep = keep_mask(key, rows, 64, 0.3)
    assert keep.mean() == pytest.approx(0.7, abs=0.005)
    assert np.abs(np.corrcoef(keep.T) - np.eye(64)).max() < 0.12
    other = keep_mask(key + 1, rows, 64, 0.3)
    assert (keep == other).mean() == pytest.approx(0.7**2 + 0.3**2, abs=0.01)
    np.testing.assert_array_equal(keep_mask(key, rows[500:], 64, 0.3), keep[500:])


BAD = {
    "features": (lambda: fit(NETWORK, X[:, :1], Y), "1 features, but the network takes 2"),
    "nan": (lambda: fit(NETWORK, np.where(X > 0.9, np.nan, X), Y), "Input x contains NaN: column"),
    "rows": (lambda: fit(NETWORK, X, Y[:5]), "450 rows, but y has 5"),
    "classes": (lambda: fit(NETWORK, X, Y + 1), "class numbers from 1 to 3"),
    "fractions": (lambda: fit(NETWORK, X, Y + 0.5), "fractions"),
    "weights": (lambda: fit(NETWORK, X, Y, sample_weight=-np.ones(450)), "sample_weight must be"),
    "epochs": (lambda: fit(NETWORK, X, Y, epochs=0), "epochs=0"),
    "penalties": (lambda: fit(NETWORK, X, Y, penalties=[Penalty()]), "1 entries, but the network has 2"),
    "negative": (lambda: Penalty(weight_l1=-1.0), "weight_l1=-1.0"),
    "stack": (lambda: fit(NETWORK, X, Y, seed=[1, 2], optimizer=Adam([0.1] * 3)), "seed has 2, learning_rate has 3"),
    "counts": (lambda: fit(Network.mlp([2, 1], loss="poisson"), X, Y - 5), "negative values"),
    "params": (
        lambda: train(params=train(network=Network.mlp([2, 3], loss="categorical_crossentropy")).model.params),
        "do not fit",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adam"}, "optimizer='adam': give an optimizer, such as Adam"),
        ({"penalties": 1e-3}, "penalties=0.001: give a Penalty"),
        ({"penalties": {"weight_l1": 1}}, "give a Penalty, such as Penalty"),
        ({"early_stopping": True}, "early_stopping=True: give an EarlyStopping"),
    ],
)
def test_objects_of_another_kind_are_named(options, message):
    with pytest.raises(TypeError, match=message):
        train(**options)


def test_text_is_refused():
    with pytest.raises(TypeError, match="x holds text"):
        fit(NETWORK, np.array([["a", "b"]]), [0])
    with pytest.raises(TypeError, match="y holds text"):
        fit(NETWORK, X, np.array(["a"] * 450))


def test_float64_data_stay_float64_and_lists_follow_the_environment(monkeypatch):
    assert fit(NETWORK, X.astype(np.float64), Y, epochs=1).model.params[0].weight.dtype == np.float64
    assert fit(NETWORK, X.tolist(), Y.tolist(), epochs=1).model.params[0].weight.dtype == np.float32
    monkeypatch.setenv("REGNET_DTYPE", "float64")
    assert fit(NETWORK, X.tolist(), Y.tolist(), epochs=1).model.params[0].weight.dtype == np.float64
