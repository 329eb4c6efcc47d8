"""Losses against their definition and complex steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from conftest import placement, to_numpy
from sklearn._loss.loss import HalfTweedieLoss, PinballLoss
from sklearn.metrics import mean_pinball_loss, mean_tweedie_deviance

from regnet.mathematics.locations import huber_location, weighted_quantile
from regnet.mathematics.losses import LOSSES, Huber, Quantile, Quantiles, Tweedie, get_loss
from regnet.mathematics.weighting import weight_shares


@pytest.mark.parametrize("name", LOSSES)
def test_loss_value_and_gradient(name, namespace, rng):
    place = placement(namespace)
    z, y = rng.standard_normal((6, 3)), reference.targets(rng, name, 6, 3)
    value, grad = get_loss(name).value_and_grad(place.put(z), place.put(y))
    np.testing.assert_allclose(to_numpy(place, value)[:, 0], reference.LOSSES[name](z + 0j, y).real, rtol=1e-13)
    expected = reference.complex_step(lambda c: reference.LOSSES[name](c, y).sum(), z)
    assert reference.relative(to_numpy(place, grad), expected) <= 1e-12


@pytest.mark.parametrize("loss", [Quantile(0.1), Quantile(0.9), Tweedie(1.05), Tweedie(1.95)], ids=repr)
def test_losses_with_a_parameter(loss, namespace, rng):
    """Against scikit-learn's own; its deviances are not halved."""
    place = placement(namespace)
    z, y = rng.standard_normal((40, 1)), rng.poisson(1.0, (40, 1)).astype(float)
    value, grad = loss.value_and_grad(place.put(z), place.put(y))
    if type(loss) is Quantile:
        theirs: Any = PinballLoss(quantile=loss.level)
        mean = mean_pinball_loss(y, z, alpha=loss.level)
    else:
        theirs = HalfTweedieLoss(power=loss.power)
        mean = mean_tweedie_deviance(y[:, 0], np.exp(z[:, 0]), power=loss.power) / 2
    np.testing.assert_allclose(to_numpy(place, grad)[:, 0], theirs.gradient(y[:, 0], z[:, 0]), rtol=1e-12, atol=1e-14)
    assert to_numpy(place, value).mean() == pytest.approx(mean, rel=1e-12)


def test_a_deviance_is_0_where_it_is_right_and_grows_on_both_sides(rng):
    y = rng.gamma(2.0, 3.0, (30, 1))
    for name in ("poisson", "gamma", "tweedie"):
        loss = get_loss(name)
        exact, slope = loss.value_and_grad(np.log(y), y)
        np.testing.assert_allclose(exact, 0.0, atol=1e-14 * np.abs(y).max())
        np.testing.assert_allclose(slope, 0.0, atol=1e-14 * np.abs(y).max())
        for step in (-0.3, 0.3):
            value, slope = loss.value_and_grad(np.log(y) + step, y)
            assert (value > 0).all()
            assert (np.sign(slope) == np.sign(step)).all()


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
def test_a_quantile_is_what_minimises_its_loss(level, rng):
    y = np.sort(rng.standard_normal(101))[:, None]
    values = [Quantile(level).value_and_grad(np.full_like(y, guess), y)[0].mean() for guess in y[:, 0]]
    assert y[int(np.argmin(values)), 0] == np.quantile(y, level, method="inverted_cdf")
    np.testing.assert_array_equal(Quantile(level).value_and_grad(y, y)[1], 0.0)


@pytest.mark.parametrize(("kind", "parameter"), [(Quantile, 0.0), (Quantile, 1.0), (Tweedie, 1.0), (Tweedie, 2.5)])
def test_parameters_without_a_loss_are_refused(kind, parameter):
    with pytest.raises(ValueError, match=r"\((level|power)=.*must be above"):
        kind(parameter)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "binary_crossentropy"])
