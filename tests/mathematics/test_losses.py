"""Losses against their definition and complex steps."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from conftest import placement, to_numpy

from regnet.mathematics.losses import LOSSES, get_loss


@pytest.mark.parametrize("name", LOSSES)
def test_loss_value_and_gradient(name, namespace, rng):
    place = placement(namespace)
    z, y = rng.standard_normal((6, 3)), reference.targets(rng, name, 6, 3)
    value, grad = get_loss(name).value_and_grad(place.put(z), place.put(y))
    np.testing.assert_allclose(to_numpy(place, value)[:, 0], reference.LOSSES[name](z + 0j, y).real, rtol=1e-13)
    expected = reference.complex_step(lambda c: reference.LOSSES[name](c, y).sum(), z)
    assert reference.relative(to_numpy(place, grad), expected) <= 1e-12


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
    np.testing.assert_allclose(get_loss("poisson").predict(z), np.exp(z), rtol=1e-14)
    for name in ("squared_error", "absolute_error", "huber"):
        assert (get_loss(name).predict(z) == z).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy"])
def test_the_loss_of_a_sure_row_is_small_but_not_0(loss, dtype, namespace):
    place = placement(namespace, dtype)
    z, y, expected = reference.sure_rows(loss)
    got, _ = get_loss(loss).value_and_grad(place.put(z), place.put(y))
    assert (expected > 0).all()
    np.testing.assert_allclose(to_numpy(place, got)[:, 0], expected, rtol=1e-6 if dtype == "float32" else 1e-14)
