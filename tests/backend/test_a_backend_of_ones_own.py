"""What it takes to write a backend, and that each of its kernels is asked."""

from __future__ import annotations

import pickle

import array_api_strict
import numpy as np
import pytest
from conftest import placement

from regnet import Adam, Network, Penalty, config_context, datasets, fit
from regnet.arrays.namespace import root_module
from regnet.backend.protocol import Backend, BackendInfo
from regnet.backend.registry import backend_classes, get_backend
from regnet.mathematics.schedules import Constant, InverseTime
from regnet.networks.kernels import REFERENCE, kernels_of
from regnet.networks.model import Model
from regnet.solvers.objective import Objective
from regnet.training.assembly import prepare
from regnet.training.step import make_run

NETWORK = Network.mlp([2, 8, 3], loss="categorical_crossentropy")


class PlainBackend(Backend):
    """All that a library without a speed of its own needs."""

    name = "plain"

    @staticmethod
    def owns(array, /):
        return root_module(array) == "array_api_strict"

    def asarray(self, host, /, *, dtype, device=None):
        host = host if self.owns(host) else np.asarray(host, dtype=dtype)
        return array_api_strict.asarray(host, dtype=getattr(array_api_strict, dtype))

    def to_numpy(self, array, /):
        return np.asarray(array)

    def describe(self):
        return BackendInfo(array_api_strict.__version__, ("cpu",))


def test_a_plain_library_trains_after_a_few_lines(monkeypatch):
    """By its name, on host data, as on the generic backend, with dropout and penalties."""
    monkeypatch.setitem(backend_classes(), "plain", PlainBackend)
    x, y = datasets.spiral(samples=20)
    x = x.astype("float64")
    network = Network.mlp([2, 8, 3], loss="categorical_crossentropy", dropout=0.1)
    given = {"penalties": [Penalty(weight_l1=1e-3), Penalty()], "epochs": 3, "batch_size": 25, "progress": False}
    with config_context(backend="plain", dtype="float64"):
        assert get_backend() is get_backend("plain")
        model = fit(network, x, y, **given).model
    assert isinstance(model.placement.backend, PlainBackend)
    assert type(model.params[0].weight) is type(array_api_strict.asarray(0.0))
    generic = fit(network, placement("strict").put(x), y, **given).model
    np.testing.assert_array_equal(model.outputs(x), generic.outputs(x))


def test_a_backend_without_what_every_backend_says_cannot_be_made():
    class Mute(Backend):
        name = "mute"

    with pytest.raises(TypeError, match=r"abstract methods? '?asarray'?, '?describe'?, '?owns'?, '?to_numpy'?"):
        Mute()


def test_a_backend_arrives_as_itself_in_another_process():
    assert type(pickle.loads(pickle.dumps(PlainBackend()))) is PlainBackend


def trained(name):
    """Four steps, then outputs, then the objective's gradient: (what, its numbers), one after another."""
    x, y = datasets.spiral(samples=20)
    x = x.astype("float64")
    with config_context(backend=name, dtype="float64"):
        problem = prepare(
            NETWORK, x, y, optimizer=Adam(0.01), penalties=Penalty(weight_l2=1e-3), batch_size=None,
            sample_weight=None, validation_data=None, params=None, seed=0,
        )  # fmt: skip
    run = make_run(problem.placement.backend, NETWORK, Adam(0.01))
    state = run(problem.state, problem.data, problem.hyper, 4)
    yield "train", np.asarray(state.point)
    yield "predict", np.asarray(Model(NETWORK, NETWORK.unpack(state.point), problem.placement).outputs(x))
    objective = Objective(NETWORK, problem.placement, problem.train, problem.hyper.strengths)
    yield "solve", np.asarray(objective.smooth(state.point)[1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gradient", {"train": 4, "predict": 0, "solve": 1}),
        ("update", {"train": 4, "predict": 0, "solve": 0}),
        ("run", {"train": 1, "predict": 0, "solve": 0}),
        ("predict", {"train": 0, "predict": 1, "solve": 0}),
    ],
)
def test_every_kernel_that_a_backend_has_is_asked(name, expected, monkeypatch):
    """Each alone, wherever regnet comes to what it computes; the reference's numbers, since it hands on."""
    calls = []

    class Counting(PlainBackend):
        def kernels(self, reference, /):
            def count(*args):
                calls.append(name)
                return getattr(reference, name)(*args)

            return reference._replace(**{name: count})

    monkeypatch.setitem(backend_classes(), "plain", PlainBackend)
    monkeypatch.setitem(backend_classes(), f"counting {name}", Counting)
    counts = {}
    for (what, own), (_, plain) in zip(trained(f"counting {name}"), trained("plain"), strict=True):
        counts[what] = len(calls) - sum(counts.values())
        np.testing.assert_array_equal(own, plain)
    assert counts == expected


def test_all_kernels_are_tested():
    assert set(REFERENCE._fields) == {"gradient", "update", "run", "predict"}


def test_a_backend_is_asked_once_for_each_setting_of_fast():
    asked = []

    class Asked(PlainBackend):
        def kernels(self, reference, /):
            asked.append(reference)
            return reference

    backend = Asked()
    assert kernels_of(backend) is kernels_of(backend) is REFERENCE
    with config_context(fast=False):
        kernels_of(backend)
    kernels_of(backend)
    assert len(asked) == 2


def test_fits_at_other_constant_rates_share_their_step():
    """Which is what a backend compiles; a rate that changes over time is part of a step."""
    steps = []

    class Noting(PlainBackend):
        def kernels(self, reference, /):
            def run(backend, network, optimizer, step):
                steps.append(step)
                return reference.run(backend, network, optimizer, step)

            return reference._replace(run=run)

    backend = Noting()
    for rate in (0.1, 0.2, Constant(0.3), [0.1, 0.2], InverseTime(0.1, 1e-3)):
        make_run(backend, NETWORK, Adam(rate))
    make_run(backend, NETWORK, Adam(0.1, beta1=0.5))
    assert len(set(steps[:4])) == 1
    assert len(set(steps)) == 3
