"""BLAS threads while NumPy trains and predicts."""

from __future__ import annotations

import pytest

from regnet import get_backend
from regnet_numpy.threads import blas_libraries

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_small_prediction_leaves_blas_as_it_is(two_threads):
    backend = get_backend("numpy")
    with backend.session(elements=100):
        assert {library["num_threads"] for library in blas_libraries()} == {2}
    with backend.session(elements=100_000):
        assert {library["num_threads"] for library in blas_libraries()} == {1}
