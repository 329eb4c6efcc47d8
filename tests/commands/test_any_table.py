"""Tables as they come: holes, text, dates, codes, counts, weights, folds; from a file to predictions of another."""

from __future__ import annotations

import csv
import datetime
import json

import numpy as np
import pytest
from command_line import typed
from conftest import need
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import PredefinedSplit
from text_files import write

from regnet import MLPRegressorCV, TableEncoder
from regnet.backend.placement import placement_of
from regnet.commands import predict as predicting
from regnet.commands.saving import load_model, save_model
from regnet.networks.model import Model
from regnet.networks.network import Network
from regnet.tables.encoding import EncodedColumn, encode
from regnet.tables.files import read_table
from regnet.tables.split import prepare_table, split_rows

ROWS = 150
LINEAR = ("--hidden", "", "--n-lambdas", 8)


def column(values, *holes):
    """As a file has it, with NA in some rows."""
    return ["NA" if row in holes else str(value) for row, value in enumerate(values)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Y depends on age, site and grade, whose numbers are codes; a name, a row number and a constant say nothing."""
    folder, rng = tmp_path_factory.mktemp("any"), np.random.default_rng(0)
    age, site, grade = rng.normal(50, 10, ROWS), rng.choice(["n", "s", "w"], ROWS), rng.choice([1, 5, 9], ROWS)
    day = [datetime.date(2026, 1, 1) + datetime.timedelta(days=int(days)) for days in rng.integers(0, 300, ROWS)]
    y = 0.1 * age + 2.0 * (site == "w") + 3.0 * (grade == 5) + 0.3 * rng.standard_normal(ROWS)
    counts = rng.poisson(np.exp(0.03 * (age - 50) + 0.5 * (site == "w")))
    columns = {
        "id": column(range(1, ROWS + 1)), "name": column(f"person {row}" for row in range(ROWS)),
        "age": column(age, 3, 77), "site": column(site, 5), "grade": column(grade), "day": column(day, 9),
        "unit": ["kg"] * ROWS, "w": column(1 + np.arange(ROWS) % 2), "part": column(np.arange(ROWS) % 4),
        "visits": column(counts), "y": column(y, 11),
    }  # fmt: skip
    rows = list(zip(*columns.values(), strict=True))
    for name, some in (("t.csv", rows), ("new.csv", rows[:40])):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([list(columns), *some])
    return folder


def predicted(folder, model, data="t.csv", *options):
    typed("predict", folder / model, folder / data, "--output", folder / "p.csv", *options)
    with (folder / "p.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def frame(folder, *exclude):
    table = need("pandas").read_csv(folder / "t.csv", parse_dates=["day"])
    return table[table["y"].notna()].drop(columns=["y", *exclude])


USED = ("--exclude", "visits,w,part", "--target", "y")


def test_a_refusal_names_all_columns_and_a_remedy_that_works(folder):
    with pytest.raises(
        ValueError, match=r"'y', the target, has no value in 1 of 150 cells, 'NA' in line 13 the first: -"
    ):
        typed("select", folder / "t.csv", *LINEAR)
    with pytest.raises(
        ValueError, match=r"3 columns have no value in some rows: 'age' \(2 of 150 cells, 'NA' in line 5"
    ):
        typed("select", folder / "t.csv", *LINEAR, "--target", "visits", "--exclude", "y")
    said = typed("fit", folder / "t.csv", "--missing", "drop", "--epochs", 1, "--hidden", 4)
    assert "5 of 150 rows have missing values and are left out" in said
    assert "'id' is left out: it numbers the rows (1 to 150)" in said  # of the file, not of those that are left


def test_the_search_is_that_of_the_encoder_on_a_frame(folder, monkeypatch):
    """Holes are filled by each fold's own rows; scores, strengths, inputs and predictions are equal to the last bit."""
    monkeypatch.setenv("REGNET_DTYPE", "float64")
    options = ["--missing", "impute", "--save", folder / "m.st", "--json", folder / "s.json"]
    said = typed("select", folder / "t.csv", *LINEAR, *USED, *options)
    for text in (
        "'id' is left out: it numbers the rows (1 to 150)", "'name' is left out: it has 149 different values in 149",
        "'unit' is left out: it is the same in every row", "dates become days since 1970: day",
        "an input each says where there is no value: age, site, day", "149 rows in 5 folds and 0 held out, 4 inputs",
    ):  # fmt: skip
        assert text in said
    found = json.loads((folder / "s.json").read_text())
    table = frame(folder, "visits", "w", "part", "id", "name", "unit")
    y = need("pandas").read_csv(folder / "t.csv")["y"].dropna().to_numpy()
    search = MLPRegressorCV((), n_lambdas=8, preprocessor=TableEncoder(missing="impute"), random_state=0).fit(table, y)
    assert found["lambdas"] == search.lambdas_.tolist()
    assert found["score_mean"] == search.score_mean_.tolist()
    chosen = search.selected_groups_.tolist()
    assert found["selected"] == [name for name, one in zip(search.groups_, chosen, strict=True) if one]
    rows = predicted(folder, "m.st")
    guesses = np.asarray([float(row["y"]) for row in rows])
    np.testing.assert_allclose(np.delete(guesses, 11), search.predict(table), rtol=1e-9)
    assert [float(row["y"]) for row in predicted(folder, "m.st", "new.csv")] == guesses[:40].tolist()


def test_predictions_do_not_depend_on_the_parts_in_which_rows_are_read(folder, monkeypatch):
    typed("select", folder / "t.csv", *LINEAR, *USED, "--missing", "impute", "--save", folder / "m.st")
    whole = predicted(folder, "m.st")
    monkeypatch.setattr(predicting, "CELLS", 9 * 7)
    parts = predicted(folder, "m.st")
    np.testing.assert_allclose(*([float(row["y"]) for row in rows] for rows in (parts, whole)), rtol=1e-12)


def test_numbers_that_are_codes(folder):
    options = ["--missing", "impute", "--factor", "grade", "--save", folder / "m.st", "--json", folder / "s.json"]
    typed("select", folder / "t.csv", *LINEAR, *USED, *options)
    found = json.loads((folder / "s.json").read_text())
    assert found["groups"]["grade"] == ["grade=1", "grade=5", "grade=9"]
    guesses = np.asarray([float(row["y"]) for row in predicted(folder, "m.st")])
    y = need("pandas").read_csv(folder / "t.csv")["y"].to_numpy()
    assert np.corrcoef(np.delete(guesses, 11), np.delete(y, 11))[0, 1] > 0.97


def test_values_that_training_has_not_seen(folder):
    typed("select", folder / "t.csv", *LINEAR, *USED, "--missing", "impute", "--save", folder / "m.st")
    text = (folder / "new.csv").read_text().replace(",w,", ",east,")
    (folder / "east.csv").write_text(text)
    rows = predicted(folder, "m.st", "east.csv")
    saved = load_model(str(folder / "m.st"))
    parts = [part for one in saved.columns for part in one.parts]
    of_west = float(saved.model.params[0].weight[parts.index("site=w"), 0])
    known = [float(row["y"]) for row in predicted(folder, "m.st", "new.csv")]
    for own, before, line in zip(rows, known, text.splitlines()[1:], strict=True):
        assert float(own["y"]) == pytest.approx(before - of_west * (",east," in line), rel=1e-5)
    with pytest.raises(
        ValueError, match=r"column 'site' holds values .* \('east'; the first in line \d+\): leave such rows"
    ):
        predicted(folder, "m.st", "east.csv", "--unseen", "error")


@pytest.mark.parametrize("command", ["fit", "select"])
def test_counts_are_told_from_classes(command, folder):
    """Poisson, whose coefficients are scikit-learn's; the note says how to have it otherwise."""
    options = ["--hidden", "", "--columns", "grade,part", "--target", "visits", "--save", folder / "c.st"]
    more = ["--epochs", 400, "--learning-rate", 0.05, "--test-size", 0, "--batch-size", 0]
    more = more if command == "fit" else ["--lambdas", "1e-7"]
    said = typed(command, folder / "t.csv", *options, *more)
    assert "large ones seldom, and they are taken for counts (Poisson). --task classification" in said
    table = need("pandas").read_csv(folder / "t.csv")
    theirs = PoissonRegressor(alpha=0, tol=1e-10, max_iter=5000).fit(
        table[["grade", "part"]].to_numpy(), table["visits"]
    )
    guesses = [float(row["visits"]) for row in predicted(folder, "c.st")]
    np.testing.assert_allclose(guesses, theirs.predict(table[["grade", "part"]].to_numpy()), rtol=1e-3)
    assert "classification of 'visits'" in typed(
        "fit", folder / "t.csv", *options, "--task", "classification", "--epochs", 1
    )
    with pytest.raises(ValueError, match=r"'y', the target, holds .*, which is no count: take --task regression"):
        typed("fit", folder / "t.csv", "--columns", "grade", "--task", "counts", "--missing", "drop")


def test_weights_and_folds_of_columns(folder, monkeypatch):
    monkeypatch.setenv("REGNET_DTYPE", "float64")
    options = ["--columns", "grade,visits", "--missing", "drop", "--weights", "w", "--fold", "part"]
    said = typed("select", folder / "t.csv", *LINEAR, *options, "--json", folder / "s.json")
    assert "in the 4 folds of the table" in said
    found = json.loads((folder / "s.json").read_text())
    table = need("pandas").read_csv(folder / "t.csv").dropna(subset="y")
    search = MLPRegressorCV((), n_lambdas=8, cv=PredefinedSplit(table["part"]), random_state=0)
    search.fit(table[["grade", "visits"]].to_numpy(float), table["y"].to_numpy(), table["w"].to_numpy(float))
    assert found["score_mean"] == search.score_mean_.tolist()
    assert found["folds"] == 4
    groups = typed("select", folder / "t.csv", *LINEAR, "--columns", "age", "--missing", "drop", "--fold", "name")
    assert "5 folds of 147 groups" in groups
    with pytest.raises(ValueError, match="'age', of --weights, holds 'NA' in line 5: a weight is a finite number"):
        typed("fit", folder / "t.csv", "--columns", "grade", "--missing", "impute", "--weights", "age")


def test_inputs_that_are_kept(folder):
    options = [*USED, "--missing", "impute", "--keep", "day,grade", "--json", folder / "s.json"]
    typed("select", folder / "t.csv", *LINEAR, *options)
    found = json.loads((folder / "s.json").read_text())
    assert min(found["n_selected"]) == 2
    assert {"day", "grade"} <= set(found["selected"])
    with pytest.raises(ValueError, match="--keep: the table has no input 'dya'; did you mean 'day'"):
        typed("select", folder / "t.csv", *LINEAR, *USED, "--missing", "impute", "--keep", "dya")
    with pytest.raises(ValueError, match="--keep: 'unit' is left out of the inputs"):
        typed("select", folder / "t.csv", *LINEAR, *USED, "--missing", "impute", "--keep", "unit")
    with pytest.raises(ValueError, match="--columns is for files; digits is a data set of its own"):
        typed("select", "digits", "--columns", "x1")


@pytest.mark.parametrize("command", ["fit", "select"])
def test_what_a_file_holds_is_shown(command, folder):
    more = ["--epochs", 20, "--input-l1", 0.01] if command == "fit" else ["--n-lambdas", 6]
    typed(command, folder / "t.csv", *USED, "--hidden", 8, "--missing", "impute", *more, "--test-size", 0.2,
          "--save", folder / "m.st")  # fmt: skip
    said = typed("show", folder / "m.st")
    for text in (
        "regression of 'y'",
        "rows of",
        "input_l1",
        "held out: ",
        "inputs used: ",
        "numpy ",
        "made by: regnet",
    ):
        assert text in said
    assert "text: n, s, w" in said
    assert ("chosen by 1se" in said) == (command == "select")
    rows = [line.split() for line in said.splitlines()]
    assert any("dates" in row and "day" in row for row in rows)
    assert any("8" in row and "x" in row and "Relu" in row for row in rows)


def test_names_values_and_the_command_are_shown_as_they_are(tmp_path, monkeypatch):
    """[/b] ended `show` with a traceback, [red] was not shown, and a command was cut into lines of 80 characters."""
    monkeypatch.setattr("sys.argv", ["regnet", "fit", "x" * 200])
    network = Network.mlp([3, 1], loss="squared_error")
    model = Model(network, network.init(np.random.default_rng(0)), placement_of(np.zeros(1)))
    columns = [EncodedColumn("[/b]", "number"), EncodedColumn("s", "factor", ("[/x]", "[red]a"), fill="[red]a")]
    save_model(tmp_path / "m.st", model, columns, target_name="[/y]", classes=None, about={})
    said = typed("show", tmp_path / "m.st")
    for text in ("[/b]", "text: [/x], [red]a", "[/y]", f"made by: regnet fit {'x' * 200}"):
        assert text in said


def test_a_table_without_names_is_found_by_its_number_of_columns(tmp_path):
    """Without the target, which was the first column, every input was its neighbour, and no word was said of it."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y, same, draft = 3 * x[:, :1] + x[:, 1:2], np.full((60, 1), 1.5), rng.standard_normal((60, 1))
    tables = {"t": [y, x[:, :2], same, draft], "new": [x[:, :2], same, draft], "bare": [x[:, :2]], "odd": [x, x]}
    for name, parts in tables.items():
        np.savetxt(tmp_path / f"{name}.csv", np.hstack(parts), delimiter=",", fmt="%.17g")
    typed("select", tmp_path / "t.csv", "--hidden", "", "--lambdas", "0.01", "--target", "column0",
          "--exclude", "column4", "--save", tmp_path / "m.st")  # fmt: skip
    found = [predicted(tmp_path, "m.st", f"{name}.csv") for name in ("t", "new", "bare")]
    assert found[0] == found[1] == found[2]
    assert np.corrcoef([float(row["column0"]) for row in found[0]], y[:, 0])[0, 1] > 0.99
    message = "has 6 columns without names, but the model was trained on 5 with the target, 'column0', and needs 2 of"
    with pytest.raises(ValueError, match=message):
        predicted(tmp_path, "m.st", "odd.csv")


@pytest.mark.parametrize("groups", [4, 50])
def test_rows_of_one_fold_are_held_out_together(groups, folder):
    """Rows of a patient were on both sides, so that the held-out score was of rows whose like were trained on."""
    fold = np.random.default_rng(0).integers(0, groups, ROWS)
    table = read_table(str(folder / "t.csv"), "visits", columns=("grade",))._replace(fold=fold)
    split = split_rows(table, test_size=0.25, seed=0)
    assert not {*fold[split.train]} & {*fold[split.test]}
    assert sorted([*split.train, *split.test]) == list(range(ROWS))
    assert 0.15 < len(split.test) / ROWS < 0.35
    assert len(split_rows(table, test_size=0.0, seed=0).test) == 0
    with pytest.raises(ValueError, match=r"--test-size 0\.99 holds \d+ of the \d+ folds of --fold out whole, and two"):
        split_rows(table, test_size=0.99, seed=0)
    classes = table._replace(task="classification", y=np.where(np.isin(fold, fold[split.test]), "a", "b"))
    with pytest.raises(ValueError, match="all rows of the class 'a' are in the folds that it holds out"):
        split_rows(classes, test_size=0.25, seed=0)


def test_rows_of_weight_0_do_not_scale_the_others(folder):
    """The inputs and the target were standardised by all rows, whatever their weights."""
    table = read_table(str(folder / "t.csv"), "y", columns=("grade", "visits"), missing="drop")
    counted = np.arange(len(table.y)) % 3 > 0
    settings = {"test_size": 0.0, "seed": 0, "scale_inputs": True, "scale_target": True}
    weighted = prepare_table(table._replace(weight=counted.astype(float)), **settings)
    alone = prepare_table(
        table._replace(frame=table.frame.take(np.flatnonzero(counted)), y=table.y[counted]), **settings
    )
    for name in ("x_center", "x_scale", "y_center", "y_scale"):
        np.testing.assert_allclose(getattr(weighted.affine, name), getattr(alone.affine, name), rtol=1e-12)
    with pytest.raises(ValueError, match="All rows to train on have weight 0"):
        prepare_table(table._replace(weight=np.zeros(len(table.y))), **settings)


def test_fit_fills_holes_by_the_rows_to_train_alone(folder):
    table = read_table(str(folder / "t.csv"), "visits", columns=("age", "site"), missing="impute")
    settings = {"test_size": 0.4, "seed": 0, "scale_inputs": False, "scale_target": False}
    split, prepared = split_rows(table, test_size=0.4, seed=0), prepare_table(table, **settings)
    age, site = (table.frame[name].take(split.train).values for name in ("age", "site"))
    assert prepared.columns[0].fill == np.nanmedian(age) != np.nanmedian(table.frame["age"].values)
    values, counts = np.unique(site[site != "NA"].astype(str), return_counts=True)
    assert prepared.columns[1].fill == values[counts.argmax()]
    x = np.concatenate([encode(one, table.frame[one.name]) for one in prepared.columns], axis=1)
    np.testing.assert_array_equal(prepared.x_train, x[split.train])
    np.testing.assert_array_equal(prepared.x_test, x[split.test])


def test_fit_learns_nothing_of_rows_of_weight_0(tmp_path):
    rng = np.random.default_rng(0)
    a, counts = rng.standard_normal(200), np.arange(200) % 4 > 0
    y = np.where(counts, 2.0 * a + 1.0, -50.0 * a)
    path = write(tmp_path / "t.csv", {"a": a, "w": counts.astype(int), "y": y})
    options = ["--hidden", "", "--test-size", 0, "--epochs", 300, "--learning-rate", 0.05]
    typed("fit", path, *options, "--weights", "w", "--save", tmp_path / "m.st")
    typed("predict", tmp_path / "m.st", path, "--output", tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        guesses = np.asarray([float(row["y"]) for row in csv.DictReader(file)])
    np.testing.assert_allclose(guesses, 2.0 * a + 1.0, atol=0.05)
