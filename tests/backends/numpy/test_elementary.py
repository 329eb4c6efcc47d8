"""exp, log, log1p and tanh of the loops against extended precision."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need

SPECIAL = np.asarray([np.nan, np.inf, -np.inf, 0.0, 1e-30, 1000.0, -1000.0])
FUNCTIONS = {
    "exponential": (np.exp, {"float32": (-87.0, 88.7), "float64": (-708.0, 709.7)}, 1.5),
    "hyperbolic_tangent": (np.tanh, {"float32": (-12.0, 12.0), "float64": (-25.0, 25.0)}, 4.0),
    "logarithm": (np.log, {"float32": (1e-30, 1e30), "float64": (1e-300, 1e300)}, 1.0),
    "logarithm_1p": (np.log1p, {"float32": (0.0, 1e30), "float64": (0.0, 1e300)}, 2.0),
}


@pytest.fixture(autouse=True)
def _numba():
    need("numba")


def loop_of(name):
    """Whole arrays through the function, in a loop of vectors as the loops have it."""
    import numba

    from regnet_numpy.compiled import elementary
    from regnet_numpy.compiled.jit import wide_loop

    function = getattr(elementary, name)

    @numba.njit(error_model="numpy")
    def apply(values):
        wide_loop()
        for i in range(values.shape[0]):
            values[i] = function(values[i])

    return apply


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_to_the_last_digits(name, dtype):
    exact, ranges, units = FUNCTIONS[name]
    low, high = ranges[dtype]
    near = np.geomspace(1e-12, min(high, 50.0), 50_001)
    spread = np.linspace(low, high, 50_001) if low < 0 else np.geomspace(max(low, 1e-12), high, 50_001)
    x = np.concatenate([spread, near, -near if low < 0 else near]).astype(dtype)
    expected = exact(x.astype("longdouble"))
    loop_of(name)(x)
    error = np.abs(x - expected) / np.spacing(np.abs(expected).astype(dtype))
    assert float(error.max()) < units


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, dtype):
    """In whole vectors, and in what is left over."""
    x = np.tile(SPECIAL[:-1] if name == "logarithm_1p" else SPECIAL, 23).astype(dtype)  # of x >= 0
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name][0](x)
    loop_of(name)(x)
    np.testing.assert_allclose(x, expected, rtol=4 * np.finfo(dtype).eps)
