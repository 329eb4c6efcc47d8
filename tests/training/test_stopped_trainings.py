"""A training that is stopped and goes on has the bits of one that is not: weights, records, best epochs, draws."""

import numpy as np
import pytest
from conftest import missing
from interrupted import HELD_OUT, X, Y, a_network, in_pieces, same

from regnet import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Cosine,
    EarlyStopping,
    InverseTime,
    Penalty,
    RMSprop,
    StepDecay,
    config_context,
    fit,
)
from regnet.training import checkpoint as module


def check(path, portions=3, steps=2, network=None, **settings):
    """A training in pieces is the training at once."""
    network = network or a_network()
    settings = {"epochs": 7, "progress": False, "seed": 3} | settings
    whole = fit(network, X, Y, **settings)
    found, stops = in_pieces(lambda: fit(network, X, Y, checkpoint=path, **settings), portions, steps)
    same(found, whole)
    return stops


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


OPTIMIZERS = [Adam(0.01), AdamW(0.01), SGD(0.01, momentum=0.9), Adagrad(0.01), RMSprop(0.01)]


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: type(one).__name__)
def test_optimizers(path, optimizer, batch_size):
    assert check(path, optimizer=optimizer, batch_size=batch_size) > 0


SCHEDULES = [InverseTime(0.01, 0.1), StepDecay(0.01, 0.5, 9), Cosine(0.01, 20)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: type(one).__name__)
def test_schedules(path, schedule):
    assert check(path, optimizer=Adam(schedule), batch_size=4) > 3


@pytest.mark.parametrize("steps", [1, 3, 4, 100])
@pytest.mark.parametrize("portions", [1, 2, 5])
def test_any_place_of_an_epoch(path, portions, steps):
    check(path, portions, steps, batch_size=4, network=a_network(dropout=0.3), penalties=Penalty(weight_l1=1e-3))


@pytest.mark.parametrize("batch_size", [None, 6])
def test_a_stack(path, batch_size):
    penalties = Penalty(weight_l1=(0.0, 1e-3, 1e-1), weight_l2=1e-3)
    check(path, batch_size=batch_size, penalties=penalties, validation_data=HELD_OUT)


def test_a_stack_of_seeds(path):
    check(path, batch_size=6, network=a_network(dropout=0.2), seed=[3, 4, 5], optimizer=Adam((0.01, 0.02, 0.1)))


@pytest.mark.parametrize("batch_size", [None, 6])
@pytest.mark.parametrize("monitor", ["loss", "metric"])
def test_early_stopping(path, batch_size, monitor):
    rule = EarlyStopping(patience=2, monitor=monitor, min_delta=0.01)
    settings = {"validation_data": HELD_OUT, "early_stopping": rule, "epochs": 40, "optimizer": Adam(0.05)}
    assert check(path, 1, batch_size=batch_size, log_every=2, **settings) > 0


def test_weights_and_records_between(path):
    weight = np.arange(23.0)
    check(path, batch_size=4, sample_weight=weight, log_every=3, validation_data=(*HELD_OUT, np.arange(1.0, 8.0)))


@pytest.mark.parametrize("fast", [True, False])
def test_with_and_without_compiled_loops(path, fast):
    with config_context(fast=fast):
        check(path, batch_size=4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_other_libraries(path, name, dtype):
    reason = missing(name)
    if reason is not None:
        pytest.skip(reason)
    with config_context(backend=name):
        network, x, y = a_network(dropout=0.1), X.astype(dtype), Y.astype(dtype)
        settings = {"epochs": 4, "progress": False, "batch_size": 6, "penalties": Penalty(weight_l1=(1e-3, 1e-1))}
        whole = fit(network, x, y, **settings)
        found, _ = in_pieces(lambda: fit(network, x, y, checkpoint=path, **settings), 3, 2)
        same(found, whole)


@pytest.mark.filterwarnings("ignore::regnet.DivergenceWarning")
@pytest.mark.parametrize("portions", [1, 4])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_what_diverges_goes_back_as_far(path, batch_size, portions):
    """The steps that are gone once more begin before the stop."""
    settings = {"optimizer": SGD((0.01, 3.0, 30.0)), "epochs": 60, "log_every": 1000, "batch_size": batch_size}
    check(path, portions, 20, **settings)


def test_more_epochs_than_it_was_begun_with(path):
    settings = {"progress": False, "batch_size": 4, "log_every": 3, "early_stopping": EarlyStopping(patience=3)}
    fit(a_network(), X, Y, epochs=4, checkpoint=path, **settings)
    same(fit(a_network(), X, Y, epochs=9, checkpoint=path, **settings), fit(a_network(), X, Y, epochs=9, **settings))
    again = fit(a_network(), X, Y, epochs=9, checkpoint=path, **settings)
    same(again, fit(a_network(), X, Y, epochs=9, **settings))
    with pytest.raises(ValueError, match="has run 9 epochs already, and 5 are asked for"):
        fit(a_network(), X, Y, epochs=5, checkpoint=path, **settings)


def test_epochs_between_writings(path, monkeypatch):
    written = []
    monkeypatch.setattr(module.Checkpoint, "write", lambda self, training, epochs: written.append(epochs))
    for batch_size in (None, 4):
        fit(a_network(), X, Y, epochs=8, progress=False, batch_size=batch_size, checkpoint=path, checkpoint_every=3)
    assert written == [3, 6, 8, 3, 6, 8]


def test_time_between_writings(path, monkeypatch):
    """Half a minute, or after a long portion, but never more than 2 % of the time."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    file = module.Checkpoint(path, None)
    file.open({}, "")

    def is_due(passed):
        now[0] += passed
        return file.is_due()

    assert not any(is_due(0.9) for _ in range(33))
    assert is_due(0.9)
    monkeypatch.setattr(module, "write_container", lambda *_: now.__setitem__(0, now[0] + 0.1))
    file.write({}, 1.0)
    assert not is_due(4.9)  # 49 times its cost
    assert is_due(1.1)
    file.write({}, 1.0)
    assert not any(is_due(0.9) for _ in range(33))
