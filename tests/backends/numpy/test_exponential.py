"""numba's exponential of numbers that are not positive, against extended precision."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exponential(dtype):
    need("numba")
    from regnet_numpy.compiled.exponential import exponential

    low = -87.0 if dtype == "float32" else -700.0
    x = np.concatenate([np.linspace(low, 0.0, 10_001), [-1e-30, 0.0, np.nan, -1e4]]).astype(dtype)
    expected = np.exp(x.astype("longdouble"))
    exponential(x)
    error = np.abs(x - expected)[:-2] / expected[:-2] / np.finfo(dtype).eps
    assert float(error.max()) < 4.5
    assert np.isnan(x[-2])
    assert 0 <= x[-1] < 1e-37
