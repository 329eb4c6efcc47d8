"""Proximal gradient against scikit-learn and its own optimality conditions."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import placement, to_numpy
from sklearn.linear_model import Lasso

from regnet.arrays.namespace import array_namespace
from regnet.mathematics.penalties import group_prox, group_value, soft_threshold
from regnet.solvers.fista import fista


def quadratic(place, a, b):
    """1/2 |a w - b|^2 / n for every row w of the points."""
    a, b, n = place.put(a), place.put(b), len(b)

    def smooth(points):
        xp = array_namespace(points)
        rest = points @ xp.matrix_transpose(a) - b[None, :]
        return xp.sum(rest * rest, axis=-1) / (2 * n), rest @ a / n

    return smooth


def test_fista_finds_the_lasso(namespace, rng):
    """One stack over three strengths against coordinate descent: same zeros, same coefficients."""
    here = placement(namespace)
    a, w = rng.standard_normal((60, 12)), np.zeros(12)
    a[:, 1] = a[:, 0] + 0.1 * a[:, 1]
    w[:4] = [3.0, 0.0, -2.0, 1.0]
    b = a @ w + 0.3 * rng.standard_normal(60)
    l1 = here.put(np.array([[0.02], [0.2], [1.0]]))
    xp = array_namespace(l1)
    found = fista(
        quadratic(here, a, b),
        lambda x, s: soft_threshold(x, s * l1),
        lambda x: xp.sum(l1 * xp.abs(x), axis=-1),
        here.put(np.zeros((3, 12))),
        here,
        max_iter=5000,
        tol=1e-11,
    )
    assert (found.status == 0).all()
    assert (found.stationarity <= 1e-11).all()
    for k, strength in enumerate((0.02, 0.2, 1.0)):
        expected = Lasso(alpha=strength, fit_intercept=False, tol=1e-14, max_iter=10**5).fit(a, b).coef_
        got = to_numpy(here, found.point)[k]
        np.testing.assert_allclose(got, expected, atol=1e-8)
        assert ((got == 0) == (expected == 0)).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fista_in_other_units_takes_the_same_iterates(dtype, rng):
    """Columns in units of powers of two: solved in these units, every iterate is the same number in other units."""
    a, b = rng.standard_normal((40, 5)), rng.standard_normal(40)
    here, powers = placement("numpy", dtype), np.exp2([0.0, 30.0, -30.0, 12.0, -3.0]).astype(dtype)

    def run(units):
        l1 = np.asarray(0.05 / units, dtype=dtype)
        return fista(
            quadratic(here, a / units, b),
            lambda x, s: soft_threshold(x, s * l1),
            lambda x: (l1 * np.abs(x)).sum(-1),
            np.ones((1, 5), dtype) * units,
            here, max_iter=300, tol=1e-5, units=units[None, :],
        )  # fmt: skip

    plain, other = run(np.ones(5, dtype)), run(powers)
    assert plain.status[0] == other.status[0] == 0
    assert plain.iterations[0] == other.iterations[0]
    np.testing.assert_array_equal(other.point, plain.point * powers)


def test_fista_in_a_stack_has_the_bits_of_a_lone_run(rng):
    here, a, b = placement("numpy"), rng.standard_normal((40, 8)), rng.standard_normal(40)

    def run(strengths):
        l1 = np.asarray(strengths)[:, None]
        return fista(
            # One row at a time: a product's bits change with its number of rows, the solver's must not.
            lambda x: tuple(
                np.concatenate(part) for part in zip(*(quadratic(here, a, b)(r[None]) for r in x), strict=True)
            ),
            lambda x, s: soft_threshold(x, s * l1),
            lambda x: (l1 * np.abs(x)).sum(-1),
            np.zeros((len(l1), 8)),
            here,
            max_iter=400,
            tol=1e-9,
        )

    stack = run([0.001, 0.01, 0.1])
    assert len(set(stack.iterations)) > 1
    for k, strength in enumerate((0.001, 0.01, 0.1)):
        assert (run([strength]).point[0] == stack.point[k]).all()


def test_fista_on_groups_meets_the_optimality_conditions(rng):
    here, a = placement("numpy"), rng.standard_normal((50, 12))
    b = a[:, :3] @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.standard_normal(50)
    smooth, strength = quadratic(here, a, b), 0.15
    found = fista(
        smooth,
        lambda x, s: group_prox(x.reshape(-1, 4, 3), s[..., None] * strength).reshape(-1, 12),
        lambda x: group_value(x.reshape(-1, 4, 3), strength).reshape(-1),
        np.zeros((1, 12)),
        here,
        max_iter=5000,
        tol=1e-11,
    )
    w, grad = found.point.reshape(4, 3), smooth(found.point)[1].reshape(4, 3)
    norms = np.linalg.norm(w, axis=1)
    assert 0 < (norms == 0).sum() < 4
    for row, g, norm in zip(w, grad, norms, strict=True):
        if norm == 0:
            assert np.linalg.norm(g) <= strength + 1e-11
        else:
            np.testing.assert_allclose(g, -strength * row / norm, atol=1e-10)


def test_fista_never_rises_on_a_non_convex_function():
    """Sum of cos: every start ends in a valley, and the objective falls all the way."""
    here, values = placement("numpy"), []
    found = fista(
        lambda x: (np.cos(3 * x).sum(-1) + 0.05 * (x * x).sum(-1), -3 * np.sin(3 * x) + 0.1 * x),
        lambda x, s: soft_threshold(x, s * 0.2),
        lambda x: 0.2 * np.abs(x).sum(-1),
        np.array([[0.3, 2.0, -4.0]]),
        here,
        max_iter=2000,
        tol=1e-9,
        callback=lambda i, v: values.append(float(v[0])),
    )
    assert found.status[0] == 0
    assert (np.diff(values) <= 1e-12).all()
