"""Products in a processor's registers, on its own vector unit and on those of others."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from conftest import need


@pytest.fixture(autouse=True)
def _numba():
    need("numba")


def by_columns(rng, features, rows, dtype):
    """Values by columns, and how many rows they have with those that fill up the last line."""
    from regnet_numpy.buffers import aligned_empty
    from regnet_numpy.compiled.product_loops import whole_lines

    x = aligned_empty((features, int(whole_lines(rows))), np.dtype(dtype))
    x[:] = rng.integers(-4, 5, x.shape)
    return x


def check(rng):
    """Whole numbers, of which every sum is exact; what lies beside the asked features stays."""
    from regnet_numpy.compiled.product_loops import product, turn, weight_product

    for dtype in ("float32", "float64"):
        for rows in (1, 16, 60, 64, 200):
            for inputs, outputs in ((1, 1), (2, 5), (3, 4), (4, 9), (7, 16), (33, 6)):
                x, z = by_columns(rng, inputs, rows, dtype), by_columns(rng, outputs, rows, dtype)
                weight = rng.integers(-4, 5, (inputs, outputs)).astype(dtype)
                grad, first = np.full((inputs, outputs), np.nan, dtype), outputs // 2
                weight_product(x, z, grad)
                np.testing.assert_array_equal(grad, x @ z.T)
                before = z.copy()
                product(weight, True, x, z, first, outputs)
                np.testing.assert_array_equal(z[first:], weight[:, first:].T @ x)
                np.testing.assert_array_equal(z[:first], before[:first])
                product(weight, False, before, x, 0, inputs)
                np.testing.assert_array_equal(x, weight @ before)
                for kind in (dtype, "int64"):  # targets may be of another type
                    table = rng.integers(-99, 100, (rows, inputs)).astype(kind)
                    turn(table, x)
                    np.testing.assert_array_equal(x[:, :rows], table.T)
                    np.testing.assert_array_equal(x[:, rows:], np.repeat(table[-1:].T, x.shape[1] - rows, axis=1))


def test_products_and_transposes(rng):
    check(rng)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="processors of x86-64")
@pytest.mark.parametrize(("processor", "size"), [("haswell", 32), ("generic", 16)])
def test_other_vector_units(processor, size, tmp_path):
    """What this processor can do, too, of those that have shorter vectors and fewer of them."""
    features = "+avx,+avx2,+fma" if processor == "haswell" else ""
    code = f"""
import numpy as np
from numba.core.registry import cpu_target
from regnet_numpy.compiled.vector_blocks import _unit
assert _unit(cpu_target.target_context).bytes == {size}
from test_vector_blocks import check
check(np.random.default_rng(0))
"""
    environment = {
        **os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dropout_drops_the_same_of_copies(rng):
    from regnet_numpy.compiled.dropout_loops import drop
    from regnet_numpy.compiled.gradient_loops import Noise

    x, rows = np.ones((9, 32), "float32"), np.arange(50, 67, dtype="int32")
    drop(x, 0, Noise(np.uint32(5), rows, np.empty(32, "uint32")), 1, np.int64(0), np.float32(2))
    assert set(x.ravel()) == {0.0, 2.0}
    np.testing.assert_array_equal(x[:, 17:], np.repeat(x[:, 16:17], 15, axis=1))
    assert (x[:, :16] != x[:, 16:17]).any(axis=0).all()


@pytest.mark.parametrize("widths", [[3, 20, 2], [60, 70, 5, 2]], ids=["turned", "by BLAS"])
def test_memory_may_hold_anything_before(widths, rng, monkeypatch):
    from steps import BACKEND, close

    from regnet import Network
    from regnet.networks import kernels
    from regnet.networks.network import Rows
    from regnet_numpy.compiled import gradient

    memory_of = gradient.memory_of
    monkeypatch.setattr(gradient, "memory_of", lambda *args: np.full_like(memory_of(*args), np.nan))
    gradient._buffers._things.clear()
    network = Network.mlp(widths, loss="categorical_crossentropy", activation="tanh")
    point = rng.standard_normal((1, network.layout.size))
    x, y = rng.standard_normal((37, widths[0])), np.eye(2)[rng.integers(0, 2, 37)]
    rows = Rows(x, y, np.full((37, 1), 1 / 37), None)
    with BACKEND.session():
        got = gradient.compile_gradient(None)(BACKEND, network, rows, point, None)
    close(got, kernels.gradient(BACKEND, network, rows, point, None), "float64")
    gradient._buffers._things.clear()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_that_fill_a_tile_up_change_nothing(dtype, rng):
    """Neither a loss that is not finite for other values, nor gradients: they are copies that weigh nothing."""
    from steps import BACKEND

    from regnet import Network
    from regnet.networks import kernels
    from regnet.networks.network import Rows
    from regnet_numpy.compiled.gradient import compile_gradient

    def refuse(*args):
        raise AssertionError("went to the reference")

    network = Network.mlp([3, 60, 5, 2], loss="poisson", activation="leaky_relu")
    point = rng.uniform(0.0, 0.1, (1, network.layout.size)).astype(dtype)
    point[0, :180] -= 9000.0
    point[0, 180:240] = 9000.0  # beside inputs that add up to 1; a row of 0 would overflow
    for n in (1, 7, 17, 100):
        x = np.ones((n, 3), dtype) / 3
        rows = Rows(x, rng.poisson(2, (n, 2)).astype(dtype), rng.uniform(size=(n, 1)).astype(dtype) / n, None)
        with BACKEND.session():
            got = compile_gradient(refuse)(BACKEND, network, rows, point, None)
        expected = kernels.gradient(BACKEND, network, rows, point, None)
        for one, other in zip(got, expected, strict=True):  # of sums in which 9,000 cancels
            np.testing.assert_allclose(one, other, rtol=2e4 * np.finfo(dtype).eps, atol=2e4 * np.finfo(dtype).eps)
