"""`regnet predict` and `regnet show` take what `regnet.save` wrote of estimators and searches."""

import csv

import numpy as np
import pytest
from conftest import need
from sklearn.datasets import load_iris
from typer.testing import CliRunner

from regnet import MLPClassifier, MLPClassifierCV, MLPRegressor, Network, TableEncoder, fit, path, save
from regnet.commands.app import app

SHORT = {"max_iter": 5, "random_state": 0, "hidden_layer_sizes": (4,)}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
NETWORK = Network.mlp([4, 3, 1], loss="squared_error")


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_search_with_an_encoder(tmp_path):
    frame = need("pandas").DataFrame(X, columns=[*"abcd"])
    frame["site"] = np.where(X[:, 0] > 6, "far", "near")
    labels = np.asarray(["se", "ve", "vi"])[Y]
    search = MLPClassifierCV(**SHORT, cv=3, n_lambdas=4, preprocessor=TableEncoder()).fit(frame, labels)
    save(tmp_path / "m.st", search, target_name="kind")
    frame.to_csv(tmp_path / "new.csv", index=False)
    done = run("predict", tmp_path / "m.st", tmp_path / "new.csv", "--output", tmp_path / "out.csv")
    assert done.exit_code == 0, done.output
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["kind", "p(se)", "p(ve)", "p(vi)"]
    assert [row[0] for row in rows[1:]] == search.predict(frame).tolist()
    np.testing.assert_allclose(np.asarray([row[1:] for row in rows[1:]], float), search.predict_proba(frame), atol=1e-5)
    shown = run("show", tmp_path / "m.st")
    assert shown.exit_code == 0
    assert "far, near" in shown.output


def write(tmp_path, name, frame):
    frame.to_csv(tmp_path / name, index=False)
    done = run("predict", tmp_path / "m.st", tmp_path / name, "--output", tmp_path / "out.csv")
    return done, (tmp_path / "out.csv").read_bytes() if done.exit_code == 0 else b""


def test_columns_that_the_model_does_not_use_may_be_missing(tmp_path, rng):
    """All columns of the training table had to be there; what stands in them makes no bit of a difference."""
    pandas = need("pandas")
    x = rng.standard_normal((200, 6))
    frame = pandas.DataFrame(x, columns=[*"abcdef"]).assign(
        site=rng.choice(["n", "s"], 200), day=pandas.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d")
    )
    frame.loc[[3, 9], ["b", "c"]] = np.nan
    frame["y"] = 3 * x[:, 0] + np.where(frame["site"] == "n", 2.0, 0.0)
    frame.to_csv(tmp_path / "t.csv", index=False)
    settings = ["--target", "y", "--hidden", "", "--lambdas", "0.2", "--missing", "impute"]
    done = run("select", tmp_path / "t.csv", *settings, "--save", tmp_path / "m.st")
    assert "2 of 8 inputs (a, site)" in " ".join(done.output.split())
    whole, expected = write(tmp_path, "whole.csv", frame)
    assert "does not use" not in whole.output
    few, found = write(tmp_path, "few.csv", frame[["site", "a"]])
    assert found == expected
    assert "few.csv: the model does not use b, c, d, e, f, day, and" in few.output
    odd, found = write(tmp_path, "odd.csv", frame.assign(b="text", c=np.inf, day="?")[[*"abcd", "day", "site"]])
    assert found == expected, "they are not even looked at"
    assert "does not use e, f, and the file has no such" in odd.output
    for name in ("a", "site"):
        lacks, _ = write(tmp_path, "lacks.csv", frame.drop(columns=name))
        assert lacks.exit_code == 2 or lacks.exception
        assert f"but the model needs 2; missing: {name}." in str(lacks.exception)


@pytest.mark.filterwarnings("ignore:At the chosen strength, .*, no input is left")
def test_a_model_that_uses_no_column_needs_none(tmp_path, rng):
    frame = need("pandas").DataFrame(rng.standard_normal((50, 3)), columns=[*"aby"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    run("select", tmp_path / "t.csv", "--hidden", "", "--lambdas", "1e3", "--save", tmp_path / "m.st")
    done, found = write(tmp_path, "other.csv", frame[["y"]])
    assert done.exit_code == 0, done.output
    values = np.asarray(found.split()[1:], float)
    np.testing.assert_allclose(values, frame["y"].mean(), atol=1e-6)
    assert len(values) == 50


def test_an_estimator_without_names(tmp_path):
    model = MLPRegressor(**SHORT).fit(X, X[:, 0])
    save(tmp_path / "m.st", model)
    np.savetxt(tmp_path / "new.csv", X, delimiter=",", fmt="%.17g")
    done = run("predict", tmp_path / "m.st", tmp_path / "new.csv", "--output", tmp_path / "out.csv")
    assert done.exit_code == 0, done.output
    found = np.loadtxt(tmp_path / "out.csv", skiprows=1)
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: path(MLPRegressor(**SHORT), X, X[:, 0], n_lambdas=3), "PathResult without a network on all rows"),
        (lambda: MLPRegressor(**SHORT).fit(X, X[:, 0]).compact(), "that only Python can use"),
        (lambda: MLPRegressor(**SHORT).fit(X, X[:, :2]), "that only Python can use"),
        (
            lambda: fit(NETWORK, X, X[:, :1], epochs=1, seed=[0, 1], progress=False).model,
            "holds a stack of 2 networks: only Python",
        ),
        (
            lambda: MLPClassifierCV(**SHORT, cv=3, n_lambdas=3, refit=False).fit(X, Y),
            "MLPClassifierCV without a network on all rows",
        ),
        (lambda: MLPClassifier(**SHORT).fit(X, np.stack([Y == 0, Y == 1, Y == 2], 1).astype(int)), "only Python"),
    ],
)
def test_what_the_command_cannot_use(model, said, tmp_path):
    save(tmp_path / "m.st", model())
    done = run("predict", tmp_path / "m.st", tmp_path / "new.csv")
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output
