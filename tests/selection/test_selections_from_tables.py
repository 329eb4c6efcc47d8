"""Paths and stability selection of frames with text, dates and holes: the numbers of a matrix that was made by hand."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import need
from sklearn.compose import make_column_transformer
from sklearn.model_selection import KFold
from sklearn.preprocessing import OneHotEncoder

from regnet import MLPClassifier, MLPRegressor, TableEncoder, path, stability_selection

ROWS = 120
RNG = np.random.default_rng(0)
COLUMNS = {
    "a": RNG.standard_normal(ROWS),
    "site": RNG.choice(["north", "south", "west"], ROWS).astype(object),
    "b": RNG.standard_normal(ROWS),
    "team": RNG.choice(["x", "y", "z"], ROWS).astype(object),
    "day": np.datetime64("2024-01-01") + RNG.integers(0, 500, ROWS).astype("m8[D]"),
}
DAYS = (COLUMNS["day"] - np.datetime64("1970-01-01")).astype(np.float64)
Y = 2.0 * COLUMNS["a"] + 5.0 * (COLUMNS["site"] == "west") + 0.008 * DAYS + 0.5 * RNG.standard_normal(ROWS)
GROUPS = ("a", "site", "b", "team", "day")
LABELS = ["a", "site", "site", "site", "b", "team", "team", "team", "day"]
LINEAR = {"hidden_layer_sizes": (), "solver": "newton", "tol": 1e-9, "random_state": 0}
NETWORK = MLPRegressor(**LINEAR)
GROUPED = MLPRegressor(**LINEAR, input_groups=LABELS)
HALVES = {"n_lambdas": 6, "subsamples": 6, "pfer": 3.0}


def frame(library="pandas", **changes):
    return need(library).DataFrame({**COLUMNS, **changes})


def matrix():
    """By scikit-learn's own encoder, in the table's order."""
    front = make_column_transformer(
        ("passthrough", ["a"]), (OneHotEncoder(sparse_output=False), ["site"]), ("passthrough", ["b"]),
        (OneHotEncoder(sparse_output=False), ["team"]), ("passthrough", ["day"]),
    )  # fmt: skip
    return front.fit_transform(need("pandas").DataFrame({**COLUMNS, "day": DAYS}))


def with_holes():
    """Of a number and of a text; the matrix of some of the rows, by pandas alone, with what stands there in those."""
    pandas = need("pandas")
    a, site = COLUMNS["a"].copy(), COLUMNS["site"].copy()
    a[::9], site[4::11] = np.nan, None
    table = frame(a=a, site=site)

    def of_rows(rows):
        own = table.iloc[rows]
        sites = own["site"].fillna(own["site"].value_counts().sort_index().idxmax())
        parts = {"a": own["a"].fillna(own["a"].median()), "a gone": own["a"].isna()}
        parts |= {name: sites == name for name in ("north", "south", "west")} | {"site gone": own["site"].isna()}
        parts |= {"b": own["b"]} | {name: own["team"] == name for name in "xyz"}
        return pandas.DataFrame({**parts, "day": DAYS[rows]}).to_numpy(dtype=np.float64)

    return table, of_rows, ["a"] * 2 + ["site"] * 4 + ["b"] + ["team"] * 3 + ["day"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_path_of_a_frame_is_that_of_its_matrix(library):
    table = frame(library)
    found = path(NETWORK, table, Y, preprocessor="table", n_lambdas=8)
    by_hand = path(GROUPED, matrix(), Y, n_lambdas=8)
    np.testing.assert_allclose(found.lambdas, by_hand.lambdas, rtol=1e-12)
    np.testing.assert_allclose(found.losses, by_hand.losses, rtol=1e-9)
    np.testing.assert_allclose(found.input_norms, by_hand.input_norms, atol=1e-7)
    between = float(np.sqrt(found.lambdas[3] * found.lambdas[4]))
    for ours, theirs in (
        (found.estimators[2], by_hand.estimators[2]),
        (found.at(n_groups=3), by_hand.at(n_groups=3)),
        (found.at(strength=between), by_hand.at(strength=between)),
        (pickle.loads(pickle.dumps(found)).estimators[2], by_hand.estimators[2]),
    ):
        np.testing.assert_allclose(ours.predict(table), theirs.predict(matrix()), rtol=1e-7)
        assert ours[-1].input_groups == LABELS


def test_a_path_tells_of_the_columns_of_the_table():
    found = path(NETWORK, frame(), Y, preprocessor="table", n_lambdas=8)
    assert found.grouping.labels == GROUPS
    assert found.feature_names[:4] == ("a", "site=north", "site=south", "site=west")
    assert found.n_selected_groups[[0, -1]].tolist() == [5, 0]
    assert found.n_selected_groups.tolist() == [int(one[-1].n_selected_groups_) for one in found.estimators]
    kept = found.selected_groups[found.number_with(n_groups=3)]
    assert [name for name, one in zip(GROUPS, kept, strict=True) if one] == ["a", "site", "day"]
    told = found.to_frame()
    assert list(told.columns)[3:] == ["n_selected", "n_selected_groups", "zeros", *(f"norm_{name}" for name in GROUPS)]
    np.testing.assert_allclose(told["norm_site"], np.sqrt((found.input_norms[:, 1:4] ** 2).sum(axis=1)), rtol=1e-6)
    assert "<th>inputs</th>" in found._repr_html_()
    assert "5 to 0 of 5 inputs used" in repr(found)
    assert "<td>5</td><td>a, site, b, team, day</td>" in found._repr_html_()
    need("matplotlib")
    assert {line.get_label() for line in found.plot().axes[0].lines} >= set(GROUPS)
    alone = path(NETWORK, matrix(), Y, n_lambdas=2)
    with pytest.raises(AttributeError, match="the estimator had no input_groups"):
        alone.selected_groups  # noqa: B018
    with pytest.raises(ValueError, match="n_groups=3: the path selects no groups"):
        alone.at(n_groups=3)
    with pytest.raises(ValueError, match=r"n_groups=0: no strength of the path has so few groups. .* they are 5 to 5"):
        path(NETWORK, frame(), Y, preprocessor="table", lambdas=[1e-4]).at(n_groups=0)


def test_validation_rows_of_a_path_are_a_frame_too():
    table = frame()
    given = (table[90:], Y[90:])
    found = path(NETWORK, table[:90], Y[:90], preprocessor="table", n_lambdas=4, validation_data=given)
    np.testing.assert_allclose(found.scores, [one.score(*given) for one in found.estimators], rtol=1e-12)


def test_groups_and_factors_go_by_the_columns_of_the_table():
    pairs = MLPRegressor(**LINEAR, input_groups={"a": "pair", "b": "pair"})
    given = {"preprocessor": "table", "penalty_factor": {"team": 0.0, "day": np.inf}}
    found = path(pairs, frame(), Y, n_lambdas=6, **given)
    assert found.grouping.labels == ("pair", "site", "team", "day")
    assert found.selected_groups[-1].tolist() == [False, False, True, False]
    stable = stability_selection(pairs, frame(), Y, **given, **HALVES)
    assert stable.grouping.labels == found.grouping.labels
    assert stable.stable_groups.tolist() == [True, True, True, False]
    assert stable.q <= 2.0  # of pair and site: team is not penalised, day is left out
    with pytest.raises(ValueError, match="penalty_factor names 'site=w'"):
        path(NETWORK, frame(), Y, preprocessor="table", penalty_factor={"site=w": 2.0})


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_stability_of_a_frame_is_that_of_its_matrix(library):
    found = stability_selection(NETWORK, frame(library), Y, preprocessor="table", **HALVES)
    by_hand = stability_selection(GROUPED, matrix(), Y, **HALVES)
    np.testing.assert_allclose(found.lambdas, by_hand.lambdas, rtol=1e-12)
    np.testing.assert_array_equal(found.frequencies, by_hand.frequencies)
    assert (found.start, found.q, found.bound) == (by_hand.start, by_hand.q, by_hand.bound)
    assert found.stable_groups.tolist() == by_hand.stable_groups.tolist() == [True, True, False, False, True]
    assert f"bound={found.bound:.3g}; 3 of 5 inputs stable: a, site, day)" in repr(found)
    assert "<th>input</th>" in found._repr_html_()
    assert "3 of 5 inputs are stable" in found._repr_html_()
    need("matplotlib")
    assert {line.get_label() for line in found.plot().axes[0].lines} >= set(GROUPS)
    with pytest.raises(AttributeError, match="the estimator had no input_groups"):
        stability_selection(NETWORK, matrix(), Y, **HALVES).stable_groups  # noqa: B018


def test_every_half_has_its_own_fill_and_all_columns():
    """Two networks for each pair of halves, each on a matrix of its own rows' medians and commonest texts."""
    table, of_rows, labels = with_holes()
    lambdas = (0.05, 0.2, 0.5)
    encoder = TableEncoder(missing="impute")
    found = stability_selection(NETWORK, table, Y, preprocessor=encoder, lambdas=lambdas, **HALVES)
    grouped, used = MLPRegressor(**LINEAR, input_groups=labels), []
    for seed in range(3):
        for half, _ in KFold(2, shuffle=True, random_state=seed).split(Y):
            used.append(path(grouped, of_rows(half), Y[half], lambdas=lambdas, companion_l2=1.0).selected)
    np.testing.assert_array_equal(found.frequencies, np.mean(used, axis=0))
    whole = path(NETWORK, table, Y, preprocessor=encoder, lambdas=lambdas)
    by_hand = path(grouped, of_rows(np.arange(ROWS)), Y, lambdas=lambdas)
    np.testing.assert_allclose(whole.input_norms, by_hand.input_norms, atol=1e-7)
    assert whole.feature_names[:2] == ("a", "a is missing")


