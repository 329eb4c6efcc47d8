"""Penalties, proximal maps and residuals against independent minimisers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import reference
from conftest import placement, to_numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from regnet import Penalty
from regnet.mathematics import penalties
from regnet.networks.layout import Layout
from regnet.networks.regularizer import penalty_prox
from regnet.networks.strengths import Strengths


def brute_force(w, penalty):
    """argmin_u (u - w)^2 / 2 + penalty(u), by a fine grid around the minimum of a coarse one."""
    low, high = -5.0, 5.0
    for _ in range(12):
        grid = np.append(np.linspace(low, high, 2001), 0.0)
        best = grid[np.argmin((grid - w) ** 2 / 2 + penalty(grid))]
        width = (high - low) / 1000
        low, high = best - width, best + width
    return best


finite = st.floats(-4.0, 4.0)
strength = st.floats(0.0, 3.0)


@given(w=finite, s=st.floats(0.01, 2.0), l1=strength)
def test_prox_is_the_minimiser(w, s, l1):
    got = penalties.soft_threshold(np.asarray([[w]]), s * l1)
    assert got[0, 0] == pytest.approx(brute_force(w, lambda u: s * l1 * np.abs(u)), abs=1e-6)


def test_penalty_values_and_gradients(namespace, rng):
    place = placement(namespace)
    host = rng.standard_normal((4, 3))
    w = place.put(host)
    values = {
        "l1": (penalties.l1_value, penalties.l1_grad, lambda z: 0.3 * reference.c_abs(z).sum(), (0.3,)),
        "l2": (penalties.l2_value, penalties.l2_grad, lambda z: 0.7 * (z * z).sum(), (0.7,)),
    }
    for name, (value, grad, f, strengths) in values.items():
        assert to_numpy(place, value(w, *strengths))[0, 0] == pytest.approx(f(host + 0j).real, rel=1e-13), name
        assert reference.relative(to_numpy(place, grad(w, *strengths)), reference.complex_step(f, host)) <= 1e-12


def minimise(f, start):
    """A minimiser of a convex function of few variables by pattern search: no derivative, no formula."""
    best, width = np.asarray(start, dtype=float), 2.0
    moves = [np.asarray(m) for m in itertools.product((-1.0, 0.0, 1.0), repeat=best.size) if any(m)]
    while width > 1e-7:
        trials = [best, 0 * best, *(best + width * m for m in moves), *(best * (1 + width * s) for s in (-0.5, 0.5))]
        values = [f(trial) for trial in trials]
        k = int(np.argmin(values))
        best, width = (trials[k], width) if values[k] < values[0] else (best, width / 2)
    return best


@settings(max_examples=40)
@given(w=st.lists(finite, min_size=2, max_size=2), s=st.floats(0.1, 2.0), l1=strength, group=strength)
def test_group_prox_is_the_minimiser(w, s, l1, group):
    array = np.asarray([w, [5.0, -3.0]])
    layout = Layout(((2, 2),))
    strengths = Strengths(l1=np.full((1, 4), l1), group=(np.asarray([[group], [0.0]]),))
    got = penalty_prox(layout.pack([array]), np.full((1, 1), s), strengths, layout).reshape(2, 2)

    def objective(u):
        return ((u - w) ** 2).sum() / 2 + s * (l1 * np.abs(u).sum() + group * np.sqrt((u**2).sum()))

    assert objective(got[0]) <= objective(minimise(objective, w)) + 1e-9
    np.testing.assert_allclose(got[1], np.sign(array[1]) * np.maximum(np.abs(array[1]) - s * l1, 0), atol=1e-12)


def test_group_values_and_factors(namespace, rng):
    place = placement(namespace)
    host, factor = rng.standard_normal((4, 3)), np.asarray([[0.0], [1.0], [2.0], [0.5]])
    w, strength = place.put(host), place.put(0.3 * factor)
    assert to_numpy(place, penalties.group_value(w, strength))[0, 0] == pytest.approx(
        (0.3 * factor[:, 0] * np.linalg.norm(host, axis=1)).sum(), rel=1e-13
    )
    assert to_numpy(place, penalties.l1_value(w, strength))[0, 0] == pytest.approx((0.3 * factor * np.abs(host)).sum())
    assert to_numpy(place, penalties.l2_value(w, strength))[0, 0] == pytest.approx((0.3 * factor * host**2).sum())


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1e-25, "float32"), (1e25, "float32"), (1e-170, "float64"), (1e170, "float64")]
)
def test_groups_whose_squares_are_no_numbers(scale, dtype, namespace, rng):
    """Lengths by math.hypot: what is shorter than its threshold is 0, the rest is shortened by it; so is the value."""
    place = placement(namespace, dtype)
    host = (scale * rng.standard_normal((4, 3))).astype(dtype)
    host[3] = 0
    norms = np.array([math.hypot(*map(float, row)) for row in host])
    thresholds = (norms * [1.5, 0.25, 0, 0]).astype(dtype)
    got = to_numpy(place, penalties.group_prox(place.put(host), place.put(thresholds[:, None])))
    assert (got[[0, 3]] == 0).all()
    np.testing.assert_allclose(got[1:3], host[1:3] * [[0.75], [1]], rtol=1e-6)
    np.testing.assert_allclose(to_numpy(place, penalties.row_norms(place.put(host)))[:, 0], norms, rtol=1e-6)
    strength = place.put(np.asarray([[0.5], [1], [2], [3]], dtype))
    value = float(to_numpy(place, penalties.group_value(place.put(host), strength))[0, 0])
    assert value == pytest.approx(norms @ [0.5, 1, 2, 3], rel=1e-6, abs=0)
    direction = host[:3] / norms[:3, None]
    residual = penalties.sparse_group_residual(place.put(host[:3]), place.put(-direction), None, strength[:3, ...])
    np.testing.assert_allclose(to_numpy(place, residual), direction * [[-0.5], [0], [1]], atol=1e-6)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), l1=strength, group=strength)
def test_the_residual_vanishes_just_where_the_prox_stands_still(seed, l1, group):
    """W = prox(W - grad) means optimal; elsewhere the residual is the steepest slope, by differences."""
    rng = np.random.default_rng(seed)

    def prox(z):
        return penalties.group_prox(penalties.soft_threshold(z, l1), group)

    w = prox(2 * rng.standard_normal((3, 2)))
    still = 3 * rng.standard_normal((3, 2)) - w  # prox(w - grad) for grad = w - z, z drawn
    optimum = prox(w + still)
    residual = penalties.sparse_group_residual(optimum, optimum - (w + still), l1, group)
    np.testing.assert_allclose(residual, 0, atol=1e-12)

    grad = rng.standard_normal((3, 2))
    residual = penalties.sparse_group_residual(w, grad, l1, group)

    def along(direction, h=1e-7):
        def f(u):
            return (grad * u).sum() + l1 * np.abs(u).sum() + group * np.linalg.norm(u, axis=1).sum()

        return (f(w + h * direction) - f(w)) / h

    norm = np.linalg.norm(residual)
    if norm > 1e-3:
        assert along(-residual / norm) == pytest.approx(
            -norm, abs=1e-5 + 1e-6 * norm / max(np.abs(w[w != 0]).min(initial=1), 1e-3)
        )
        other = rng.standard_normal((3, 2))
        assert along(other / np.linalg.norm(other)) >= -norm - 1e-5


def test_the_subgradient_at_zero_is_zero():
    assert penalties.l1_grad(np.zeros((2, 2)), 0.5).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("make", [list, tuple, np.asarray, lambda found: np.asarray(found, dtype=">f8")])
def test_strengths_and_factors_of_any_container_are_the_same_penalty(make):
    given = Penalty(weight_l1=make([1e-3, 1e-2]), penalty_factor=make([1.0, 0.5, 2.0]))
    expected = Penalty(weight_l1=(1e-3, 1e-2), penalty_factor=(1.0, 0.5, 2.0))
    assert given == expected
    assert hash(given) == hash(expected)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"weight_l1": None}, TypeError, r"Penalty\(weight_l1=None\): give a number, or a list"),
        ({"weight_l1": "0.1"}, TypeError, r"Penalty\(weight_l1='0.1'\): give a number"),
        ({"weight_l2": [0.1, "x"]}, TypeError, "weight_l2 holds text"),
        ({"weight_l2": np.asarray([0.1, -1.0])}, ValueError, r"Penalty\(weight_l2=-1.0\): a strength must be a finite"),
        ({"group_l1": [[0.1]]}, ValueError, r"Penalty\(group_l1 of shape \(1, 1\)\): a strength must be"),
        ({"bias_l1": []}, ValueError, r"Penalty\(bias_l1 of shape \(0,\)\): a strength must be"),
        ({"bias_l2": np.nan}, ValueError, r"Penalty\(bias_l2=nan\): a strength must be"),
        ({"penalty_factor": [1.0, 1j]}, ValueError, "penalty_factor holds complex numbers"),
        (
            {"penalty_factor": np.ma.masked_greater([1.0, 2.0], 1.5)},
            ValueError,
            "penalty_factor is a masked array",
        ),
    ],
)
def test_what_is_no_strength_is_refused_by_name(given, error, said):
    with pytest.raises(error, match=said):
        Penalty(**given)
