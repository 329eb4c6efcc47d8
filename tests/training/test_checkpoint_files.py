"""The file of a checkpoint: what it refuses, how it is written, and what ends a training that keeps one."""

import json
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from interrupted import HELD_OUT, X, Y, a_network, same, stopped_after
from safetensors import safe_open

import regnet
from regnet import (
    SGD,
    Adam,
    BackendInfo,
    CheckpointError,
    CheckpointWarning,
    CheckpointWriteError,
    DivergenceWarning,
    EarlyStopping,
    Interrupted,
    Penalty,
    fit,
)
from regnet.networks.container import _digest
from regnet.training import checkpoint as module
from regnet.training.sheet import computed_by


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.checkpoint"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "seed .was 0, and is 1."),
        ({"batch_size": 5}, "batch_size .was 4, and is 5."),
        ({"optimizer": Adam(0.5)}, "optimizer"),
        ({"penalties": Penalty(weight_l1=1.0)}, "penalties"),
        ({"sample_weight": np.arange(1.0, 24.0)}, "sample_weight"),
        ({"log_every": 2}, "log_every .was 1, and is 2."),
        ({"shuffle": False}, "shuffle .was True, and is False."),
        ({"early_stopping": EarlyStopping()}, "early_stopping"),
        ({"validation_data": HELD_OUT}, "validation rows"),
    ],
)
def test_another_training_is_told_from_this_one(path, change, said):
    settings = {"batch_size": 4, "progress": False, "epochs": 2}
    fit(a_network(), X, Y, checkpoint=path, **settings)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"of another training; these differ: .*{said}.*delete this one"):
        fit(a_network(), X, Y, checkpoint=path, **(settings | change))
    assert path.read_bytes() == before


def test_other_rows_or_another_network(path):
    fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)
    for x, y, network, said in (
        (X + 1e-12, Y, a_network(), "differ: x"),
        (X, Y + 1e-12, a_network(), "differ: y"),
        (X, Y, a_network(dropout=0.1), "differ: network"),
    ):
        with pytest.raises(ValueError, match=said):
            fit(network, x, y, checkpoint=path, progress=False, epochs=2)


def test_a_file_that_is_cut_off_or_changed(path):
    fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)
    content = path.read_bytes()
    for bad in (content[:0], content[:20], content[:-1], content[:-5] + b"12345", b"a,b\n1,2\n", content + b"x"):
        path.write_bytes(bad)
        with pytest.raises(CheckpointError, match=r"run.checkpoint' cannot be gone on from: .*Delete it, or give"):
            fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)
        assert path.read_bytes() == bad


def rewritten(path, change):
    """The file with another description, by someone who knows the hash."""
    from safetensors.numpy import save as save_bytes

    with safe_open(path, framework="np") as file:
        description = json.loads(file.metadata()["regnet"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(description, arrays)
    text = json.dumps(description)
    path.write_bytes(save_bytes(arrays, metadata={"regnet": text, "sha256": _digest(text, arrays)}))


CHANGES = {
    "a position": lambda told, _: told["training"].update(position="far"),
    "a position before the first": lambda told, _: told["training"].update(position=-3),
    "no state": lambda told, _: told["training"].pop("state"),
    "a state that is a list": lambda told, _: told["training"].update(state=[]),
    "no windows": lambda told, _: told["training"]["memory"].update(windows=[]),
    "another generator": lambda told, _: told["training"]["sampler"].update(generators=["{}"]),
    "no training": lambda told, _: told.update(training=[]),
    "no sheet": lambda told, _: told.update(sheet=3),
    "another part": lambda told, _: told.update(more=3),
    "another version": lambda told, _: told.update(regnet="9.9"),
    "no tensor": lambda told, _: told["training"]["state"].update(point=None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_was_crafted(path, name):
    settings = {"batch_size": 4, "progress": False, "epochs": 2, "checkpoint": path}
    fit(a_network(), X, Y, **settings)
    rewritten(path, CHANGES[name])
    with pytest.raises(CheckpointError, match="cannot be gone on from"):
        fit(a_network(), X, Y, **settings)


def test_another_version_says_so(path):
    fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)
    rewritten(path, CHANGES["another version"])
    with pytest.raises(CheckpointError, match=r"regnet 9.9 wrote it, and this is .* for the same version only"):
        fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)


def test_other_libraries_are_warned_of(path):
    fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)
    rewritten(path, lambda told, _: told.update({"computed by": "numpy 1.0"}))
    with pytest.warns(CheckpointWarning, match="computed by numpy 1.0, and goes on by numpy 2"):
        fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=2)


