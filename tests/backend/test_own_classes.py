"""Classes that are called like ours, or derived from ours, are computed as they are, on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import missing, need, placement

from regnet import Dense, Dropout, Network, Normal, Penalty, config_context
from regnet.arrays.reductions import sum_outputs
from regnet.mathematics.activations import Identity, LeakyRelu, Relu, Sigmoid, Tanh
from regnet.mathematics.initializers import GlorotNormal, GlorotUniform, HeNormal, HeUniform
from regnet.mathematics.losses import LOSSES, SquaredError
from regnet.mathematics.optimizers import OPTIMIZERS, SGD, Adam, Descent
from regnet.mathematics.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay
from regnet.networks.checkpoint import load, save
from regnet.networks.model import Model
from regnet.solvers.objective import Objective
from regnet.training.assembly import prepare
from regnet.training.step import make_run
from regnet_cupy.plan import LOSSES as KERNELS
from regnet_cupy.plan import plan_of


class Halving:
    """An activation."""

    def forward(self, z, /):
        return 0.5 * z + 0.1

    def backward(self, dy, y, /):
        return 0.5 * dy


class Threefold:
    """A loss."""

    def value_and_grad(self, outputs, targets, /):
        residual = outputs - targets
        return 1.5 * sum_outputs(residual * residual), 3.0 * residual

    def predict(self, outputs, /):
        return 2.0 * outputs


class Slow:
    """An optimizer."""

    def descend(self, point, grad, slots, t, learning_rate, pool=None, /):
        scale = 0.5 * learning_rate
        return Descent(point - scale * grad, scale, None, slots)


class Hyperbolic:
    """A schedule, of whole steps."""

    def factor(self, t, /):
        return 1.0 / (1.0 + t)


class Even:
    """An initializer."""

    def draw(self, rng, in_features, out_features, /):
        return np.linspace(-1.0, 1.0, in_features * out_features).reshape(in_features, out_features)


class Doubling:
    """A layer without parameters, where ours is Dropout."""

    def init(self, rng, /):
        return ()

    def forward(self, params, x, noise, /):
        return 2.0 * x, lambda dy, input_grad: (2.0 * dy if input_grad else None, ())


SCHEDULED = [Constant(0.1), InverseTime(0.1, 0.01), Exponential(0.1, 0.9), StepDecay(0.1, 0.9, 5), Cosine(0.1, 50)]
KINDS = {
    "activation": (Halving, [Relu(), LeakyRelu(), Identity(), Tanh(), Sigmoid()]),
    "loss": (Threefold, [SquaredError(), *(loss for name, loss in LOSSES.items() if name != "squared_error")]),
    "optimizer": (Slow, [Adam(0.1), SGD(0.1, momentum=0.5), *(kind(0.1) for kind in OPTIMIZERS if kind is not Adam)]),
    "schedule": (Hyperbolic, SCHEDULED),
    "initializer": (Even, [HeNormal(), HeUniform(), GlorotNormal(), GlorotUniform(), Normal()]),
    "layer": (Doubling, [Dropout(0.4)]),
}
CASES = [(kind, ours) for kind, (_, instances) in KINDS.items() for ours in instances]
FIRST = [(kind, instances[0]) for kind, (_, instances) in KINDS.items()]
RUNS = [(*case, name, 0) for name in ("numpy", "numba", "torch", "strict") for case in CASES]
RUNS += [(*case, name, (0, 1)) for name in ("numpy", "numba", "torch", "strict") for case in FIRST]
RUNS += [(*case, "jax", 0) for case in FIRST]  # which compiles for seconds


def instances_of(kind, ours):
    """By what is told from ours: a class of another name, one of the same name and module, and one derived from ours.

    All have what ours has, but for the methods of `KINDS`.
    """
    cls = type(ours)
    own = {name: method for name, method in vars(KINDS[kind][0]).items() if callable(method)}
    inherited = [item for base in reversed(cls.__mro__[:-1]) for item in vars(base).items()]
    body = {name: value for name, value in inherited if name not in ("__dict__", "__weakref__")} | own
    derived = {**own, "__module__": cls.__module__}
    made = {"other": type("Other", (), body), "same": type(cls.__name__, (), body)}
    made["derived"] = type(cls.__name__, (cls,), derived)
    return {name: _copy(one, ours) for name, one in made.items()}


def _copy(cls, ours):
    new = object.__new__(cls)
    new.__dict__.update(vars(ours))
    return new


def parts_of(kind, thing):
    """A network and an optimizer with something in its place."""
    own = {kind: thing}
    layers = [Dense(3, 6, own.get("activation", Relu()), own.get("initializer", HeNormal()))]
    layers += [thing] if kind == "layer" else []
    network = Network((*layers, Dense(6, 2)), own.get("loss", SquaredError()))
    return network, own.get("optimizer", Adam(own.get("schedule", 0.1)))


def data():
    rng = np.random.default_rng(20261126)
    classes = rng.integers(0, 2, 40)
    return rng.standard_normal((40, 3)), np.eye(2)[classes]


def numbers(name, network, optimizer, seed):
    """What training, the solvers' gradient and prediction make of them."""
    x, y = data()
    y = y + 1.0 if network.loss_object.kind == "positive" else y
    place = None if name == "numba" else placement(name)
    settings = {} if name == "strict" else {"backend": "numpy" if name == "numba" else name, "fast": name == "numba"}
    with config_context(dtype="float64", **settings):
        table = place.put(x) if name == "strict" else x
        problem = prepare(
            network, table, y, optimizer=optimizer, penalties=Penalty(weight_l2=1e-3), batch_size=None,
            sample_weight=None, validation_data=None, params=None, seed=seed,
        )  # fmt: skip
        backend = problem.placement.backend
        with backend.session(problem.placement.device):
            run = make_run(backend, network, optimizer)
            state = run(problem.state, problem.data, problem.hyper, 3)
            objective = Objective(network, problem.placement, problem.train, problem.hyper.strengths)
            value, grad = objective.smooth(state.point[..., 0, :] if state.point.ndim > 2 else state.point)
        model = Model(network, network.unpack(state.point), problem.placement)
        found = [np.asarray(backend.to_numpy(one)) for one in (state.point, state.loss, value, grad)]
        return [*found, np.asarray(backend.to_numpy(model.predict(table)) if name == "strict" else model.predict(x))]


