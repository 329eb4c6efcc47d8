"""The same training on every array library."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from conftest import missing, placement, to_numpy

from regnet import Adam, Network, Normal, Penalty, config_context, datasets, fit
from regnet.backend.generic import GenericBackend
from regnet.backend.placement import placement_of
from regnet.backend.protocol import BackendError
from regnet.training.assembly import prepare
from regnet.training.step import make_run, make_step

PENALTIES = [Penalty(weight_l1=1e-3, weight_l2=5e-4, bias_l2=5e-4), Penalty(weight_l1=1e-4, bias_l1=1e-4)]


def problem(name, dtype, *, dropout=0.0, batch_size=None):
    place = placement(name, dtype)
    x, y = datasets.spiral(samples=100)
    network = Network.mlp([2, 32, 3], loss="categorical_crossentropy", dropout=dropout)
    options = {
        "optimizer": Adam(learning_rate=0.02),
        "penalties": PENALTIES,
        "batch_size": batch_size,
        "sample_weight": None,
        "validation_data": None,
        "params": None,
        "seed": 3,
    }
    made = prepare(network, place.put(x.astype(dtype)), y, **options)
    assert made.placement.dtype == dtype
    return place, network, options["optimizer"], made


def after(name, dtype, steps, *, dropout=0.0):
    place, network, optimizer, made = problem(name, dtype, dropout=dropout)
    run = make_run(place.backend, network, optimizer)
    with place.backend.session(place.device):
        state = run(made.state, made.data, made.hyper, steps)
    return to_numpy(place, state.point), float(to_numpy(place, state.loss)[0, 0])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_twenty_float64_steps(namespace, dropout):
    got, _ = after(namespace, "float64", 20, dropout=dropout)
    expected, _ = after("numpy", "float64", 20, dropout=dropout)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


def test_one_float32_step(namespace):
    got, loss = after(namespace, "float32", 1)
    expected, expected_loss = after("numpy", "float32", 1)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_loss_after_200_float32_steps(namespace):
    _, loss = after(namespace, "float32", 200)
    assert loss == pytest.approx(after("numpy", "float32", 200)[1], rel=0.02)


def test_jax_eager_equals_jitted():
    place = placement_or_skip("jax")
    _, network, optimizer, made = problem("jax", "float64")
    step = make_step(place.backend, network, optimizer)
    state = made.state
    for _ in range(3):
        state = step(state, made.data, made.hyper)
    jitted, _ = after("jax", "float64", 3)
    np.testing.assert_allclose(to_numpy(place, state.point), jitted, rtol=1e-12, atol=1e-13)


def placement_or_skip(name):
    from conftest import missing

    if missing(name):
        pytest.skip(missing(name))
    return placement(name)


def test_strict_device_without_float64_trains_in_float32():
    device = array_api_strict.Device("no_float64")
    like = array_api_strict.asarray([0.0], dtype=array_api_strict.float32, device=device)
    x, y = datasets.spiral(samples=30)
    network = Network.mlp([2, 8, 3], loss="categorical_crossentropy", dropout=0.1)
    table = GenericBackend(like).asarray(x, dtype="float32")
    result = fit(network, table, y, penalties=PENALTIES, epochs=5, batch_size=20, progress=False)
    assert result.history[-1].data_loss < result.history[0].data_loss


def test_arrays_decide_and_stay_with_their_library(namespace):
    place = placement(namespace)
    x, y = datasets.spiral(samples=40)
    network = Network.mlp([2, 8, 3], loss="categorical_crossentropy", initializer=Normal())
    table = place.put(x)
    model = fit(network, table, y, epochs=3, batch_size=32, progress=False).model
    predicted = model.predict(table)
    assert type(predicted) is type(table)
    assert str(predicted.dtype).endswith("float64")
    host = model.predict(x)
    assert isinstance(host, np.ndarray)
    np.testing.assert_allclose(host, to_numpy(place, predicted), rtol=1e-6)


def test_arrays_of_two_libraries_are_refused():
    placement_or_skip("torch")
    x, y = datasets.spiral(samples=10)
    strict = array_api_strict.asarray(x)
    network = Network.mlp([2, 3], loss="categorical_crossentropy")
    with pytest.raises(TypeError, match="array_api_strict and torch"):
        fit(network, strict, placement("torch").put(y), progress=False)


def test_devices_that_do_not_exist_are_refused(namespace):
    place = placement(namespace)
    if namespace.startswith("strict"):
        pytest.skip("array-api-strict names its devices by objects")
    with pytest.raises(BackendError, match="no device 'moon'"):
        place.backend.asarray([[1.0]], dtype="float32", device="moon")


@pytest.mark.filterwarnings("ignore:The training loss ended:sklearn.exceptions.ConvergenceWarning")  # one epoch
@pytest.mark.parametrize("name", ["numpy", "torch", "jax", "strict"])
def test_integers_that_float32_would_round_are_computed_on_in_float64(name):
    if missing(name):
        pytest.skip(missing(name))
    here = placement(name)

    def dtype_of(values, dtype="int64"):
        array = here.backend.asarray(np.asarray(values, dtype=dtype), dtype=dtype, device=here.device)
        return placement_of(array, here.put([0.0])).dtype

    assert dtype_of([[2**24 + 1, 0]]) == dtype_of([[-(2**24) - 1]]) == dtype_of([[2**25]], "int32") == "float64"
    assert dtype_of([[2**24, 255]]) == dtype_of([[255]], "uint8") == "float32"
    with config_context(dtype="float32"):
        assert dtype_of([[2**40]]) == "float32"
    x = np.asarray([[2**25 + one] for one in range(4)])
    table = here.backend.asarray(x, dtype="int64", device=here.device)
    model = fit(Network.mlp([1, 1], loss="squared_error"), table, here.put(np.arange(4.0)), epochs=1, progress=False)
    weight = to_numpy(here, model.model.params[0].weight)[0, 0]
    np.testing.assert_allclose(np.diff(to_numpy(here, model.model.outputs(table))[:, 0]), weight, rtol=1e-6)
