"""BLAS threads while NumPy trains and predicts."""

from __future__ import annotations

import pytest

from regnet import get_backend
from regnet_numpy.threads import blas_libraries

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_small_prediction_leaves_blas_as_it_is():
    backend = get_backend("numpy")
    before = [library["num_threads"] for library in blas_libraries()]
    with backend.session(elements=100):
        assert [library["num_threads"] for library in blas_libraries()] == before
    with backend.session(elements=100_000):
        assert {library["num_threads"] for library in blas_libraries()} == {1}
