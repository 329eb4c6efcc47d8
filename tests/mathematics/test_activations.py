"""Activations against their definition and complex steps."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from conftest import placement, to_numpy

from regnet.mathematics.activations import ACTIVATIONS, get_activation


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_value_and_derivative(name, namespace, rng):
    place = placement(namespace)
    z, dy = rng.standard_normal((2, 7, 5))
    activation = get_activation(name)
    y = activation.forward(place.put(z))
    np.testing.assert_allclose(to_numpy(place, y), reference.ACTIVATIONS[name](z + 0j).real, rtol=1e-14, atol=1e-15)
    expected = dy * (reference.ACTIVATIONS[name](z + 1j * reference.H).imag / reference.H)
    assert reference.relative(to_numpy(place, activation.backward(place.put(dy), y)), expected) <= 1e-12
