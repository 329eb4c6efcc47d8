"""What can be seen on a GPU only: graphs, cuBLAS, memory, and that data stay there."""

from __future__ import annotations

import logging
from functools import lru_cache

import numpy as np
import pytest
from conftest import missing, placement
from sklearn.datasets import load_breast_cancer
from steps import close, problem, repeat, same, state_of, strengths_of

from regnet import Adam, MLPClassifier, MLPClassifierCV, Network, Penalty, config_context, datasets, fit
from regnet.arrays.tree import leaves, tree_map
from regnet.backend.registry import get_backend
from regnet.mathematics.schedules import Cosine
from regnet.training.batches import batches_of
from regnet.training.step import Hyper
from regnet_cupy import run as cuda_run
from regnet_cupy.plan import plan_of

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(bool(missing("cupy")), reason=str(missing("cupy"))),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

SHAPES = [[2, 512, 3], [30, 64, 64, 10], [784, 256, 10], [40, 30], [20, 16, 40]]


@pytest.fixture
def cupy():
    return pytest.importorskip("cupy")


def moved(tree, cupy):
    return tree_map(cupy.asarray, tree)


def run_of(network, optimizer, cupy, **options):
    plan = plan_of(network, optimizer)
    assert plan is not None
    return cuda_run.GraphRun(cupy, plan, network.layout, optimizer.learning_rate, **options)


def made(widths, networks, dtype, rng, kind="all", batches=False):
    network = Network.mlp(widths, loss="categorical_crossentropy")
    point, data, rate = problem(network, networks, dtype, rng, rows=600)
    if batches:
        table = rng.permutation(600).astype("int32").reshape(4, 150)
        data = data._replace(batches=batches_of(data.weight, table))
    return network, point / 4, data, Hyper(rate, strengths_of(kind, network.layout, point, rng), None)


@pytest.mark.parametrize("batches", [False, True])
@pytest.mark.parametrize("networks", [None, 7])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_steps_are_the_references(widths, networks, batches, cupy, rng):
    """To 1e-12 of the largest parameter; the emulated kernels are compared in more ways in test_cuda.py."""
    network, point, data, hyper = made(widths, networks, "float64", rng, batches=batches)
    start, optimizer = state_of(Adam(0.01), point, True), Adam(0.01)
    expected = repeat(network, optimizer, start, data, hyper, 5)
    got = run_of(network, optimizer, cupy)(*(moved(one, cupy) for one in (start, data, hyper)), 5)
    close(tree_map(cupy.asnumpy, got), expected, "float64")


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_one_float32_step(widths, cupy, rng):
    network, point, data, hyper = made(widths, 3, "float32", rng)
    start, optimizer = state_of(Adam(0.01), point), Adam(0.01)
    expected = repeat(network, optimizer, start, data, hyper, 1)
    got = run_of(network, optimizer, cupy)(*(moved(one, cupy) for one in (start, data, hyper)), 1)
    for ours, others in zip(leaves(tree_map(cupy.asnumpy, got)), leaves(expected), strict=True):
        np.testing.assert_allclose(ours, others, atol=1e-5 * max(1.0, np.abs(others).max()))


@pytest.mark.parametrize("networks", [None, 5])
@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_a_hundred_captured_steps_are_launched_ones_bit_for_bit(widths, networks, cupy, rng, caplog):
    """A step that waited for the device, or allocated from the driver, could not be captured."""
    network, point, data, hyper = made(widths, networks, "float32", rng, batches=True)
    optimizer = Adam(Cosine(0.01, steps=90))
    if plan_of(network, optimizer).has_products and (reason := _no_cublas()):
        pytest.skip(f"wide networks are captured with nvmath's cuBLAS only: {reason}")
    start, results = state_of(optimizer, point, True), []
    cuda_run._say.cache_clear()
    with caplog.at_level(logging.WARNING, "regnet"):
        for capture in (True, False):
            run = run_of(network, optimizer, cupy, capture=capture)
            results.append(run(*(moved(one, cupy) for one in (start, data, hyper)), 100))
            if capture:
                assert [replay.captured for replay in run.replays] == [True], caplog.text
    same(*(tree_map(cupy.asnumpy, one) for one in results))


@lru_cache(maxsize=1)
def _no_cublas():
    """Why there is no cuBLAS by nvmath, or None."""
    try:
        from nvmath.bindings import cublas

        cublas.create()
    except Exception as error:  # not installed, or no library that it finds
        return f"{type(error).__name__}: {error}"
    return None


