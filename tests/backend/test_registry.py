"""Backends by name."""

from __future__ import annotations

import pickle

import pytest
from conftest import missing

from regnet import get_backend

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_backends_can_be_sent_to_another_process(name):
    if missing(name):
        pytest.skip(missing(name))
    assert pickle.loads(pickle.dumps(get_backend(name))).name == name
