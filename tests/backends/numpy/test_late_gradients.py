"""Wide layers' gradients by weights that come after all tiles have theirs by values: the reference's steps."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pytest
from conftest import need
from steps import BACKEND, close, problem, repeat, same, state_of, strengths_of

from regnet import Adam, Network
from regnet.arrays.tree import tree_map
from regnet.training.batches import batches_of
from regnet.training.step import Hyper
from regnet_numpy.mkl import mkl_library

pytestmark = pytest.mark.usefixtures("two_threads")

ADAM = Adam(0.01, epsilon=0.1)


@pytest.fixture(autouse=True)
def _numba():
    need("numba")


@pytest.fixture
def blas(request, monkeypatch):
    if request.param == "mkl":
        monkeypatch.setenv("REGNET_MKL", "1")
        if mkl_library() is None:
            pytest.skip("MKL is not installed (pip install mkl)")


on_both = pytest.mark.parametrize("blas", ["scipy", "mkl"], indirect=True)


def run_of(network):
    from regnet_numpy.compiled.run import compile_run

    def refuse(*args):
        raise AssertionError("went to the reference")

    consuming = compile_run(lambda *args: refuse)(BACKEND, network, ADAM, None)
    return lambda state, *args: consuming(tree_map(np.copy, state), *args)


def is_late(network, rows):
    from regnet_numpy.compiled.gradient import rows_of_a_tile
    from regnet_numpy.compiled.plan import plan
    from regnet_numpy.compiled.tasks import comes_late

    found = plan(network, np.dtype("float64"))
    return comes_late(network, found, rows_of_a_tile(network, found, rows))


@pytest.mark.parametrize(
    ("kind", "blas"), [*product(["none", "smooth", "l1", "group", "all"], ["scipy"]), ("all", "mkl")], indirect=["blas"]
)
@pytest.mark.parametrize("batches", [False, True], ids=["all rows", "batches"])
@pytest.mark.parametrize(
    "widths",
    [[300, 220, 3], [300, 220, 30, 90, 2], [5, 420, 300, 4], [900, 100, 3]],
    ids=lambda widths: "-".join(map(str, widths)),
)
def test_steps(widths, batches, kind, blas, rng):
    """The first layer wide, several ones, one between narrow ones, more inputs than memory has features for.

    One tile and three; groups in more than a part.
    """
    dropout = 0.3 * (kind in ("smooth", "all"))
    network = Network.mlp(widths, loss="squared_error", activation="tanh", dropout=dropout)
    rows = 150
    assert is_late(network, 50 if batches else rows)
    point, data, rate = problem(network, 2, "float64", rng, rows=rows)
    point *= 0.1
    data = data._replace(number=np.arange(50 if batches else rows, dtype="int32")[:, None])
    if batches:
        data = data._replace(batches=batches_of(data.weight, rng.permutation(rows).reshape(3, 50).astype("int32")))
    seed = np.asarray([3, -5], "int32").reshape(2, 1, 1) if dropout else None
    hyper, run = Hyper(rate, strengths_of(kind, network.layout, point, rng), seed), run_of(network)
    state = state_of(ADAM, point, running=True)
    with BACKEND.session():
        stack = run(state, data, hyper, 4)
        close(stack, repeat(network, ADAM, state, data, hyper, 4), "float64")
        for k in range(2):  # over the threads, and alone
            part = partial(tree_map, lambda leaf, k=k: leaf[k] if leaf.ndim > 2 else leaf)
            same(run(part(state), data, part(hyper), 4), part(stack))


@on_both
def test_tiles_that_are_kept_in_several_rounds(blas, monkeypatch, rng):
    """The bits of one round."""
    from regnet_numpy.compiled import run as compiled_run

    network = Network.mlp([300, 220, 3], loss="squared_error")
    assert is_late(network, 150)
    point, data, rate = problem(network, None, "float32", rng, rows=150)
    hyper, run = Hyper(rate, strengths_of("group", network.layout, point, rng), None), run_of(network)
    state = state_of(ADAM, point)
    with BACKEND.session():
        expected = run(state, data, hyper, 3)
        monkeypatch.setattr(compiled_run, "LATE_ELEMENTS", 1)
        same(run(state, data, hyper, 3), expected)


def test_few_weights_for_their_rows_come_at_once():
    """Where a tile's values are more than the weights, and where nobody shares them."""
    assert not is_late(Network.mlp([784, 1024, 10], loss="squared_error"), 4096)
    assert not is_late(Network.mlp([100, 100, 3], loss="squared_error"), 20)
    assert not is_late(Network.mlp([2, 40_000, 3], loss="squared_error"), 20)  # narrow


@on_both
def test_products_of_parts_of_arrays(blas, rng):
    """Every combination of factors that are turned, parts of wider arrays, of one row, and sums."""
    import numba

    from regnet_numpy.compiled.blas_product import blas_address, multiply

    @numba.njit
    def apply(address, a, a_turned, b, b_turned, c, add):
        multiply(address, a, a_turned, b, b_turned, c, add)

    for dtype in ("float32", "float64"):
        for rows, shared, columns in ((5, 7, 3), (1, 4, 6), (6, 1, 1)):
            for a_turned in (False, True):
                for b_turned in (False, True):
                    a = rng.standard_normal((9, 9)).astype(dtype)
                    a = a[:shared, 1 : rows + 1] if a_turned else a[:rows, 1 : shared + 1]
                    b = rng.standard_normal((9, 9)).astype(dtype)
                    b = b[:columns, :shared] if b_turned else b[:shared, :columns]
                    table = rng.standard_normal((rows, columns + 2)).astype(dtype)
                    product, before = (a.T if a_turned else a) @ (b.T if b_turned else b), table.copy()
                    address = blas_address(np.dtype(dtype))
                    apply(address, a, a_turned, b, b_turned, table[:, :columns], False)
                    np.testing.assert_allclose(table[:, :columns], product, rtol=1e-5, atol=1e-5)
                    apply(address, a, a_turned, b, b_turned, table[:, :columns], True)
                    np.testing.assert_allclose(table[:, :columns], 2 * product, rtol=1e-5, atol=1e-5)
                    np.testing.assert_array_equal(table[:, columns:], before[:, columns:])


def test_products_of_arrays_of_two_types_are_refused():
    import numba

    from regnet_numpy.compiled.blas_product import blas_address, multiply

    @numba.njit
    def apply(address, a, b, c):
        multiply(address, a, False, b, False, c, False)

    one, other = np.ones((2, 2)), np.ones((2, 2), "float32")
    with pytest.raises(numba.TypingError):
        apply(blas_address(one.dtype), one, other, one)
