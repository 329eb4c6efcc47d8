"""MKL for the products of compiled loops: where it is used, how it is set up, and that nobody else notices."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import need

from regnet import get_backend
from regnet_numpy import mkl
from regnet_numpy.mkl import mkl_library, mkl_version

needs_mkl = pytest.mark.skipif(mkl._installed() is None, reason="MKL is not installed (pip install mkl)")


def run(code, **environment):
    """What a process of its own prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REGNET_", "MKL_"))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


LIBRARIES = """
from threadpoolctl import threadpool_info
print(*[f"{i['internal_api']}:{i['num_threads']}" for i in threadpool_info() if i["user_api"] == "blas"])
"""

FIT = """
import numpy as np
from regnet import MLPRegressor
rng = np.random.default_rng(0)
X, W = (rng.standard_normal(shape).astype("float32") for shape in ((300, 500), (500, 20)))
fitted = MLPRegressor(hidden_layer_sizes=(50,), max_iter=5, tol=0, random_state=0).fit(X, X @ W)
print(fitted.coefs_[0].tobytes().hex())
"""


@needs_mkl
def test_it_has_one_thread_and_numpy_keeps_its_own():
    need("numba")
    before = run("import numpy, scipy.linalg" + LIBRARIES, OPENBLAS_NUM_THREADS="2", OMP_NUM_THREADS="2")
    _, *after = run(FIT + LIBRARIES, OPENBLAS_NUM_THREADS="2", OMP_NUM_THREADS="2")
    assert sorted(after) == sorted([*before, "mkl:1"])


@needs_mkl
def test_integers_have_the_size_that_loops_give_them():
    """Whatever the interface is that programs of MKL's own ask for, and however many threads."""
    need("numba")
    bits = run(FIT)
    assert bits == run(FIT, MKL_INTERFACE_LAYER="ILP64", MKL_THREADING_LAYER="INTEL", MKL_NUM_THREADS="2")
    assert bits != run(FIT, REGNET_MKL="0")


@needs_mkl
def test_bits_depend_on_shapes_only(monkeypatch):
    """As MKL says of itself: here they did not depend on addresses without it, but they may elsewhere."""
    monkeypatch.setenv("REGNET_MKL", "1")
    every_setting = -1
    assert mkl_library().MKL_CBWR_Get(every_setting) in (mkl.REPRODUCIBLE, mkl.REPRODUCIBLE | mkl.WHEREVER_ARRAYS_LIE)


@needs_mkl
def test_what_another_package_has_loaded_is_left_to_it():
    need("numba")
    load = "import ctypes; from regnet_numpy.mkl import _installed; ctypes.CDLL(str(_installed()))\n"
    told = "from regnet_numpy.mkl import mkl_version; print(mkl_version())"
    assert run(load + told) == ["None"]
    assert run(load + FIT) == run(FIT, REGNET_MKL="0")


@needs_mkl
def test_backends_name_it(monkeypatch):
    need("numba")
    monkeypatch.setenv("REGNET_MKL", "1")
    note = get_backend("numpy").describe().notes[-1]
    assert note.endswith(f", wide products by MKL {mkl_version()}")
    monkeypatch.setenv("REGNET_MKL", "0")
    assert mkl_version() is None
    assert "MKL" not in get_backend("numpy").describe().notes[-1]


def test_without_it_nothing_changes(monkeypatch):
    monkeypatch.setenv("REGNET_MKL", "1")
    mkl._loaded.cache_clear()
    monkeypatch.setattr(mkl, "_installed", lambda: None)
    assert mkl_library() is None
    assert mkl_version() is None
    mkl._loaded.cache_clear()


def test_a_broken_one_is_left_out(monkeypatch, tmp_path):
    (tmp_path / "libmkl_rt.so.3").write_bytes(b"no library")
    monkeypatch.setenv("REGNET_MKL", "1")
    monkeypatch.setattr(mkl, "_installed", lambda: tmp_path / "libmkl_rt.so.3")
    mkl._loaded.cache_clear()
    assert mkl_library() is None
    mkl._loaded.cache_clear()
