"""What L-BFGS and proximal gradient have in common: where they end."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import placement, to_numpy
from scipy.optimize import rosen, rosen_der

from regnet.solvers.fista import fista
from regnet.solvers.lbfgs import lbfgs


def rosenbrock(place, count):
    """The Rosenbrock function of every row, computed on the host: the solver itself runs on the device."""

    def value_and_grad(points):
        host = to_numpy(place, points)
        return place.put(np.array([rosen(p) for p in host])), place.put(np.array([rosen_der(p) for p in host]))

    return value_and_grad


BROKEN = {
    "value": lambda x: (x[:, 0] * np.nan, x),
    "infinite value": lambda x: (x[:, 0] * 0 + np.inf, x),
    "gradient": lambda x: ((x * x).sum(-1), x * np.nan),
    "infinite gradient": lambda x: ((x * x).sum(-1), x + np.inf),
}


def unpenalised(smooth, start, place, **options):
    """`fista` without a penalty, called as `lbfgs` is."""
    options = {"tol": options.pop("gtol", 1e-8), **options}
    return fista(smooth, lambda x, step: x, lambda x: np.zeros(len(x)), start, place, **options)


@pytest.mark.parametrize("solver", [lbfgs, unpenalised])
@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_not_finite_at_the_start_ends_there_and_its_neighbour_goes_on(solver, kind):
    def smooth(x):
        good, bad = ((x - 1.0) ** 2).sum(-1) / 2, BROKEN[kind](x)
        first = np.arange(len(x)) == 0
        return np.where(first, bad[0], good), np.where(first[:, None], bad[1], x - 1.0)

    found = solver(smooth, np.full((2, 3), 0.5), placement("numpy"), max_iter=50, gtol=1e-8)
    assert found.status.tolist() == [2, 0]
    assert found.messages[0] == "ABNORMAL: THE FUNCTION IS NOT FINITE AT THE START"
    assert np.isnan(found.value[0])
    np.testing.assert_array_equal(found.point[0], 0.5)
    np.testing.assert_allclose(found.point[1], 1.0, atol=1e-7)


@pytest.mark.parametrize("solver", [lbfgs, unpenalised])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_function_that_is_finite_at_its_start_only_ends(solver, scale):
    """Every step is too long, however short."""

    def lonely(x):
        return np.where((x == 1.0).all(-1), 1.0, np.inf), scale * x

    found = solver(lonely, np.ones((1, 3)), placement("numpy"), max_iter=9, gtol=1e-8)
    assert (found.status[0], found.iterations[0]) == (2, 0)
    assert found.evaluations[0] < 150
    assert (found.point == 1.0).all()


def test_fista_comes_back_from_where_nothing_is_finite():
    """The function c x - log x ends at 0, which steps from the right lead across; its minimum is 1 / c."""
    slope, outside = np.array([1.0, 5.0, 20.0]), []

    def barrier(x):
        outside.append(bool((x <= 0).any()))
        inside = np.where(x > 0, x, np.nan)
        return (slope * inside - np.log(inside)).sum(-1), slope - 1 / inside

    found = unpenalised(barrier, np.full((1, 3), 20.0), placement("numpy"), max_iter=5000, gtol=1e-9)
    assert any(outside)
    assert found.status[0] == 0
    np.testing.assert_allclose(found.point[0], 1 / slope, rtol=1e-8)


@pytest.mark.parametrize("answer", [17, "yes", 1, np.float64(2.0), [0]])
@pytest.mark.parametrize("solver", [lbfgs, unpenalised])
def test_only_true_ends_a_solver(solver, answer):
    place = placement("numpy")

    def run(last):
        seen = []
        start = np.array([[-1.2, 1.0]])
        found = solver(
            rosenbrock(place, 1), start, place, max_iter=9,
            callback=lambda i, v: seen.append(i) or (last if i == 3 else answer),
        )  # fmt: skip
        return seen, found.status[0]

    assert run(answer) == (list(range(1, 10)), 1)
    assert run(True) == run(np.True_) == ([1, 2, 3], 1)
