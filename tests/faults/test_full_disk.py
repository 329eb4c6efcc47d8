"""A disk that is full at every byte of a checkpoint or a model: the file stays what it was, and nothing is lost.

`python tests/faults/test_full_disk.py 100` tries so many places of a file, in place of six.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from interrupted import stopped_after

import regnet
from regnet import CheckpointWarning, CheckpointWriteError, Interrupted, Network, fit
from regnet.arrays.tree import leaves

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 1))
SETTINGS = {"epochs": 4, "batch_size": 8, "progress": False}


@contextmanager
def room_for(size):
    """No file grows beyond so many bytes; Python ignores the signal that says so."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def trained(**more):
    return fit(Network.mlp([4, 5, 1], loss="squared_error"), X, Y, **SETTINGS, **more)


def same(found, whole):
    pairs = zip(leaves(found.model.params), leaves(whole.model.params), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def places(size, count):
    return sorted({int(place) for place in np.linspace(0, size - 1, count)})


def check_checkpoint(folder, count, whole):
    """Full from the middle of a training on; then there is room again."""
    path = Path(folder) / "run.checkpoint"
    with stopped_after(5), pytest.raises(Interrupted):
        trained(checkpoint=path, checkpoint_every=1)
    before = path.read_bytes()
    tried = places(len(before), count)
    for size in tried:
        path.write_bytes(before)
        with (
            room_for(size),
            pytest.warns(CheckpointWarning, match="too large") as told,
            pytest.raises(CheckpointWriteError, match=path.name) as error,
        ):
            trained(checkpoint=path, checkpoint_every=1)
        assert same(error.value.result, whole)
        assert len(told) == 1
        assert path.read_bytes() == before
        assert list(Path(folder).iterdir()) == [path]
        assert same(trained(checkpoint=path, checkpoint_every=1), whole)
    path.unlink()
    return len(tried)


def check_model(folder, count, whole):
    path = Path(folder) / "model.safetensors"
    regnet.save(path, whole.model)
    before = path.read_bytes()
    tried = places(len(before), count)
    for size in tried:
        with room_for(size), pytest.raises(OSError, match="too large"):
            regnet.save(path, whole.model)
        assert path.read_bytes() == before
        assert list(Path(folder).iterdir()) == [path]
    path.unlink()
    return len(tried)


@pytest.mark.parametrize("check", [check_checkpoint, check_model])
def test_a_full_disk(tmp_path, check):
    assert check(tmp_path, 6, trained()) == 6


if __name__ == "__main__":
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        done = [check(place, number, trained()) for check in (check_checkpoint, check_model)]
    print(
        f"a full disk at {done[0]} places of a checkpoint and {done[1]} of a model: nothing lost, every end bit-equal"
    )
