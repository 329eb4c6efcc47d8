"""What the commands say beside their figures: what a constant has, what was written, whose option it was."""

from __future__ import annotations

import csv
import html
import json
import warnings

import numpy as np
import pytest
from command_line import called
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import PredefinedSplit

from regnet.commands.constants import constant_of
from regnet.commands.fit import fit
from regnet.commands.select import select
from regnet.commands.study import study
from regnet.commands.wording import in_options
from regnet.tables.files import read_table


def write_table(path, rows=160):
    """Of three classes, with weights, a date with a hole and a number."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal(rows), rng.integers(1, 4, rows)
    kind = np.where(x > 1, "high", np.where(x > -0.7, "middle", "low"))
    days = np.datetime64("2024-01-01") + np.arange(rows)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "day", "weight", "kind"])
        writer.writerows([x[k], "" if k == 3 else days[k], weight[k], kind[k]] for k in range(rows))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_constant_is_scikit_learns(weighted, rng):
    y, y_test = rng.choice(3, 90, p=[0.2, 0.5, 0.3]), rng.choice(3, 40)
    own, other = (rng.uniform(0, 2, 90), rng.uniform(0, 2, 40)) if weighted else (None, None)
    found = constant_of(["a", "b", "c"], y, own, y_test, other)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((90, 1)), y, own)
    X_test = np.zeros((40, 1))
    assert found.label == "abc"[dummy.predict(X_test)[0]]
    assert found.accuracy == pytest.approx(dummy.score(X_test, y_test, other))
    known = log_loss(y_test, dummy.predict_proba(X_test), labels=[0, 1, 2], sample_weight=other)
    assert found.log_loss == pytest.approx(known)


def test_a_class_that_only_new_rows_have_costs_infinitely_much():
    found = constant_of(["a", "b"], np.array([0, 0]), None, np.array([0, 1]), None)
    assert (found.accuracy, found.log_loss) == (0.5, np.inf)
    assert constant_of(["a", "b"], np.array([0, 0]), None, np.array([0, 0]), None).log_loss == 0


def test_scores_of_classes_stand_beside_those_of_a_constant(tmp_path):
    write_table(tmp_path / "t.csv")
    asked = ["t.csv", "--target", "kind", "--weights", "weight", "--missing", "impute", "--test-size", 0.25]
    done = called("select", *asked, "--n-lambdas", 8, "--json", "s.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "s.json").read_text())
    assert figures["n_selected"][-1] == 0
    # Where no input is left, the folds' networks have learnt the shares of their classes.
    assert figures["constant_score"] == pytest.approx(figures["score_mean"][-1], abs=2e-3)
    assert f"the classes' shares alone: neg_log_loss {figures['constant_score']:.4f}" in done.stdout
    assert f" (always 'middle': {figures['constant_test_score']:.4f})" in done.stdout
    called("select", *asked, "--n-lambdas", 8, "--report", "of_search", cwd=tmp_path)
    page = html.unescape((tmp_path / "of_search" / "report.html").read_text(encoding="utf-8"))
    assert f", where always 'middle' has {figures['constant_test_score']:.4f}." in page
    assert "Which inputs does a strength keep?" in page, (
        "a column with a hole is two inputs of the network, and no group"
    )
    fitted = called("fit", *asked, "--epochs", 5, "--weight-l1", 0.01, "--json", "f.json", cwd=tmp_path)
    assert fitted.returncode == 0, fitted.stderr
    own = json.loads((tmp_path / "f.json").read_text())
    assert own["constant_test_score"] == figures["constant_test_score"], "the same rows are held out"
    wanted = f"accuracy {own['constant_test_score']:.4f}; the classes' shares: loss {own['constant_test_loss']:.4f}"
    assert f"always 'middle': {wanted}" in fitted.stdout
    assert "no penalty" not in fitted.stdout
    called("fit", *asked, "--epochs", 5, "--report", "page", cwd=tmp_path)
    page = html.unescape((tmp_path / "page" / "report.html").read_text(encoding="utf-8"))
    assert f"on 40 rows that it did not see, where always 'middle' has {own['constant_test_score']:.4f}." in page


@pytest.mark.parametrize(
    ("scoring", "kind", "what"),
    [("accuracy", "most_frequent", "commonest class"), ("neg_log_loss", "prior", "classes' shares")],
)
def test_the_folds_score_of_a_constant_is_scikit_learns(scoring, kind, what, tmp_path):
    """With the rows' weights, each fold's dummy learnt on its own rows. `--scoring accuracy` stood alone."""
    write_table(tmp_path / "plain.csv")
    lines = (tmp_path / "plain.csv").read_text().splitlines()
    rows = [f"{number % 3},{line}" for number, line in enumerate(lines[1:])]
    (tmp_path / "t.csv").write_text("\n".join([f"part,{lines[0]}", *rows]) + "\n")
    asked = ["t.csv", "--target", "kind", "--weights", "weight", "--fold", "part", "--exclude", "day", "--epochs", 2]
    done = called(
        "select", *asked, "--lambdas", "0.1", "--scoring", scoring, "--json", "s.json", "--report", "r", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    table = read_table(str(tmp_path / "t.csv"), "kind", weight="weight", fold="part", exclude=("day",))
    scores, weights = [], []
    for train, test in PredefinedSplit(table.fold).split():
        dummy = DummyClassifier(strategy=kind).fit(np.zeros((len(train), 1)), table.y[train], table.weight[train])
        weight = table.weight[test]
        scores.append(get_scorer(scoring)(dummy, np.zeros((len(test), 1)), table.y[test], sample_weight=weight))
        weights.append(weight.sum())
    found = json.loads((tmp_path / "s.json").read_text())["constant_score"]
    assert found == pytest.approx(np.average(scores, weights=weights))
    assert f"the {what} alone: {scoring} {found:.4f}" in done.stdout
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    assert f"Beside it, the {what} alone: {scoring} {found:.4f}." in page


def test_what_was_written_is_said_and_how_it_goes_on(tmp_path):
    write_table(tmp_path / "t.csv")
    asked = ["t.csv", "--target", "kind", "--exclude", "weight", "--missing", "impute", "--epochs", 2]
    for words in (["fit"], ["select", "--n-lambdas", 2]):
        done = called(*words, *asked, "--save", "my model.st", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "saved: my model.st; for new rows: regnet predict 'my model.st' FILE\n" in done.stdout
        assert "saved: " not in called(*words, *asked, cwd=tmp_path).stdout
    predicted = called("predict", "my model.st", "t.csv", "--output", "p.csv", cwd=tmp_path)
    assert predicted.stderr.endswith("regnet: written: p.csv, 160 rows\n")
    assert predicted.stdout == ""
    shown = called("show", "my model.st", cwd=tmp_path).stdout
    assert "2024-03-2" in shown, "the median day, as a date"


def test_a_training_without_a_penalty_says_so(tmp_path):
    write_table(tmp_path / "t.csv")
    asked = ["fit", "t.csv", "--target", "kind", "--missing", "impute", "--epochs", 1]
    said = "no penalty: --weight-l1, --weight-l2, --input-l1 and others add one; regnet select says how strong"
    assert said in called(*asked, cwd=tmp_path).stdout
    for penalty in (["--weight-l1", 1e-3], ["--weight-l2", "0,1e-3"], ["--input-l1", 1e-3], ["--neuron-l1", 1e-3]):
        assert said not in called(*asked, *penalty, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("words", "owners"),
    [
        (["fit", "t.csv", "--rule", "min"], "--rule is an option of regnet select."),
        (["select", "t.csv", "--patience", "3"], "--patience is an option of regnet fit."),
        (["predict", "m.st", "t.csv", "--seeds", "3"], "--seeds is an option of regnet study."),
    ],
)
def test_an_option_of_another_command_is_told_to_be_of_that_one(words, owners, tmp_path):
    done = called(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert owners in " ".join(done.stderr.replace("│", " ").split())
    assert "No such option: --rul" in called("fit", "t.csv", "--rul", "min", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("text", "command", "said"),
    [
        ("n_jobs=0: give 1 or more", select, "--jobs 0: give 1 or more"),
        ("lower learning_rate_init, or scale X.", fit, "lower --learning-rate, or scale X."),
        ("train longer (max_iter=5), with cv=3", select, "train longer (--epochs 5), with --cv 3"),
        ("lambdas that begin at 0 by select='min'", select, "--lambdas that begin at 0 by --rule 'min'"),
        ("relax=True needs it, not relax=False", select, "--relax needs it, not relax=False"),
        ("cv=KFold(5) takes rows as they lie", select, "cv=KFold(5) takes rows as they lie"),
        ("cv=3 and n_jobs=2", fit, "cv=3 and n_jobs=2"),
        ("'cv=3', --cv 3, x/cv=3 and data=3", select, "'cv=3', --cv 3, x/cv=3 and data=3"),
        ("One value in all rows: max_iter, seed=1, cv=2.", select, "One value in all rows: max_iter, seed=1, cv=2."),
        ("n_seeds=0 and study_dir=''", study, "--seeds 0 and --study-dir ''"),
    ],
)
def test_messages_of_the_library_name_options(text, command, said):
    """`regnet select` spoke of `learning_rate_init=`, which no command line has."""
    with pytest.raises(KeyError) as caught, in_options(command):
        raise KeyError(text)
    assert caught.value.args == (said,)
    before = warnings.showwarning
    with pytest.warns(ConvergenceWarning) as warned, in_options(command):
        warnings.warn(text, ConvergenceWarning, stacklevel=1)
    assert [str(one.message) for one in warned] == [said]
    assert warnings.showwarning is before


def test_an_error_of_a_search_names_options(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{k % 7},{k // 10}\n" for k in range(60)))
    done = called("select", "t.csv", "--hidden", "", "--cv", 3, "--lambdas", "9", "--scoring", "x_y", cwd=tmp_path)
    assert (
        done.stderr
        == "regnet: error: --scoring 'x_y' is not a name of a score. See sklearn.metrics.get_scorer_names().\n"
    )
