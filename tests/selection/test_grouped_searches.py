"""Searches over groups of columns, and penalty factors in searches, paths and stability selection."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sweeps import same, small

from regnet import MLPClassifierCV, MLPRegressor, MLPRegressorCV, path, stability_selection
from regnet.estimators.grouping import Grouping
from regnet.selection.adaptive import adaptive_factors

LABELS = ["a", "b", "a", "c", "b", "b", "d", "c", "e", "e"]


def table(n=120, seed=0):
    """Groups a, of columns 0 and 2, and d, column 6, have an effect."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, len(LABELS)))
    return x, 2.0 * x[:, 0] - x[:, 2] + 1.5 * x[:, 6] + 0.3 * rng.standard_normal(n)


def kept(found):
    return {label for label, used in zip(found.groups_, found.selected_groups_, strict=True) if used}


def are_whole(selected, labels):
    numbers = np.unique(labels, return_inverse=True)[1]
    parts = [np.asarray(selected)[..., numbers == number] for number in range(numbers.max() + 1)]
    return all((part.all(axis=-1) == part.any(axis=-1)).all() for part in parts)


def short(**settings):
    """A search of small networks over the groups, in little time."""
    given = {"hidden_layer_sizes": (4,), "max_iter": 25, "lambdas": (0.01, 0.1, 0.4), "cv": 2, "input_groups": LABELS}
    return small(**{**given, **settings})


@pytest.mark.parametrize("settings", [{}, {"warm_start": False}, {"relax": True}, {"batch_size": 20}], ids=str)
def test_whole_groups_are_selected(settings, fast):
    x, y = table(60)
    found = short(**settings).fit(x, y)
    assert {"a", "d"} <= kept(found)
    assert are_whole(found.selected_features_, LABELS)
    assert are_whole(found.input_norms_ > 0, LABELS)
    assert found.n_selected_groups_.shape == (3,)
    assert found.best_estimator_.n_selected_groups_ == len(kept(found))
    assert found.best_estimator_.input_groups == LABELS


def test_a_network_has_the_bits_that_it_has_alone(tmp_path, fast):
    """In blocks of one, and in a search that goes on; other groups are another search."""
    x, y = table(60)
    found = short(sweep_dir=tmp_path).fit(x, y)
    for cell in list(tmp_path.glob("*/*.npz"))[::2]:
        cell.unlink()
    same(found, short(sweep_dir=tmp_path).fit(x, y))
    same(found, short(memory_limit=1).fit(x, y))
    with pytest.raises(ValueError, match=r"another problem: .*input_groups differ"):
        short(sweep_dir=tmp_path, input_groups=sorted(LABELS)).fit(x, y)


def test_groups_of_one_column_change_no_bit():
    x, y = table()
    same(short(input_groups=None).fit(x, y), short(input_groups=range(10)).fit(x, y))
    linear = MLPRegressorCV((), n_lambdas=8, random_state=0)
    same(linear.fit(x, y), MLPRegressorCV((), n_lambdas=8, random_state=0, input_groups=range(10)).fit(x, y))


@pytest.mark.parametrize("classes", [False, True])
def test_linear_searches_select_whole_groups(classes):
    x, y = table()
    if classes:
        found = MLPClassifierCV((), input_groups=LABELS, n_lambdas=10, cv=3, random_state=0)
        found.fit(x, np.digitize(y, [-1.0, 1.0]))
    else:
        found = MLPRegressorCV((), input_groups=LABELS, n_lambdas=10, cv=3, random_state=0).fit(x, y)
    assert {"a", "d"} <= kept(found)
    assert are_whole(found.path_.selected, LABELS)
    assert found.n_selected_groups_[-1] == 0
    assert found.path_.n_selected_groups[0] == 5


def test_wide_tables_are_screened_by_groups(fast):
    """Lanes without their dead groups, in blocks of one or together."""
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((60, 300)), np.repeat(np.arange(110), [5] * 40 + [2] * 30 + [1] * 40)
    y = 2 * x[:, 0] - 2 * x[:, 1] + 2 * x[:, 299] + 0.1 * rng.standard_normal(60)
    settings = {"max_iter": 60, "lambdas": (0.01, 0.05, 0.3), "cv": 2, "input_groups": labels}
    found = small(**settings).fit(x, y)
    assert {0, 109} <= kept(found)
    assert found.n_selected_groups_[-1] <= 4
    assert are_whole(found.path_.selected, labels)
    same(found, small(**settings, memory_limit=1).fit(x, y))


