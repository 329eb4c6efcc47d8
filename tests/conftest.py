"""Every namespace that is installed; the ones that are not are skipped by name, and the reason is printed."""

from __future__ import annotations

import importlib.util
import os

# Both are read at import. scikit-learn's Array API checks need the first; Keras' own default is TensorFlow.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("KERAS_BACKEND", "jax")
# The same bits wherever MKL is installed and where it is not; tests of it turn it on.
os.environ["REGNET_MKL"] = "0"

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import array_api_strict
import hypothesis
import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from regnet import config_context
from regnet.backend.generic import GenericBackend
from regnet.backend.placement import Placement
from regnet.backend.protocol import BackendError
from regnet.backend.registry import get_backend

# Time limits, those of a health check too, would be limits of the machine; and every run draws the same examples.
hypothesis.settings.register_profile(
    "alike", deadline=None, derandomize=True, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("alike")

collect_ignore = ["faults/fuzz.py"]
"""It is run by hand: its fuzzer instruments what is imported after it."""

NAMESPACES = ("numpy", "strict", "strict-device1", "torch", "jax", "cupy")


def missing(name: str) -> str | None:
    """Why a namespace cannot be tested here, or None."""
    if name == "numpy" or name.startswith("strict"):
        return None
    try:
        get_backend(name)
    except BackendError as error:
        return f"{name}: {error}"
    if name == "jax":
        import jax

        if not jax.config.jax_enable_x64:
            return "jax: the tests compare in float64, which needs JAX_ENABLE_X64=1 (make test sets it)"
    return None


def placement(name: str, dtype: str = "float64") -> Placement:
    """Where arrays of a namespace live."""
    if name.startswith("strict"):
        device = array_api_strict.Device("device1" if name.endswith("device1") else "CPU_DEVICE")
        like = array_api_strict.asarray([0.0], device=device)
        return Placement(GenericBackend(like), device, dtype)
    backend = get_backend(name)
    return Placement(backend, backend.default_device(), dtype)


@pytest.fixture(autouse=True)
def _chance():
    """What draws from NumPy's global state does not depend on the tests before it."""
    np.random.seed(20261126)  # noqa: NPY002 (it is what an estimator without random_state draws from)


@pytest.fixture(autouse=True)
def _strictest():
    with array_api_strict.ArrayAPIStrictFlags(
        boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()
    ):
        yield


@pytest.fixture(params=[pytest.param(n, marks=pytest.mark.gpu if n == "cupy" else ()) for n in NAMESPACES])
def namespace(request: pytest.FixtureRequest) -> str:
    """The name of a namespace that is installed here."""
    reason = missing(request.param)
    if reason:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def fast(request: pytest.FixtureRequest) -> Iterator[bool]:
    """With numba's loops and without."""
    if request.param:
        need("numba")
    with config_context(fast=request.param):
        yield request.param


@lru_cache(maxsize=1)
def blas() -> ThreadpoolController:
    """NumPy's BLAS and SciPy's; looking for them takes milliseconds."""
    import scipy.linalg.cython_blas  # noqa: F401 (loads it)

    return ThreadpoolController().select(user_api="blas")


@pytest.fixture
def two_threads() -> Iterator[None]:
    """As many threads of BLAS, and so of the NumPy backend, whatever the processor has and the environment says."""
    with blas().limit(limits=2):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20261124)


def to_numpy(place: Placement, array: Any) -> Any:
    """Values on the host."""
    return place.backend.to_numpy(array)


def need(package: str) -> Any:
    """Import a package, or skip with the reason."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    return importlib.import_module(package)
