"""`regnet study` as a user types it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from command_line import called, write_csv

from regnet import datasets
from regnet.commands.recipe import recipe_for
from regnet.commands.study_run import ask
from regnet.estimators import MLPClassifier
from regnet.tables.files import read_table

SMALL = ["--hidden", 16, "--epochs", 40, "--subset", 100]


def read(path):
    return json.loads(path.read_text())


def test_the_spiral_is_answered_in_one_sentence_and_two_tables(tmp_path):
    done = called("study", *SMALL, "--seeds", 3, "--json", "s.json", "--plot", "s.svg", "--report", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures, lines = read(tmp_path / "s.json"), done.stdout.splitlines()
    assert lines[0] == "spiral: 3000 rows to train and 3000 held out, network 2-16-3, 40 epochs"
    assert lines[1:5] == [
        "none: no penalty", "L2: weight_l2 0.0005,0, bias_l2 0.0005,0", "L1: weight_l1 0.0001,0, bias_l1 0.0001,0",
        "both: weight_l2 0.0005,0, bias_l2 0.0005,0, weight_l1 0.0001,0, bias_l1 0.0001,0",
    ]  # fmt: skip
    assert lines[5].startswith("12 networks are to be trained: about ")
    for number, line in enumerate(lines[6:9], start=1):
        assert re.fullmatch(rf"seed {number} of 3 at \d\d:\d\d:\d\d", line)
    assert lines[9] == figures["answer"]
    assert max(map(len, (line for line in lines if line[:1] in "┃│┏└┡"))) <= 80
    assert "the best possible there is 90.98 (Bayes)" in done.stdout
    assert figures["ceiling"] == datasets.spiral_accuracy()
    assert figures["rows"] == {"train": 3000, "held_out": 3000, "subset": 100, "fresh": 20001}
    assert figures["penalties"] == ["none", "L2", "L1", "both"]
    assert np.shape(figures["networks"]["train"]) == (4, 3, 21)
    assert np.shape(figures["networks"]["norms"]) == (4, 3, 2)
    assert b"<svg" in (tmp_path / "s.svg").read_bytes()
    assert read(tmp_path / "r" / "figures.json") == figures
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert f'<p class="answer">{figures["answer"]}</p>' in page
    assert "Training minus held-out accuracy in %, 100 rows held out" in page
    assert lines[-1] == "report: r/report.html"


def test_a_seed_has_the_rows_and_the_recipe_of_fit(tmp_path):
    done = called("fit", "spiral", "--hidden", 16, "--epochs", 40, "--seed", 1, "--json", "f.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert called("study", *SMALL, "--seeds", 2, "--json", "s.json", cwd=tmp_path).returncode == 0
    fitted, studied = read(tmp_path / "f.json"), read(tmp_path / "s.json")["networks"]
    l2 = 1
    assert fitted["dtype"] == "float32"
    assert studied["train"][l2][1][-1] == pytest.approx(fitted["train_score"], abs=1e-3)
    assert studied["held_out"][l2][1][-1] == pytest.approx(fitted["test_score"], abs=1e-3)
    np.testing.assert_allclose(np.sqrt(studied["norms"][l2][1]), list(fitted["weight_norm"].values()), rtol=1e-3)


@pytest.mark.parametrize("data", ["diabetes", "table.csv"])
def test_any_table(data, tmp_path):
    write_csv(tmp_path / "table.csv", rows=200)
    options = ["--hidden", 8, "--epochs", 10, "--seeds", 2, "--subset", 20, "--json", "s.json"]
    done = called("study", data, *options, "--weight-l1", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = read(tmp_path / "s.json")
    assert figures["strengths"] == {"none": {}, "L2": {"weight_l2": [5e-4, 0.0], "bias_l2": [5e-4, 0.0]}}
    assert figures["metric"] == ("r2" if data == "diabetes" else "accuracy")
    assert figures["ceiling"] is None
    assert "a table does not say what it was drawn from" in done.stdout
    assert "fresh:" not in done.stdout


def test_quick_is_fewer_seeds_and_epochs():
    table = datasets.load("spiral")
    given = dict.fromkeys(("hidden", "weight_l1", "weight_l2", "bias_l1", "bias_l2", "epochs"))
    quick = ask("spiral", table, {**given, "weight_l2": (0.1, 0.2)}, quick=True)
    assert quick.recipe.epochs == quick.estimator.max_iter == 1000
    assert quick.penalties["L2"] == {"weight_l2": (0.1, 0.2), "bias_l2": (0.0, 0.0)}
    assert quick.penalties["both"] == quick.penalties["L2"] | quick.penalties["L1"]
    assert ask("spiral", table, {**given, "epochs": 7}, quick=True).recipe.epochs == 7
    assert ask("spiral", table, dict(given), quick=False).recipe.epochs == 10_001
    assert isinstance(quick.estimator, MLPClassifier)
    assert quick.estimator.solver == recipe_for("spiral", 6000, {}).estimator("classification", 3000).solver
    with pytest.raises(ValueError, match="nothing to compare"):
        ask("spiral", table, {**given, "weight_l1": (0.0,), "weight_l2": (0.0,)}, quick=False)


@pytest.mark.parametrize(("options", "match"), [
    (["--plot", "p.zip"], "no kind of picture"),
    (["--json", "none/s.json"], "there is no folder 'none'"),
    (["--weight-l2", "1,2,3"], "--weight-l2 has 3 values, but the network has 2 layers"),
    (["--activation", "step"], "--activation 'step' is unknown"),
])  # fmt: skip
def test_mistakes_are_one_sentence(options, match, tmp_path):
    done = called("study", *SMALL, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert match in done.stderr
    assert not done.stdout


def write_groups(path):
    """Twenty groups of ten rows, told by the only input that is the same in all rows of one."""
    rng = np.random.default_rng(0)
    lines = ["a,group,part,w,kind"]
    for row in range(200):
        a, group = rng.standard_normal(), row % 20
        lines.append(
            f"{a},{group + 0.5},{group},{1 + row % 3},{'yes' if a + 0.3 * rng.standard_normal() > 0 else 'no'}"
        )
    path.write_text("\n".join(lines) + "\n")


def test_weights_and_dropout_are_those_of_fit(tmp_path):
    write_groups(tmp_path / "t.csv")
    shared = [
        "--weights",
        "w",
        "--exclude",
        "part",
        "--dropout",
        0.3,
        "--hidden",
        16,
        "--epochs",
        20,
        "--batch-size",
        0,
    ]
    done = called("fit", "t.csv", *shared, "--seed", 1, "--json", "f.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    own = [*shared, "--weight-l1", 0, "--seeds", 2, "--subset", 20]
    assert called("study", "t.csv", *own, "--json", "s.json", cwd=tmp_path).returncode == 0
    assert called("study", "t.csv", *own[2:], "--exclude", "w", "--json", "p.json", cwd=tmp_path).returncode == 0
    fitted, studied, plain = (read(tmp_path / f"{name}.json") for name in "fsp")
    none = 0
    for name in ("train", "held_out"):
        score = fitted["train_score" if name == "train" else "test_score"]
        assert studied["networks"][name][none][1][-1] == pytest.approx(score, abs=1e-6)
    assert studied["networks"]["held_out"] != plain["networks"]["held_out"]


def test_rows_of_a_fold_are_never_on_both_sides(tmp_path):
    write_groups(tmp_path / "t.csv")
    options = ["--fold", "part", "--weights", "w", "--hidden", 4, "--epochs", 2, "--seeds", 3, "--subset", 20]
    done = called("study", "t.csv", *options, "--json", "s.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "s.json")["rows"]["held_out"] == 40
    given = dict.fromkeys(("hidden", "weight_l1", "weight_l2", "bias_l1", "bias_l2", "epochs"))
    table = read_table(str(tmp_path / "t.csv"), fold="part")
    asking = ask("t.csv", table, given, quick=True)
    column, held_out = table.feature_names.index("group"), set()
    for seed in range(5):
        x_train, _, x_test, *_ = asking.rows(seed)
        groups = [set(np.round(rows[:, column], 5).tolist()) for rows in (x_train, x_test)]
        assert [len(own) for own in groups] == [16, 4]
        assert not groups[0] & groups[1]
        held_out |= groups[1]
    assert len(held_out) > 4  # other groups, by the seed
