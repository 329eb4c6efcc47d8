"""What the command line does with a user's table: units, labels, notes; typed in process, since it is many calls."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest
from command_line import typed
from conftest import need
from text_files import KINDS, ROWS, X, table, write

from regnet import Network, fit
from regnet.commands.fit_run import train
from regnet.commands.inputs import Inputs
from regnet.commands.recipe import recipe_for
from regnet.commands.saving import save_model
from regnet.networks import checkpoint
from regnet.networks.model import in_own_units
from regnet.tables.files import read_table
from regnet.tables.split import prepare_table

FAST = ("--hidden", "16", "--epochs", 60, "--seed", 1)


def predict(model, path, folder):
    typed("predict", model, path, "--output", folder / "predicted.csv")
    return list(csv.DictReader((folder / "predicted.csv").read_text().splitlines()))


def r2(predicted, y):
    return 1 - np.sum((predicted - y) ** 2) / np.sum((y - y.mean()) ** 2)


def far_from_zero(kind, folder):
    """A clock that ticks once a second, a target of 1e12 + 100 u; as a file. Their spacings in float32: 128, 65536."""
    rng = np.random.default_rng(0)
    clock, u = 1_700_000_000 + rng.permutation(300), rng.standard_normal(300)
    y = 1e12 + 100 * (u + (clock - 1.7e9 - 150) / 50)
    if kind == "csv":
        return write(folder / "t.csv", {"clock": clock.tolist(), "u": u.tolist(), "y": y.tolist()}), y
    path = folder / f"t.{kind}"
    if kind == "parquet":
        need("pyarrow.parquet").write_table(need("pyarrow").table({"clock": clock, "u": u, "y": y}), path)
    elif kind == "npz":
        np.savez(path, x=np.column_stack([clock, u]), y=y)
    else:
        np.save(path, np.column_stack([clock, u, y]))
    return str(path), y


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "npy"])
@pytest.mark.parametrize("command", ["fit", "select"])
def test_columns_far_from_zero_keep_their_digits(kind, command, tmp_path):
    """In the fit, on the held-out rows and in the saved model. All were float32 first: R2 was 0, or 1 for nothing."""
    path, y = far_from_zero(kind, tmp_path)
    options = ["--learning-rate", 0.01] if command == "fit" else ["--n-lambdas", 6]
    outputs = ["--save", tmp_path / "m.st", "--json", tmp_path / "j.json"]
    typed(command, path, *FAST, *options, "--test-size", 0.2, *outputs)
    figures = json.loads((tmp_path / "j.json").read_text())
    assert figures["test_score"] > 0.97
    if command == "select":
        assert len(figures["selected"]) == 2
    target = "column2" if kind == "npy" else "y"
    predicted = np.asarray([float(row[target]) for row in predict(tmp_path / "m.st", path, tmp_path)])
    assert r2(predicted, y) > 0.97
    assert r2(predicted, y) == pytest.approx(figures["test_score"], abs=0.02)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_model_is_in_the_tables_own_units(dtype, tmp_path, monkeypatch):
    monkeypatch.setenv("REGNET_DTYPE", dtype)
    path, y = far_from_zero("csv", tmp_path)
    table = read_table(path)
    prepared = prepare_table(table, test_size=0.0, seed=1, scale_inputs=True, scale_target=True)
    recipe = recipe_for(path, 300, {"hidden": (16,), "epochs": 60, "test_size": 0.0})
    run = train(path, Inputs(table), prepared, recipe, seed=1)
    named = {"target_name": "y", "classes": None, "about": {}}
    save_model(tmp_path / "m.st", in_own_units(run.model, prepared.affine), prepared.columns, **named)
    x = np.loadtxt(path, delimiter=",", skiprows=1)[:, :2]
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    expected = run.model.predict(z)[:, 0].astype(np.float64) * y.std() + y.mean()
    predicted = [float(row["y"]) for row in predict(tmp_path / "m.st", path, tmp_path)]
    np.testing.assert_allclose(np.asarray(predicted) - 1e12, expected - 1e12, atol=5e-4)
    model, extra = checkpoint.load(tmp_path / "m.st")
    assert (run.model.placement.dtype, model.placement.dtype) == (dtype, "float64")
    assert extra.keys() == {"feature_names", "columns", "target_name", "classes", "about", "unheaded"}


LABELS = {
    "bytes": (np.asarray([b"no", b"yes"]), ["no", "yes"]),
    "str": (np.asarray(["no", "yes"]), ["no", "yes"]),
    "bool": (np.asarray([False, True]), ["False", "True"]),
    "large": (np.asarray([2**60, 2**60 + 1]), [str(2**60), str(2**60 + 1)]),
    "float": (np.asarray([1.0, 2.0]), ["1", "2"]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_from_a_saved_model(kind, tmp_path):
    """With bytes --save failed after the training."""
    labels, shown = LABELS[kind]
    which = (X[:, 0] > 0).astype(int)
    np.savez(tmp_path / "t.npz", x=X, y=labels[which])
    typed("fit", tmp_path / "t.npz", *FAST, "--learning-rate", 0.03, "--save", tmp_path / "m.st")
    rows = predict(tmp_path / "m.st", tmp_path / "t.npz", tmp_path)
    assert np.mean([row["y"] == shown[k] for row, k in zip(rows, which, strict=True)]) > 0.95
    assert list(rows[0]) == ["y", *(f"p({label})" for label in shown)]


@pytest.mark.parametrize(
    "classes",
    [
        np.asarray(["no", "yes"]),
        np.asarray([b"no", b"yes"]),
        np.asarray(["no", "other"], dtype=object),
        np.asarray([2**63, 2**63 + 1], dtype=np.uint64),
        np.asarray([False, True]),
        np.asarray(["2026-01-01", "2026-01-02"], dtype="datetime64[D]"),
    ],
)
def test_class_labels_of_every_kind_are_saved_as_they_are(classes, tmp_path):
    """Text, bytes, dates and NumPy's scalars in a list were errors."""
    model = fit(Network.mlp([2, 3, 1], loss="squared_error"), X, X[:, :1], epochs=1, progress=False).model
    checkpoint.save(tmp_path / "m.st", model, classes=classes, more={"count": np.int64(3), "raw": [b"\xff"]})
    _, extra = checkpoint.load(tmp_path / "m.st")
    assert extra["classes"].dtype == classes.dtype
    assert extra["classes"].tolist() == classes.tolist()
    assert extra["more"] == {"count": 3, "raw": [b"\xff"]}