def test_adaptive_factors_of_groups():
    """A group's norm is the root mean square of its inputs'; the largest one is of an input that is penalised."""
    groups = Grouping(("a", "b", "c"), np.asarray([0, 1, 0, 2]))
    norms = [[3.0, 1.0, 4.0, 50.0]]
    mean = np.sqrt(12.5)
    np.testing.assert_allclose(adaptive_factors(norms, groups=groups), [[50 / mean, 50.0, 50 / mean, 1.0]])
    found = adaptive_factors(norms, groups=groups, factors=np.asarray([1.0, np.inf, 1.0, 0.0]))
    np.testing.assert_allclose(found, [[1.0, np.inf, 1.0, 0.0]])


def factors(zero=(), infinite=(), count=10):
    given = np.ones(count)
    given[list(zero)], given[list(infinite)] = 0.0, np.inf
    return given


@pytest.mark.parametrize(("hidden", "warm_start"), [((), True), ((), False), ((4,), True)])
def test_a_factor_keeps_an_input_or_leaves_it_out(hidden, warm_start):
    """At the strongest strength of its own range a search has the inputs that are kept and no others."""
    x, y = table()
    given = {"hidden_layer_sizes": hidden, "warm_start": warm_start, "n_lambdas": 4, "cv": 2, "random_state": 0}
    found = MLPRegressorCV(**given, max_iter=None if not hidden else 40, penalty_factor=factors([8], [0])).fit(x, y)
    assert found.selected_features_[[0, 8]].tolist() == [False, True]
    assert (found.input_norms_[:, 8] > 0).all()
    assert not found.input_norms_[:, 0].any()
    assert found.n_selected_[-1] == 1
    assert found.best_estimator_.penalty_factor[[0, 8]].tolist() == [np.inf, 0.0]
    changed = x.copy()
    changed[:, 0] = np.random.default_rng(1).standard_normal(len(x))
    same(found, MLPRegressorCV(**found.get_params()).fit(changed, y))


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
@pytest.mark.parametrize("solver", ["auto", "fista"])
def test_the_strongest_strength_leaves_what_is_not_penalised(solver, loss):
    """Just there: a thousandth less, and an input comes in."""
    if loss == "huber" and solver == "auto":
        pytest.skip("'auto' is a solver that does not go on to the minimum")
    x, y = table()
    y = np.exp(0.3 * y) if loss == "poisson" else y
    given = {"hidden_layer_sizes": (), "loss": loss, "solver": solver, "cv": 3, "random_state": 0, "select": "min"}
    given |= {"penalty_factor": factors([0, 5]) * np.linspace(1.0, 2.0, 10), "standardize": loss != "poisson"}
    (largest,) = MLPRegressorCV(**given, n_lambdas=1).fit(x, y).lambdas_
    found = MLPRegressorCV(**given, lambdas=[0.999 * largest, largest]).fit(x, y)
    assert found.n_selected_.tolist()[1] == 2
    assert found.n_selected_[0] > 2


def test_paths_and_stability_selection_know_groups_and_factors():
    x, y = table()
    mlp = MLPRegressor(hidden_layer_sizes=(), solver="newton", input_groups=LABELS, random_state=0, tol=1e-9)
    given = factors([3, 7], [8, 9])
    found = path(mlp, x, y, n_lambdas=10, penalty_factor=given)
    assert found.n_selected_groups[[0, -1]].tolist() == [4, 1]
    assert found.selected[-1].tolist() == (given == 0).tolist()
    assert are_whole(found.selected, LABELS)
    between = found.at(strength=float(np.sqrt(found.lambdas[4] * found.lambdas[5])))
    assert found.n_selected_groups[4] >= between.n_selected_groups_ >= found.n_selected_groups[5]
    assert are_whole(between.selected_features_, LABELS)
    assert between.penalty_factor.tolist() == given.tolist()
    stable = stability_selection(mlp, x, y, n_lambdas=6, subsamples=10, penalty_factor=given, pfer=2.0)
    assert stable.stable.tolist() == [label in ("a", "c", "d") for label in LABELS]
    assert stable.frequencies[:, [3, 7]].min() == 1.0
    assert stable.frequencies[:, [8, 9]].max() == 0.0
    assert stable.q <= 3.0  # of groups a, b and d: c is not penalised, e is left out


COLOURS = OneHotEncoder(categories=[["red", "green", "blue"]], sparse_output=False)