def test_cross_entropies_do_not_overflow(name):
    z, y = np.array([[800.0, -800.0], [-800.0, 800.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    value, grad = get_loss(name).value_and_grad(z, y)
    assert np.isfinite(value).all()
    assert np.isfinite(grad).all()
    assert value[0, 0] == pytest.approx(0.0)
    assert value[1, 0] == pytest.approx(1600.0)


def test_predictions_are_the_output_functions(rng):
    z = rng.standard_normal((4, 3))
    np.testing.assert_allclose(
        get_loss("categorical_crossentropy").predict(z), np.exp(z) / np.exp(z).sum(1, keepdims=True), rtol=1e-14
    )
    np.testing.assert_allclose(get_loss("binary_crossentropy").predict(z), 1 / (1 + np.exp(-z)), rtol=1e-14)
    for name in ("poisson", "gamma", "tweedie"):
        np.testing.assert_allclose(get_loss(name).predict(z), np.exp(z), rtol=1e-14)
    for name in ("squared_error", "absolute_error", "huber", "quantile"):
        assert (get_loss(name).predict(z) == z).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy"])
def test_the_loss_of_a_sure_row_is_small_but_not_0(loss, dtype, namespace):
    place = placement(namespace, dtype)
    z, y, expected = reference.sure_rows(loss)
    got, _ = get_loss(loss).value_and_grad(place.put(z), place.put(y))
    assert (expected > 0).all()
    np.testing.assert_allclose(to_numpy(place, got)[:, 0], expected, rtol=1e-6 if dtype == "float32" else 1e-14)


CONSTANTS = [LOSSES[name] for name in ("squared_error", "absolute_error", "huber", "poisson", "gamma", "tweedie")]


@pytest.mark.parametrize("loss", [*CONSTANTS, Quantile(0.9), Quantile(0.2), Huber(0.3)], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_no_other_constant_has_a_smaller_loss(loss, weighted, rng):
    y = rng.gamma(2.0, 1.0, (31, 2))
    y[:4, 1] = y[4, 1]
    share = weight_shares(rng.integers(0, 4, 31) if weighted else np.ones(31))

    def mean_loss(constants):
        """By column of y, for constants (..., 2)."""
        outputs = np.broadcast_to(constants[..., None, :], (*constants.shape[:-1], *y.shape))
        columns = (loss.value_and_grad(outputs[..., [k]], y[:, [k]])[0][..., 0] @ share for k in (0, 1))
        return np.stack(list(columns), axis=-1)

    best = loss.constant(y, share)
    others = np.concatenate([best + step * np.linspace(-1, 1, 201)[:, None] for step in (2.0, 1e-3)])
    assert best.shape == (2,)
    assert (mean_loss(best) <= mean_loss(others) * (1 + 1e-14)).all()


def test_the_location_of_huber_s_loss_is_where_its_slope_is_0(rng):
    y, share = rng.standard_t(2, (200, 3)), weight_shares(rng.random(200))
    for delta in (1e-3, 0.5, 100.0):
        _, slope = Huber(delta).value_and_grad(np.broadcast_to(huber_location(y, share, delta), y.shape), y)
        np.testing.assert_allclose(share @ slope, 0.0, atol=1e-14 * min(delta, np.abs(y).max()) * 100)
    np.testing.assert_allclose(huber_location(y, share, 1e6), share @ y, rtol=1e-9)


def test_the_constant_of_counts_that_are_all_0_has_no_logarithm():
    assert get_loss("poisson").constant(np.zeros((3, 1)), np.full(3, 1 / 3)).tolist() == [-np.inf]


def test_a_quantile_counts_rows_of_weight_0_as_absent():
    values, share = np.array([[9.0], [1.0], [2.0], [3.0]]), np.array([0.0, 0.25, 0.25, 0.5])
    assert [weighted_quantile(values, share, level).tolist() for level in (0.2, 0.5, 0.6, 1.0)] == [[1], [2], [3], [3]]


def test_several_quantiles_are_each_its_own(namespace, rng):
    place, levels = placement(namespace), (0.1, 0.4, 0.9)
    z, y = rng.standard_normal((30, 3)), np.repeat(rng.standard_normal((30, 1)), 3, axis=1)
    z[0] = y[0]
    value, grad = Quantiles(levels).value_and_grad(place.put(z), place.put(y))
    parts = [Quantile(level).value_and_grad(z[:, [k]], y[:, [k]]) for k, level in enumerate(levels)]
    np.testing.assert_allclose(to_numpy(place, value), sum(part[0] for part in parts), rtol=1e-13)
    np.testing.assert_allclose(to_numpy(place, grad), np.hstack([part[1] for part in parts]), rtol=1e-13)
    np.testing.assert_array_equal(to_numpy(place, Quantiles(levels).predict(place.put(z))), np.sort(z, axis=1))
    share = np.full(30, 1 / 30)
    expected = [Quantile(level).constant(y[:, [k]], share)[0] for k, level in enumerate(levels)]
    np.testing.assert_array_equal(Quantiles(levels).constant(y, share), expected)
