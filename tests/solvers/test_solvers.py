"""Line search, L-BFGS and proximal gradient against SciPy, scikit-learn and their own optimality conditions."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import placement, to_numpy
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.linear_model import Lasso

from regnet.arrays.namespace import array_namespace
from regnet.mathematics.penalties import group_prox, group_value, soft_threshold
from regnet.solvers.fista import fista
from regnet.solvers.lbfgs import lbfgs
from regnet.solvers.line_search import Trial, line_search

CURVES = {
    "far": (lambda t: (t - 50.0) ** 2, lambda t: 2 * (t - 50.0), 1.0),
    "near": (lambda t: (t - 1e-3) ** 2, lambda t: 2 * (t - 1e-3), 1.0),
    "wiggly": (lambda t: -t - np.sin(5 * t) / 3 + t**4 / 50, lambda t: -1 - 5 * np.cos(5 * t) / 3 + 2 * t**3 / 25, 1.0),
    "more-thuente 1": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2, 1e3),
}


def drive(value, slope, first):
    """Run a search to its end: the last step, and whether it may be taken."""
    search = line_search(Trial(0.0, value(0.0), slope(0.0)), first)
    step = next(search)
    while True:
        try:
            step = search.send((value(step), slope(step)))
        except StopIteration as end:
            return step, end.value


@pytest.mark.parametrize("name", CURVES)
def test_line_search_ends_at_a_wolfe_point(name):
    value, slope, first = CURVES[name]
    step, accepted = drive(value, slope, first)
    assert accepted
    assert value(step) <= value(0.0) + 1e-3 * step * slope(0.0)
    assert abs(slope(step)) <= 0.9 * abs(slope(0.0))


def test_line_search_comes_back_from_infinity():
    """A function that falls to an edge and is infinite beyond: no point is flat, but the last one lies lower."""
    step, _ = drive(lambda t: -t if t < 2 else np.inf, lambda t: -1.0 if t < 2 else np.nan, 50.0)
    assert 0 < step <= 50
    assert drive(lambda t: (t - 1) ** 2 if t < 3 else np.inf, lambda t: 2 * (t - 1) if t < 3 else np.nan, 50.0)[1]


def rosenbrock(place, count):
    """The Rosenbrock function of every row, computed on the host: the solver itself runs on the device."""

    def value_and_grad(points):
        host = to_numpy(place, points)
        return place.put(np.array([rosen(p) for p in host])), place.put(np.array([rosen_der(p) for p in host]))

    return value_and_grad


def test_lbfgs_takes_scipys_iterates(rng):
    place = placement("numpy")
    starts = rng.standard_normal((5, 4))
    found = lbfgs(rosenbrock(place, 5), starts, place, max_iter=500, gtol=1e-7, ftol=1e-15)
    for k, start in enumerate(starts):
        theirs = minimize(
            rosen, start, jac=rosen_der, method="L-BFGS-B", options={"gtol": 1e-7, "ftol": 1e-15, "maxiter": 500}
        )
        assert (found.iterations[k], found.evaluations[k]) == (theirs.nit, theirs.nfev)
        assert (found.status[k], found.messages[k]) == (theirs.status, theirs.message)
        np.testing.assert_allclose(found.point[k], theirs.x, atol=1e-7)


def test_lbfgs_in_a_stack_has_the_bits_of_a_lone_run(rng):
    place = placement("numpy")
    starts = rng.standard_normal((4, 6)) * np.array([[0.1], [1.0], [3.0], [0.0]])
    stack = lbfgs(rosenbrock(place, 4), starts, place, max_iter=60)
    assert len(set(stack.iterations)) > 1
    for k in range(4):
        alone = lbfgs(rosenbrock(place, 1), starts[k : k + 1], place, max_iter=60)
        assert (stack.point[k] == alone.point[0]).all()
        assert (stack.iterations[k], stack.evaluations[k]) == (alone.iterations[0], alone.evaluations[0])


def test_lbfgs_on_every_namespace(namespace, rng):
    starts = rng.standard_normal((3, 4))
    here, numpy = placement(namespace), placement("numpy")
    found = lbfgs(rosenbrock(here, 3), here.put(starts), here, max_iter=12)
    expected = lbfgs(rosenbrock(numpy, 3), starts, numpy, max_iter=12)
    np.testing.assert_allclose(to_numpy(here, found.point), expected.point, atol=1e-9)
    assert (found.status == 1).all()
    assert "ITERATIONS REACHED LIMIT" in found.messages[0]


def test_lbfgs_limits(rng):
    place, start = placement("numpy"), rng.standard_normal((1, 4))
    limited = lbfgs(rosenbrock(place, 1), start, place, max_iter=500, max_fun=10)
    assert (limited.status[0], limited.evaluations[0] <= 12) == (1, True)
    seen = []
    lbfgs(rosenbrock(place, 1), start, place, max_iter=500, callback=lambda i, v: seen.append(i) or i == 4)
    assert seen == [1, 2, 3, 4]


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