def test_ten_thousand_captured_steps_take_no_memory(cupy, rng):
    network, point, data, hyper = made([2, 512, 3], None, "float32", rng, kind="smooth")
    run = run_of(network, Adam(0.001), cupy)
    state, data, hyper = (moved(one, cupy) for one in (state_of(Adam(), point), data, hyper))
    state = run(state, data, hyper, 10)
    cupy.cuda.Device().synchronize()
    pool = cupy.get_default_memory_pool()
    before, free = pool.used_bytes(), cupy.cuda.runtime.memGetInfo()[0]
    for _ in range(10):
        state = run(state, data, hyper, 1000)
    cupy.cuda.Device().synchronize()
    assert pool.used_bytes() <= before + 2**12
    assert cupy.cuda.runtime.memGetInfo()[0] >= free - 2**26  # the driver's own lists of launches


ORIGIN = Network.mlp([2, 128, 3], loss="categorical_crossentropy")


def origins_run(backend, dtype, epochs, seeds, device=None):
    """The stack after so many epochs, and each network's accuracy; on the host."""
    x, y = datasets.spiral(samples=100)
    x = x.astype(dtype)
    with config_context(backend=backend, device=device, dtype=dtype):
        result = fit(
            ORIGIN, x, y, epochs=epochs, seed=range(seeds), optimizer=Adam(0.01), penalties=Penalty(weight_l2=5e-4),
            progress=False,
        )  # fmt: skip
        outputs = result.model.predict(x)  # on the host, as x is
    return leaves(result.model.numpy_params()), (outputs.argmax(-1) == y).mean(-1)


@pytest.mark.parametrize(("backend", "device"), [("cupy", None), ("torch", "cuda:0"), ("jax", "gpu:0")])
def test_the_origins_workload_goes_the_processors_way(backend, device):
    """In double precision, until the roundings of two hundred steps have grown; on every library's GPU."""
    if reason := missing(backend):
        pytest.skip(reason)
    if device not in (None, *get_backend(backend).describe().devices):
        pytest.skip(f"{backend} has no {device} here")
    ours, _ = origins_run(backend, "float64", 200, 4, device)
    theirs, _ = origins_run("numpy", "float64", 200, 4)
    for got, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


def test_the_origins_workload_ends_where_the_processor_ends():
    """In single precision each seed ends elsewhere, on two BLAS too; means of 32 are within three standard errors."""
    (_, ours), (_, theirs) = (origins_run(backend, "float32", 1000, 32) for backend in ("cupy", "numpy"))
    error = np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 32)
    assert error < 0.01
    assert abs(ours.mean() - theirs.mean()) <= 3 * error, (ours, theirs)


def test_an_estimator_leaves_the_data_where_they_are(cupy, monkeypatch):
    """What comes to the host is small: losses, scores, the final parameters."""
    here = placement("cupy", "float32")
    x, y = load_breast_cancer(return_X_y=True)
    table, labels = here.put(np.tile(x / x.max(axis=0), (20, 1))), here.put(np.tile(y, 20), "int64")
    sizes, original = [], type(here.backend).to_numpy
    monkeypatch.setattr(
        type(here.backend), "to_numpy", lambda self, array: sizes.append(array.size) or original(self, array)
    )
    model = MLPClassifier((8,), max_iter=5, random_state=0).fit(table, labels)
    assert max(sizes) <= len(labels)  # the labels' classes; a table would be thirty times that
    assert type(model.predict_proba(table)) is cupy.ndarray


def test_a_sweep_trains_all_networks_as_one_stack(rng):
    x = rng.standard_normal((200, 6))
    y = (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int)
    scores = []
    for backend in ("numpy", "cupy"):
        with config_context(backend=backend, dtype="float64"):
            search = MLPClassifierCV(
                (8,), penalty="weight_l2", warm_start=False, lambdas=(1e-3, 1e-2, 1e-1), cv=3, max_iter=20,
                batch_size=32, random_state=0, refit=False,
            )  # fmt: skip
            scores.append(search.fit(x, y).cv_scores_)
    np.testing.assert_allclose(*scores, rtol=1e-8)


def test_too_little_memory_names_estimate_and_remedy(cupy):
    here = placement("cupy", "float32")
    with pytest.raises(MemoryError, match=r"does not suffice .* GiB are free.*batch_size"), here.backend.session():
        cupy.empty(2**50, "uint8")
    pool, limit = cupy.get_default_memory_pool(), cupy.get_default_memory_pool().get_limit()
    x = cupy.ones(
        (60_000, 20), "float32"
    )  # a step's own arrays take a GiB, an evaluation's block less than half of one
    y = cupy.arange(60_000) % 2
    try:
        pool.free_all_blocks()
        pool.set_limit(size=pool.used_bytes() + 2**29)
        with pytest.raises(MemoryError, match=r"takes about .* GiB on the GPU .* smaller batch_size"):
            MLPClassifier((4096,), batch_size=60_000, max_iter=1).fit(x, y)
    finally:
        pool.set_limit(size=limit)
