"""Columns of text, groups and penalty factors on the command line."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from command_line import called, typed

from regnet import MLPRegressorCV
from regnet.commands.inputs import Inputs, inputs_of, parse_factors, read_groups
from regnet.networks import checkpoint
from regnet.tables.encoding import EncodedColumn
from regnet.tables.files import read_table
from regnet.tables.frame import Frame
from regnet.tables.table import Table

LINEAR = ("--hidden", "", "--n-lambdas", 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table whose y depends on the site, on a, and on p and q; day, b and a row's own name say nothing."""
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    numbers = rng.standard_normal((240, 4))
    site, day = rng.choice(["north", "south", "west"], 240), rng.choice(["fri", "mon", "sun", "tue"], 240)
    effect = 2.0 * (site == "west") - 1.0 * (site == "north")
    y = 1.5 * numbers[:, 0] + effect + numbers[:, 2] - numbers[:, 3] + 0.3 * rng.standard_normal(240)
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "p", "q", "site", "day", "y"])
        writer.writerows([*row, *rest] for row, *rest in zip(numbers, site, day, y, strict=True))
    return folder


def figures(folder, *options):
    typed("select", folder / "t.csv", *LINEAR, *options, "--json", folder / "s.json")
    return json.loads((folder / "s.json").read_text())


def test_the_values_of_a_column_of_text_are_selected_together(folder):
    done = called("select", "t.csv", *LINEAR, "--json", "s.json", "--save", "m.st", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "s.json").read_text())
    assert found["selected"] == ["a", "p", "q", "site"]
    assert "4 of 6 inputs (a, p, q, site)" in done.stdout
    assert found["features"] == 6
    assert found["groups"]["site"] == ["site=north", "site=south", "site=west"]
    assert set(found["groups"]) == {"site", "day"}
    assert max(found["n_selected"]) == 6
    predicted = called("predict", "m.st", "t.csv", "--output", "p.csv", cwd=folder)
    assert predicted.returncode == 0, predicted.stderr
    y, guesses = (
        [float(row["y"]) for row in csv.DictReader((folder / name).read_text().splitlines())]
        for name in ("t.csv", "p.csv")
    )
    assert np.corrcoef(y, guesses)[0, 1] > 0.97
    columns = {one["name"]: one for one in checkpoint.load(folder / "m.st")[1]["columns"]}
    assert columns["day"]["levels"] == ("fri", "mon", "sun", "tue")


def test_values_of_text_may_be_selected_each_by_itself(folder):
    for options in (("--separate-levels",), ("--penalty", "weight_l1")):
        found = figures(folder, *options)
        assert found["features"] == 4 + 3 + 4
        assert found["groups"] == {}
        assert {"a", "p", "q", "site=west"} <= set(found["selected"])


def test_the_numbers_are_those_of_a_search_with_the_same_groups(folder, monkeypatch):
    monkeypatch.setenv("REGNET_DTYPE", "float64")
    found = figures(folder, "--penalty-factor", "q=0.5")
    table = read_table(str(folder / "t.csv"))
    factors = [0.5 if name == "q" else 1.0 for name in table.feature_names]
    search = MLPRegressorCV((), n_lambdas=20, input_groups=table.labels, penalty_factor=factors, random_state=0)
    search.fit(table.x, table.y)
    assert found["lambdas"] == search.lambdas_.tolist()
    assert found["score_mean"] == search.score_mean_.tolist()
    assert found["n_selected"] == search.n_selected_groups_.tolist()
    assert found["score"] == search.scoring_ == "r2"


def test_groups_and_factors_of_a_table(folder):
    found = figures(folder, "--group", "pair=p,b", "--group", "place=site,day", "--penalty-factor", "q=0")
    assert found["groups"]["pair"] == ["b", "p"]
    assert len(found["groups"]["place"]) == 7
    assert found["features"] == 4
    assert min(found["n_selected"]) == 1  # q is never removed
    assert set(found["selected"]) == {"a", "pair", "place", "q"}
    found = figures(folder, "--penalty-factor", "day=inf", "--penalty-factor", "site=0.1", "--penalty-factor", "b=inf")
    assert found["features"] == 4
    assert set(found["selected"]) == {"a", "p", "q", "site"}


def test_a_single_fit_knows_groups_too(folder):
    options = ["--hidden", "8", "--epochs", 60, "--input-l1", 0.06, "--weight-l2", "0,0.01", "--learning-rate", 0.01]
    out = typed("fit", folder / "t.csv", *options, "--penalty-factor", "b=inf", "--save", folder / "f.st")
    assert "inputs used: 4 of 5 (a, p, q, site)" in out
    extra = checkpoint.load(folder / "f.st")[1]
    assert "b" not in extra["feature_names"]
    typed("predict", folder / "f.st", folder / "t.csv", "--output", folder / "p.csv")
    with pytest.raises(ValueError, match="--group is for a penalty on inputs: it needs --penalty input_l1, or of fit"):
        typed("fit", folder / "t.csv", "--group", "pair=p,q", "--epochs", 1)


