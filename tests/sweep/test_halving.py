"""Blocks that the memory does not suffice for are trained in halves, with the same bits and one warning."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import missing
from sweeps import FRIEDMAN, IRIS, cold, same, small

from regnet import MLPRegressorCV
from regnet.backend.protocol import Backend
from regnet.backend.registry import backend_classes, get_backend
from regnet.sweep import lanes
from regnet_numpy.backend import NumpyBackend


class FullError(Exception):
    """What a library of its own raises."""


class SmallBackend(Backend):
    """NumPy with room for two networks of a stack."""

    name = "small"

    def __init__(self):
        self._numpy = NumpyBackend()

    owns = staticmethod(NumpyBackend.owns)

    def asarray(self, host, /, *, dtype, device=None):
        placed = self._numpy.asarray(host, dtype=dtype, device=device)
        if placed.ndim == 3 and placed.shape[0] > 2:
            raise FullError("3 networks do not fit")
        return placed

    def to_numpy(self, array, /):
        return self._numpy.to_numpy(array)

    def describe(self):
        return self._numpy.describe()

    def is_out_of_memory(self, error, /):
        return isinstance(error, FullError)


@pytest.fixture
def told():
    """The warnings of a test that are about memory, each once: a search's passes have the same to say."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield lambda: sorted({str(one.message) for one in found if "memory" in str(one.message)})


def full_at(monkeypatch, most, stage=0):
    """Stacks of more than `most` lanes do not fit from strength number `stage` on; returns their sizes."""
    sizes, train = [], lanes.train_stage

    def count(stack, number, *others):
        sizes.append(len(stack.lanes))
        if number >= stage and len(stack.lanes) > most:
            raise np._core._exceptions._ArrayMemoryError((2**40,), np.dtype("float32"))
        return train(stack, number, *others)

    monkeypatch.setattr(lanes, "train_stage", count)
    return sizes


@pytest.mark.parametrize(("make", "stage"), [(small, 0), (small, 3), (cold, 0)])
def test_halves_have_the_same_bits(make, stage, fast, monkeypatch, told):
    data = FRIEDMAN if make is small else IRIS
    whole = make().fit(*data)
    sizes = full_at(monkeypatch, 1, stage)
    same(whole, make().fit(*data))
    assert {1, 2} < set(sizes)  # down to one
    assert len(told()) == 1
    assert told()[0].startswith("The memory does not suffice for ")


def test_no_cell_is_trained_twice(monkeypatch, told):
    """Lanes of a block that failed at its fourth strength go on from their third."""
    trained, train = [], lanes.train_stage

    def note(stack, number, *others):
        if number >= 3 and len(stack.lanes) > 2:
            raise MemoryError
        trained.extend((number, lane.fold) for lane in stack.lanes)
        return train(stack, number, *others)

    monkeypatch.setattr(lanes, "train_stage", note)
    small(adaptive=False).fit(*FRIEDMAN)
    assert len(trained) == len(set(trained)) == 6 * 4
    assert len(told()) == 1


def test_a_journal_has_every_cell(monkeypatch, tmp_path):
    whole = small().fit(*FRIEDMAN)
    full_at(monkeypatch, 2, stage=2)
    with pytest.warns(match="memory does not suffice for 4 networks at once.*2 are trained"):
        same(whole, small(sweep_dir=tmp_path).fit(*FRIEDMAN))
    assert len(list(tmp_path.glob("*/*.safetensors"))) == 2 * 6 * 4
    monkeypatch.setattr(lanes, "train_stage", None)
    same(whole, small(sweep_dir=tmp_path).fit(*FRIEDMAN))


def test_workers_halve_and_the_caller_is_told_once(monkeypatch, told):
    whole = cold(lambdas=np.geomspace(1e-3, 1, 9)).fit(*IRIS)
    full_at(monkeypatch, 2)
    with ThreadPoolExecutor(1) as pool:
        same(whole, cold(lambdas=np.geomspace(1e-3, 1, 9), executor=pool).fit(*IRIS))
    assert len(told()) == 1


def test_a_backend_says_what_its_errors_mean(monkeypatch, told):
    monkeypatch.setitem(backend_classes(), "small", SmallBackend)
    whole = cold(memory_limit=1).fit(*IRIS)
    monkeypatch.setenv("REGNET_BACKEND", "small")
    found = cold().fit(*IRIS)
    np.testing.assert_allclose(found.cv_scores_, whole.cv_scores_, rtol=1e-9)
    assert len(told()) == 1


def test_one_network_that_does_not_fit_is_told_with_the_remedy(monkeypatch):
    full_at(monkeypatch, 0)
    with (
        pytest.warns(match="memory does not suffice for"),
        pytest.raises(MemoryError, match=r"one network of the sweep alone \(Unable to allocate .*smaller batch_size"),
    ):
        small().fit(*FRIEDMAN)


def test_other_errors_are_no_matter_of_size(monkeypatch):
    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(lanes, "train_stage", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        small().fit(*FRIEDMAN)


def allocate(name):
    if name == "torch":
        import torch

        torch.empty(2**50)
    elif name == "jax":
        import jax

        jax.block_until_ready(jax.numpy.zeros((2**30, 2**20)))
    else:
        np.empty(2**55)


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_what_libraries_raise_is_known(name):
    if missing(name):
        pytest.skip(missing(name))
    backend: Backend = get_backend(name)
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        allocate(name)
    assert backend.is_out_of_memory(caught.value)
    assert backend.is_out_of_memory(MemoryError())
    assert not backend.is_out_of_memory(RuntimeError("shapes differ"))


LIMITED = """
import resource, sys, warnings
from pathlib import Path
import numpy as np
from test_halving import wide
wide(1).fit(*wide.table)  # imports, compiles, begins threads
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
if sys.argv[2] != "whole":
    resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[2]) * 2**20,) * 2)
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    search = wide(24).fit(*wide.table)
count = len({str(one.message) for one in found if "memory" in str(one.message)})
np.savez(sys.argv[1], cv_scores_=search.cv_scores_, first=search.best_estimator_.coefs_[0], count=count)
"""


def wide(strengths):
    """Cold networks of 2.6 MB of parameters each, a fold's as one stack."""
    return MLPRegressorCV(
        (1024,), penalty="weight_l2", lambdas=np.geomspace(1e-3, 1, strengths), warm_start=False, cv=2, max_iter=1,
        random_state=0, memory_limit=2**40,
    )  # fmt: skip


wide.table = (np.random.RandomState(0).randn(60, 640).astype("float32"), np.arange(60.0))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS is Linux's")
def test_an_address_space_that_does_not_suffice(tmp_path):
    """The system refuses what 24 networks take, which is more than half a gigabyte."""
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*here, *sys.path]), "OMP_NUM_THREADS": "1"}
    found = {}
    for name in ("whole", "400"):
        place = tmp_path / f"{name}.npz"
        command = [sys.executable, "-c", LIMITED, str(place), name]
        subprocess.run(command, check=True, env=environment)
        found[name] = dict(np.load(place))
    assert (found["whole"].pop("count"), found["400"].pop("count")) == (0, 1)
    for name, whole in found["whole"].items():
        np.testing.assert_array_equal(found["400"][name], whole)