@pytest.mark.parametrize(
    ("kind", "ours", "name", "seed"),
    RUNS,
    ids=[f"{kind}-{type(ours).__name__}-{name}-{seed}" for kind, ours, name, seed in RUNS],
)
def test_a_class_of_ones_own_is_computed_as_it_is(kind, ours, name, seed):
    """A network alone, and a stack of two (seeds)."""
    if name == "numba":
        need("numba")
    elif missing(name):
        pytest.skip(missing(name))
    made = {told: numbers(name, *parts_of(kind, one), seed) for told, one in instances_of(kind, ours).items()}
    for one in ("same", "derived"):
        for got, expected in zip(made[one], made["other"], strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
    plain = numbers(name, *parts_of(kind, ours), seed)
    assert not np.allclose(plain[-1], made["other"][-1], rtol=1e-3)


@pytest.mark.parametrize(("kind", "ours"), CASES, ids=[f"{kind}-{type(ours).__name__}" for kind, ours in CASES])
def test_cupys_kernels_know_ours_only(kind, ours):
    assert (plan_of(*parts_of(kind, ours)) is not None) == (kind != "loss" or type(ours) in KERNELS)
    plans = [plan_of(*parts_of(kind, one)) for one in instances_of(kind, ours).values()]
    assert plans.count(None) == (0 if kind == "initializer" else 3)


@pytest.mark.parametrize("name", ["numpy", "numba", "torch", "strict"])
def test_a_layer_derived_from_dense_is_computed_as_it_is(name):
    """One that doubles what ours gives, against the next layer's first weights twice as large and their rate four."""
    if name == "numba":
        need("numba")
    elif missing(name):
        pytest.skip(missing(name))

    def forward(self, params, x, noise, /):
        y, backward = Dense.forward(self, params, x, noise)
        return 2.0 * y, lambda dy, input_grad: backward(2.0 * dy, input_grad)

    derived = type("Dense", (Dense,), {"forward": forward, "__module__": Dense.__module__})
    networks = [
        Network((layer, Dense(6, 2)), "squared_error") for layer in (derived(3, 6, "relu"), Dense(3, 6, "relu"))
    ]
    networks.append(Network((Dense(3, 6, "relu"), KINDS["layer"][0](), Dense(6, 2)), "squared_error"))
    found, ours, expected = (numbers(name, network, Adam(0.1), 0) for network in networks)
    for got, same in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, same, rtol=1e-9, atol=1e-12)
    assert not np.allclose(found[-1], ours[-1], rtol=1e-3)
    assert plan_of(networks[0], Adam()) is None


@pytest.mark.parametrize("kind", ["activation", "loss", "initializer", "layer"])
def test_what_is_not_ours_is_not_saved_as_ours(kind, tmp_path):
    path, place = tmp_path / "model", placement("numpy")

    def model_of(thing):
        network, _ = parts_of(kind, thing)
        return Model(network, tuple(map(tuple, network.init(np.random.default_rng(0)))), place)

    for ours in KINDS[kind][1]:
        for thing in instances_of(kind, ours).values():
            with pytest.raises(TypeError, match=rf"{type(thing).__name__} cannot be saved: regnet saves its own"):
                save(path, model_of(thing))
        assert not path.exists()
        save(path, model_of(ours))
        assert load(path)[0].network == model_of(ours).network
        path.unlink()


def test_the_classes_above_are_told_from_ours_by_their_types_alone():
    for kind, ours in CASES:
        other, same, derived = instances_of(kind, ours).values()
        assert type(same).__name__ == type(derived).__name__ == type(ours).__name__ != type(other).__name__
        assert type(same).__module__ == type(derived).__module__ == type(ours).__module__
        assert vars(other) == vars(same) == vars(derived) == vars(ours)
        assert isinstance(derived, type(ours))
        assert not isinstance(same, type(ours))