def test_a_value_that_half_of_the_rows_lack_is_a_column_there():
    site = COLUMNS["site"].copy()
    site[3] = "rare"
    found = stability_selection(NETWORK, frame(site=site), Y, preprocessor="table", **HALVES)
    assert "site=rare" in found.feature_names
    assert found.stable_groups.tolist() == [True, True, False, False, True]


def test_single_values_are_selected_by_weights():
    classifier = MLPClassifier((), solver="newton", random_state=0)
    kinds = np.where(np.median(Y) < Y, "high", "low")
    found = path(classifier, frame(), kinds, penalty="weight_l1", preprocessor="table", n_lambdas=6)
    assert found.grouping is None
    assert "norm_site=west" in found.to_frame().columns
    assert set(found.estimators[1].predict(frame())) == {"high", "low"}


def test_other_transformers_must_make_the_same_columns_of_every_half():
    """Of which columns of either name would count as one."""
    table = frame()[["a", "b", "site"]]
    levels = OneHotEncoder(categories=[["north", "south", "west"]], sparse_output=False)
    front = make_column_transformer((levels, ["site"]), remainder="passthrough", verbose_feature_names_out=False)
    found = stability_selection(NETWORK, table, Y, preprocessor=front, **HALVES)
    assert found.feature_names == ("site_north", "site_south", "site_west", "a", "b")
    front.set_params(onehotencoder=OneHotEncoder(max_categories=2, sparse_output=False))  # the commonest, and others
    with pytest.raises(ValueError, match=r"preprocessor makes other columns of subsample \d than of all rows \('site_"):
        stability_selection(NETWORK, table, Y, preprocessor=front, **HALVES)


@pytest.mark.parametrize("select", [path, stability_selection])
def test_a_frame_that_is_not_encoded_says_what_encodes_it(select):
    with pytest.raises(ValueError, match="X: the column 'site' holds text, 'team' holds text, 'day' holds dates: take"):
        select(NETWORK, frame(), Y)
    with pytest.raises(
        ValueError, match=r"'a' has 14 of 120 cells .* 'site' has 11 of .* value: take TableEncoder\(missing='impute'"
    ):
        select(NETWORK, with_holes()[0], Y, preprocessor="table")
    with pytest.raises(ValueError, match="'preprocessor' parameter"):
        select(NETWORK, frame(), Y, preprocessor="tables")