def frame(n=90):
    rng = np.random.default_rng(3)
    colour = rng.choice(["red", "green", "blue"], n)
    numbers = rng.standard_normal((n, 3))
    data = need("pandas").DataFrame({"colour": colour, "p": numbers[:, 0], "q": numbers[:, 1], "r": numbers[:, 2]})
    return data, (colour == "red") * 2.0 + numbers[:, 1] + 0.2 * rng.standard_normal(n)


def encoded(**more):
    settings = {"n_lambdas": 10, "cv": 3, "random_state": 0, **more}
    encoder = make_column_transformer(
        (COLOURS, ["colour"]), remainder=StandardScaler(), verbose_feature_names_out=False
    )
    return MLPRegressorCV((), **{"preprocessor": encoder, **settings})


def test_columns_behind_a_preprocessor_are_named_by_it():
    levels = {"colour_red": "colour", "colour_green": "colour", "colour_blue": "colour"}
    found = encoded(input_groups=levels, penalty_factor={"p": 0.0, "r": np.inf}).fit(*frame())
    assert found.groups_ == ("colour", "p", "q", "r")
    assert kept(found) == {"colour", "p", "q"}
    listed = encoded(input_groups=["colour"] * 3 + ["p", "q", "r"], penalty_factor=[1, 1, 1, 0, 1, np.inf])
    np.testing.assert_array_equal(found.cv_scores_, listed.fit(*frame()).cv_scores_)
    assert found.best_estimator_[-1].groups_ == found.groups_


def test_columns_of_a_frame_are_named_by_it():
    x, y = table()
    named = need("pandas").DataFrame(x, columns=list("pqrstuvwxy"))
    given = {"n_lambdas": 8, "cv": 3, "random_state": 0}
    found = MLPRegressorCV((), input_groups={"p": "a", "r": "a"}, penalty_factor={"y": np.inf}, **given).fit(named, y)
    listed = MLPRegressorCV((), input_groups=["a", "q", "a", *"stuvwxy"], penalty_factor=[1] * 9 + [np.inf], **given)
    same(found, listed.fit(x, y))
    assert found.groups_ == ("a", "q", *"stuvwxy")
    assert kept(found) >= {"a", "v"}


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"input_groups": {"colour": 1}}, ValueError, "input_groups names 'colour'.*colour_red, colour_green"),
        ({"input_groups": [1, 1]}, ValueError, "input_groups has 2 entries, but there are 6 columns behind the prep"),
        ({"penalty_factor": [1, 1]}, ValueError, "X has 6 features behind the preprocessor, penalty_factor has shape"),
        ({"penalty_factor": [0, 0, 0, np.inf, np.inf, 0]}, ValueError, "penalty_factor is 0 or inf for every column"),
        ({"penalty_factor": {"p": -1.0}}, ValueError, "penalty_factor holds a number that is negative or NaN"),
        (
            {"penalty_factor": [1, 2, 1, 1, 1, 1], "input_groups": [1, 1, 1, 2, 3, 4]},
            ValueError, "differs within group 1 of input_groups",
        ),
        ({"input_groups": [1] * 6, "penalty": "weight_l1"}, ValueError, "input_groups is for selections of inputs"),
        ({"penalty_factor": [1] * 6, "penalty": "alpha"}, ValueError, "penalty_factor multiplies penalties on inputs"),
        (
            {"preprocessor": FunctionTransformer(lambda x: x[["p", "q"]]), "input_groups": {"p": 1}},
            ValueError, "preprocessor does not name its columns",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(given, kind, words):
    with pytest.raises(kind, match=words):
        encoded(**given).fit(*frame())


def test_other_columns_in_a_fold_are_refused():
    class Varying(FunctionTransformer):
        """Names a column by the rows that it was fitted on."""

        def get_feature_names_out(self, input_features=None):
            return np.asarray(["p", f"q{self.seen}"])

        def fit(self, x, y=None):
            self.seen = len(x)
            return super().fit(x, y)

    search = encoded(preprocessor=Varying(lambda x: x[["p", "q"]].to_numpy()), input_groups={"p": 1})
    with pytest.raises(ValueError, match="preprocessor makes other columns of fold 0 than of all rows \\('q60'"):
        search.fit(*frame())


def test_a_path_has_the_factors_and_not_its_estimator():
    x, y = table()
    with pytest.raises(ValueError, match="give it to the path"):
        path(MLPRegressor(penalty_factor=[1.0] * 10), x, y)
