"""`regnet select` as a user types it."""

from __future__ import annotations

import csv
import json
import signal
from unittest import mock

import numpy as np
import pytest
from command_line import called

from regnet.commands.inputs import Inputs
from regnet.commands.select_run import choose_strength
from regnet.tables.files import read_table

KEYS = "lambdas score_mean score_se n_selected lambda_min lambda_1se selected test_score"


def write_table(path, rows=200, target="y"):
    """Y depends on a and c of five inputs; sorted by y, as files are."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 5))
    y = 2 * x[:, 0] - x[:, 2] + 0.3 * rng.standard_normal(rows)
    order = np.argsort(y)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*"abcde", target])
        writer.writerows([*x[k], ("high" if y[k] > 0 else "low") if target == "kind" else y[k]] for k in order)


def test_the_report_of_a_regression(tmp_path):
    write_table(tmp_path / "table.csv")
    options = ["--target", "y", "--n-lambdas", 10, "--test-size", 0.2, "--epochs", 60]
    done = called("select", "table.csv", *options, "--report", "out", "--json", "s.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 SE" in done.stdout
    assert "2 of 5 inputs (a, c)" in done.stdout
    figures = json.loads((tmp_path / "s.json").read_text())
    assert set(KEYS.split()) <= figures.keys()
    assert figures == json.loads((tmp_path / "out" / "selection.json").read_text())
    assert figures["selected"] == ["a", "c"]
    assert figures["test_score"] > 0.9
    assert len(figures["lambdas"]) == len(figures["score_mean"]) == len(figures["n_selected"]) == 10
    assert figures["lambda_1se"] >= figures["lambda_min"]
    assert figures["kernels"].startswith("numpy ")
    assert figures["near_tie"] == (figures["margin"] < 0.1) == ("near a tie: " in done.stdout)
    assert figures["rival"] in figures["lambdas"]
    assert figures["n_selected"][-1] == 0
    for picture in ("path", "norms"):
        assert (tmp_path / "out" / f"{picture}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (tmp_path / "out" / f"{picture}.svg").read_bytes()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h1>table.csv: how strong should the penalty be?</h1>" in page
    assert f"Take a strength of {figures['lambda']:.3g}" in page
    assert f"rows that no fold saw it has r2 {figures['test_score']:.4f}." in page
    assert "Predicted and actual" in page
    assert "regnet select table.csv --target y" in page
    predicted = called("predict", "out/model.safetensors", "table.csv", "--output", "p.csv", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    table = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    guesses = [float(row["y"]) for row in csv.DictReader((tmp_path / "p.csv").read_text().splitlines())]
    assert np.corrcoef(guesses, [float(row["y"]) for row in table])[0, 1] > 0.95  # in the target's own units
    assert np.std(guesses) == pytest.approx(np.std([float(row["y"]) for row in table]), rel=0.1)


def test_a_near_tie_is_said_in_a_line(tmp_path):
    """Two strengths that differ in the ninth digit have the same scores, but for rounding."""
    write_table(tmp_path / "table.csv")
    options = ["--hidden", "", "--penalty", "weight_l1", "--rule", "min", "--lambdas", "0.01,0.010000000001"]
    done = called("select", "table.csv", *options, "--json", "s.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("near a tie: rounding may choose 0.01, ") == 1
    assert json.loads((tmp_path / "s.json").read_text())["near_tie"] is True


def test_a_share_of_the_penalty_is_chosen(tmp_path):
    write_table(tmp_path / "table.csv")
    options = ["--hidden", "", "--n-lambdas", 8, "--gamma", "0,0.5,1"]
    done = called("select", "table.csv", *options, "--json", "s.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "s.json").read_text())
    assert figures["gamma"] in (0.0, 0.5)
    assert f"2 of 5 inputs (a, c), refitted with {figures['gamma']:g} of the penalty" in " ".join(done.stdout.split())


def test_classes_a_journal_and_a_linear_model(tmp_path):
    write_table(tmp_path / "table.csv", target="kind")
    options = ["--hidden", "", "--penalty", "weight_l1", "--rule", "paired", "--cv", 3, "--lambdas", "1e-3,1e-2,1e-1"]
    first, again = (
        called("select", "table.csv", *options, "--sweep-dir", "sweep", "--json", name, cwd=tmp_path)
        for name in ("1.json", "2.json")
    )
    assert first.returncode == again.returncode == 0, first.stderr
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("1.json", "2.json"))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}
    assert {"a", "c"} <= set(one["selected"])
    assert one["score"] == "neg_log_loss"
    assert one["test_score"] is None
    other = called("select", "table.csv", *options, "--seed", 1, "--sweep-dir", "sweep", cwd=tmp_path)
    assert other.returncode == 2
    assert "holds the sweep of another problem" in other.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--penalty", "l3"], "--penalty 'l3' is unknown"),
        (["--rule", "2se"], "--rule '2se' is unknown"),
        (["--cv", 500], "--cv 500: the table has 60 rows"),
        (["--jobs", 0], "--jobs 0: give the number of processes, or -1"),
        (["--lambdas", "a,b"], "--lambdas 'a,b': give numbers"),
        (["--lambdas", ""], "error: --lambdas is empty"),
        (["--sweep-dir", ""], "--sweep-dir '' names no folder"),
        (["--scoring", "acuracy"], "--scoring 'acuracy' is not a name of a score. Did you mean 'accuracy'?"),
        (["--scoring", "roc_auc"], "error: --scoring does not fit the estimator"),
        (["--report", "table.csv"], "is a file: give a folder"),
        (["--report", "no/such/folder"], "there is no folder"),
        (["--relax", "--penalty", "weight_l2"], "--relax"),
        (["--gamma", "0,2"], "give a number from 0"),
        (["--gamma", ""], "--gamma ()"),
    ],
)
def test_what_it_refuses(options, message, tmp_path):
    write_table(tmp_path / "table.csv", rows=60)
    before = sorted(tmp_path.iterdir())
    done = called("select", "table.csv", "--epochs", 5, "--n-lambdas", 3, *options, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_more_folds_than_rows_of_any_class_are_refused_by_the_options_name(tmp_path):
    write_table(tmp_path / "table.csv", rows=60, target="kind")
    kinds = [row["kind"] for row in csv.DictReader((tmp_path / "table.csv").read_text().splitlines())]
    most = max(kinds.count(kind) for kind in set(kinds))
    done = called("select", "table.csv", "--cv", most + 1, cwd=tmp_path)
    assert done.returncode == 2
    assert f"--cv {most + 1}: the commonest class has {most} rows to train on: take fewer folds." in done.stderr


def test_a_class_of_one_row_is_named_as_the_table_names_it(tmp_path):
    """It was told of as '0', the number that stands for it."""
    kinds = ["rare", *["high", "low"] * 20]
    rows = [f"{k % 7},{k % 5},{kind}\n" for k, kind in enumerate(kinds)]
    (tmp_path / "t.csv").write_text("a,b,kind\n" + "".join(rows))
    with pytest.raises(ValueError, match=r"One row to train on has the class 'rare', .*: have more rows of that class"):
        choose_strength("t", Inputs(read_table(str(tmp_path / "t.csv"))), folds=3, test_size=0.0, seed=0)


def test_a_class_in_one_fold_only_is_named_as_the_table_names_it(tmp_path):
    """It was the class '2' of fold 2, and to be helped by a StratifiedKFold; too many folds said nothing of --cv."""
    kinds = ["high", "low"] * 25 + ["rare"] * 2
    for kind, parts in (("few", [k // 20 for k in range(52)]), ("many", [*range(50), 50, 50])):
        rows = [f"{k % 7},{k % 5},{parts[k]},{kinds[k]}\n" for k in range(52)]
        (tmp_path / f"{kind}.csv").write_text("a,b,part,kind\n" + "".join(rows))
        inputs = Inputs(read_table(str(tmp_path / f"{kind}.csv"), fold="part"))
        with pytest.raises(ValueError, match=r"--fold: all rows of the class 'rare' are in one fold, .*: leave the"):
            choose_strength("t", inputs, folds=3, test_size=0.0, seed=0)
    with pytest.raises(ValueError, match="--cv 52: the column of --fold has 51 different values only: take --cv 51"):
        choose_strength("t", inputs, folds=52, test_size=0.0, seed=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing was saved: --sweep-dir PATH keeps what has been trained"),
        (("--sweep-dir", "kept"), "to go on: regnet select diabetes --signal USR2 --sweep-dir kept"),
    ],
)
def test_a_signal_ends_it_and_says_how_to_go_on(tmp_path, options, said):
    sent = mock.Mock(side_effect=lambda *_, **__: signal.raise_signal(signal.SIGUSR2))
    with mock.patch("regnet.commands.select.choose_strength", sent):
        done = called("select", "diabetes", "--signal", "USR2", *options, cwd=tmp_path)
    assert done.returncode == 128 + signal.SIGUSR2
    assert done.stderr == f"regnet: ended by SIGUSR2; {said}\n"
    assert signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL
