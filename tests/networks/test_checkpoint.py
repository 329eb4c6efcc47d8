"""Saved models."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from regnet import Network, datasets, fit
from regnet.networks import checkpoint
from regnet.networks.container import ModelFileError
from regnet.networks.model import Model

X = np.random.default_rng(0).standard_normal((20, 2))


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


def test_a_stack_comes_back_whole(tmp_path):
    """Its arrays have an axis more, of the same length in all of them."""
    network = Network.mlp([2, 3, 1], loss="squared_error")
    model = fit(network, X, X[:, :1], epochs=2, seed=range(4), progress=False).model
    checkpoint.save(tmp_path / "m.st", model)
    loaded, _ = checkpoint.load(tmp_path / "m.st")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    params = model.numpy_params()
    uneven = Model(network, ((params[0][0], params[0][1][:3]), *params[1:]), model.placement)
    checkpoint.save(tmp_path / "uneven.st", uneven)
    with pytest.raises(ModelFileError, match=r"shape \(3, 1, 3\), where .* shape \(4, 1, 3\)"):
        checkpoint.load(tmp_path / "uneven.st")


def test_values_come_back_as_they_were(tmp_path):
    model = fit(Network.mlp([2, 3, 1], loss="squared_error"), X, X[:, :1], epochs=1, progress=False).model
    values = {
        "zero": np.array(2.5), "pair": (1, (2.0, "x")), "keys": {1: "a", (2, 3): "b", "tensor": "c"}, "no": None,
        "nan": [float("nan"), float("-inf")], "text": np.array([["a", "bb"], ["", "ä"]]), "raw": b"\x00\xff",
        "bytes": np.array([b"a", b"bb"]), "days": np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
        "mixed": np.array(["a", 1, None, (1, 2)], dtype=object), "flags": np.array([True, False]),
        "ints": np.arange(6, dtype=np.uint8).reshape(2, 3), "deep": {"a": [np.arange(3), {"b": np.float32(1.5)}]},
        "empty": np.empty((0, 3)), "array": {"array": 1, "bytes": 2},
    }  # fmt: skip
    checkpoint.save(tmp_path / "m.st", model, **values)
    _, found = checkpoint.load(tmp_path / "m.st")
    assert list(found) == list(values)
    for name, value in values.items():
        np.testing.assert_equal(found[name], value)
        assert type(found[name]) is type(value)
        if isinstance(value, np.ndarray):
            assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
    other_order = np.arange(3.0).astype(">f8")  # a file has one order of bytes
    checkpoint.save(tmp_path / "o.st", model, value=other_order)
    np.testing.assert_array_equal(checkpoint.load(tmp_path / "o.st")[1]["value"], other_order)
    with pytest.raises(ValueError, match="a masked array with 1 of 2 cells masked"):
        checkpoint.save(tmp_path / "n.st", model, value=np.ma.masked_greater([1.0, 2.0], 1.5))
    for bad in (object(), np.array([1j]), datetime.date(2026, 1, 1), {"a": {1, 2}}, 2**70):
        with pytest.raises(TypeError, match=r"holds a value of type .*, which cannot be saved"):
            checkpoint.save(tmp_path / "n.st", model, value=bad)
