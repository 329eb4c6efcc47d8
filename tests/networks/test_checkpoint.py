"""Saved models."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import Network, datasets, fit
from regnet.networks import checkpoint


def test_a_saved_model_predicts_the_same(tmp_path):
    x, y = datasets.spiral(samples=40)
    network = Network.mlp([2, 8, 3], loss="categorical_crossentropy", activation="tanh", dropout=0.2)
    model = fit(network, x, y, epochs=5, progress=False).model
    checkpoint.save(tmp_path / "m.st", model, classes=["a", "b", "c"], mean=np.array([1.0, 2.0]))
    loaded, extra = checkpoint.load(tmp_path / "m.st")
    assert loaded.network == network
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert extra["classes"] == ["a", "b", "c"]
    assert extra["mean"].tolist() == [1.0, 2.0]
    assert [path.name for path in tmp_path.iterdir()] == ["m.st"]
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none.st")
    with pytest.raises(OSError):
        checkpoint.save(tmp_path / "no" / "m.st", model)