def test_what_is_no_file_is_refused(path, tmp_path):
    model = fit(a_network(), X, Y, progress=False, epochs=1).model
    regnet.save(path, model)
    for bad, said in ((path, "holds something else, such as a model"), (tmp_path, "is no file"), ("", "is no file"),
                      (tmp_path / "no" / "x", "there is no folder")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            fit(a_network(), X, Y, checkpoint=bad, progress=False, epochs=1)
    for every in (0, 1.5, True, -1):
        with pytest.raises(ValueError, match="checkpoint_every"):
            fit(a_network(), X, Y, checkpoint=tmp_path / "x", checkpoint_every=every, progress=False, epochs=1)


def test_writings_that_fail_are_told_of_once_and_tried_again(path, monkeypatch):
    written, write = [], module.write_container

    def full(at, *given):
        written.append(at)
        if len(written) in (2, 3):
            raise OSError(28, "No space left on device")
        write(at, *given)

    monkeypatch.setattr(module, "write_container", full)
    settings = {"batch_size": 4, "progress": False, "epochs": 5, "checkpoint_every": 1}
    with pytest.warns(CheckpointWarning, match=r"run.checkpoint' could not be written .No space.*epoch 1 is") as told:
        fit(a_network(), X, Y, checkpoint=path, **settings)
    assert len(told) == 1
    assert len(written) == 5


def test_a_last_writing_that_fails_loses_nothing(path, monkeypatch):
    settings = {"batch_size": 4, "progress": False, "epochs": 3}
    whole = fit(a_network(), X, Y, **settings)

    def full(*_):
        raise OSError(28, "No space left on device")

    with stopped_after(4), pytest.raises(Interrupted):
        fit(a_network(), X, Y, checkpoint=path, **settings)
    before = path.read_bytes()
    monkeypatch.setattr(module, "write_container", full)
    with (
        pytest.warns(CheckpointWarning, match=r"epoch 0.666667 is still there"),
        pytest.raises(CheckpointWriteError, match=r"run.checkpoint' could not be written .No space") as error,
    ):
        fit(a_network(), X, Y, checkpoint=path, **settings)
    same(error.value.result, whole)
    assert path.read_bytes() == before


def test_leftovers_of_a_killed_process_go(path):
    dead = path.with_name(f".{path.name}.{2**22 + 1}.0123abcd")
    alive, other = path.with_name(f".{path.name}.1.0123abcd"), path.with_name(".else.99999999.0123abcd")
    for one in (dead, alive, other):
        one.write_bytes(b"")
    fit(a_network(), X, Y, checkpoint=path, progress=False, epochs=1)
    assert [one.exists() for one in (dead, alive, other)] == [False, True, True]


@pytest.fixture
def handlers():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def raising(number, epoch):
    def callback(record, model):
        if record.epoch == epoch:
            signal.raise_signal(number)

    return callback


@pytest.mark.usefixtures("handlers")
def test_ctrl_c_ends_a_fit_with_a_checkpoint_where_it_stands(path):
    settings = {"batch_size": 4, "progress": False, "epochs": 6}
    with pytest.raises(KeyboardInterrupt):
        fit(a_network(), X, Y, checkpoint=path, callbacks=[raising(signal.SIGINT, 3)], **settings)
    seen = []
    callbacks = [lambda record, model: seen.append(record.epoch)]
    same(fit(a_network(), X, Y, checkpoint=path, callbacks=callbacks, **settings), fit(a_network(), X, Y, **settings))
    assert seen == [4, 5, 6]


@pytest.mark.usefixtures("handlers")
def test_sigterm_does_what_it_did_once_the_checkpoint_is_written(path):
    found = []
    signal.signal(signal.SIGTERM, lambda *_: found.append(path.exists()))
    with pytest.raises(Interrupted, match="SIGTERM"):
        fit(a_network(), X, Y, checkpoint=path, callbacks=[raising(signal.SIGTERM, 1)], progress=False, batch_size=4)
    assert found == [True]
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


@pytest.mark.usefixtures("handlers")
def test_a_caught_signal_ends_a_fit_without_a_checkpoint_too():
    with regnet.catch_signals(signal.SIGTERM), pytest.raises(Interrupted):
        fit(a_network(), X, Y, callbacks=[raising(signal.SIGTERM, 1)], progress=False, batch_size=4)


def test_divergence_is_warned_of_after_a_stop(path):
    settings = {"optimizer": SGD(30.0), "epochs": 300, "progress": False, "log_every": 1000}
    with stopped_after(2, 40), pytest.raises(Interrupted):
        fit(a_network(), X, Y, checkpoint=path, **settings)
    with pytest.warns(DivergenceWarning):
        fit(a_network(), X, Y, checkpoint=path, **settings)


def test_the_order_in_which_libraries_are_found_is_no_difference():
    """It changes from process to process: a resumed training was said to be computed by something else."""
    kernels = ("openblas 0.3.31, SkylakeX kernels, 2 threads", "openblas 0.3.30, SkylakeX kernels, 1 threads")
    found = [
        computed_by(SimpleNamespace(name="numpy", describe=lambda notes=notes: BackendInfo("2.4", ("cpu",), notes)))
        for notes in (kernels, kernels[::-1])
    ]
    assert found[0] == found[1]
    assert "threads" not in found[0]