TABLE = Table(
    Frame(("age", "site", "weight", "height"), 2, lambda name, rows: None),
    (EncodedColumn("age", "number"), EncodedColumn("site", "factor", ("n", "s")), EncodedColumn("weight", "number"),
     EncodedColumn("height", "number")),
    np.zeros(2), "y", "regression", absent=("id",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "factors", "message"),
    [
        (["g"], [], "--group 'g': give LABEL=COLUMN,COLUMN"),
        (["g=age,wieght"], [], "--group: the table has no input 'wieght'; did you mean 'weight' or 'height'"),
        (["g=age,zzz"], [], "has no input 'zzz'; there are age, site=n, site=s, weight, height, site."),
        (["g=age,site", "h=site=n"], [], "'site=n' is in two groups, 'g' and 'h'"),
        (["age=weight,height"], [], "--group 'age' is also the name of an input that is not in it"),
        ([], ["age"], "--penalty-factor 'age': give NAME=NUMBER"),
        ([], ["age=-1"], "--penalty-factor 'age=-1': give NAME=NUMBER, a number of 0 or more"),
        ([], ["=2"], "--penalty-factor '=2': give NAME=NUMBER"),
        ([], ["aeg=2"], "--penalty-factor: the table has no input 'aeg'; did you mean 'age'"),
        (
            [],
            ["site=n=0"],
            r"differs within the group 'site' \(site=n: 0, site=s: 1\): give the group one, by its name",
        ),
        (["g=age,site"], ["age=2"], "differs within the group 'g'"),
        ([], ["age=2", "age=3"], "--penalty-factor: 'age' has two, 2 and 3"),
        ([], ["age,weight=0", "weight=2"], r"--penalty-factor: 'weight' has two, 0 and 2 \(--keep is 0\): give one"),
        ([], ["id=2"], "'id' is left out of the inputs, so that nothing can be said of it"),
        ([], ["age=inf", "site=inf", "weight=inf", "height=inf"], "leaves every input out"),
    ],
)
def test_what_names_no_inputs_is_an_error(groups, factors, message):
    with pytest.raises(ValueError, match=message):
        inputs_of(TABLE, groups, parse_factors(factors), separate=False, together=True)


def test_what_the_options_say_of_columns():
    def read(groups=(), factors=(), separate=False, together=True):
        return inputs_of(TABLE, groups, parse_factors(factors), separate=separate, together=together)

    assert read().labels == ["age", "site", "site", "weight", "height"]
    assert read(together=False) == Inputs(TABLE)
    assert read(separate=True).labels == list(TABLE.feature_names)  # not None, which a search takes for whole columns
    body = read(["body=weight", "body=height"], ["body=0.5", "site=2"])
    assert body.labels == ["age", "site", "site", "body", "body"]
    assert body.factors == [1, 2, 2, 0.5, 0.5]
    assert body.names == ["age", "site", "body"]
    assert body.used([False, False, True, True, True]) == ["site", "body"]
    less = read(factors=["site=inf", "age=2"])
    assert (less.table.feature_names, less.labels, less.factors) == (("age", "weight", "height"), None, [2, 1, 1])
    assert (less.table.frame.columns, less.table.absent) == (("age", "weight", "height"), ("id",))
    one = read(factors=["site=n=inf"], separate=True)  # rows of site n are 0 in all that is left of it
    assert (one.table.feature_names, one.factors) == (TABLE.feature_names, [1, np.inf, 1, 1, 1])
    assert one.names == ["age", "site=s", "weight", "height"]
    assert read(factors=["id=inf"]).table is TABLE
    kept = inputs_of(TABLE, (), parse_factors((), ["age,site"]), separate=False, together=True)
    assert kept.factors == [0, 0, 0, 1, 1]
    assert parse_factors(["age=0", "age=0"], ["age"]) == {"age": 0}


def test_groups_from_a_file(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("column,group\nweight,body\nage,person\nheight,body\n\nsite,person\n")
    assert read_groups(path) == ["body=weight,height", "person=age,site"]
    found = inputs_of(TABLE, read_groups(path), {}, separate=False, together=True)
    assert found.labels == ["person", "person", "person", "body", "body"]
    for text, message in (
        ("a\n", "row 1 is 'a': give"),
        ("a,b,c\n", "row 1 is 'a,b,c'"),
        ("a,b\nc,\n", "row 2 is 'c,'"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_groups(path)
    with pytest.raises(ValueError, match=r"--groups .*none.csv' cannot be read"):
        read_groups(tmp_path / "none.csv")
    assert read_groups(None) == []