def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path):
    model = fit(Network.mlp([2, 3, 1], loss="squared_error"), X, X[:, :1], epochs=1, progress=False).model
    for value, kind in ((object(), "object"), (np.zeros(2, dtype=complex), "complex128"), ({1, 2}, "set")):
        with pytest.raises(TypeError, match=f"note holds a value of type {kind}, which cannot be saved"):
            checkpoint.save(tmp_path / "m.st", model, note=value)
    assert not list(tmp_path.iterdir())


def test_notes_are_printed_and_predictions_stay_a_table(tmp_path):
    path = write(tmp_path / "t.csv", {"rownames": list(range(1, ROWS + 1)), **table(kind=KINDS)})
    for command in ("fit", "select"):
        options = [] if command == "fit" else ["--n-lambdas", 3]
        said = typed(command, path, *FAST, *options, "--save", tmp_path / "m.st")
        assert said.count("column 'rownames' is left out: it numbers the rows (1 to 60) (--keep-row-numbers keeps") == 1
        assert checkpoint.load(tmp_path / "m.st")[1]["feature_names"] == ["a", "b", "y"]
        assert "note:" not in typed(command, path, *FAST, *options, "--keep-row-numbers")
    frame = write(tmp_path / "frame.csv", {"0": X[:, 0].tolist(), "1": X[:, 1].tolist(), "2": KINDS})
    assert "is taken for a header" in typed("fit", frame, *FAST, "--save", tmp_path / "m.st")
    assert len(predict(tmp_path / "m.st", frame, tmp_path)) == ROWS


def test_a_model_that_was_saved_in_python_predicts_if_it_has_names(tmp_path):
    """Without them it was a KeyError, and classes_ as they are an ambiguous truth value."""
    path = write(tmp_path / "t.csv", table(y=KINDS))
    yes = np.asarray(KINDS) == "yes"
    model = fit(Network.mlp([2, 4, 1], loss="binary_crossentropy"), X, yes, epochs=5, progress=False).model
    checkpoint.save(tmp_path / "m.st", model)
    with pytest.raises(
        ValueError, match=r"m.st' was saved without the names .* regnet.save\(path, model, feature_names"
    ):
        predict(tmp_path / "m.st", path, tmp_path)
    named = {"feature_names": ["a", "b"], "target_name": "y", "classes": np.asarray(["no", "yes"])}
    checkpoint.save(tmp_path / "m.st", model, **named)
    expected = np.where(model.predict(X)[:, 0] > 0.5, "yes", "no")
    assert [row["y"] for row in predict(tmp_path / "m.st", path, tmp_path)] == expected.tolist()


def test_standard_input_and_packed_files_are_tables_too(tmp_path):
    path = write(tmp_path / "t.csv", table())
    content = (tmp_path / "t.csv").read_bytes()
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(content))
    found = []
    for data, given in ((path, None), (packed, None), ("-", content)):
        typed("fit", data, "--epochs", 3, "--save", tmp_path / "m.st", given=given)
        typed("predict", tmp_path / "m.st", data, "--output", tmp_path / "p.csv", given=given)
        found.append((tmp_path / "p.csv").read_text())
    assert found[0] == found[1] == found[2]
    assert len(found[0].splitlines()) == ROWS + 1
