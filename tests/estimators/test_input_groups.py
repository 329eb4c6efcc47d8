"""`input_groups` and `penalty_factor` of single networks: whole groups, on every library, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from conftest import missing, need
from sklearn.base import clone

from regnet import Adam, MLPClassifier, MLPRegressor, config_context

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LABELS = ["a", "b", "a", "c", "b", "b", "d", "c"]
"""Groups of 2, 3, 2 and 1 columns; only those of a and d have an effect."""


def table(rng, n=120):
    x = rng.standard_normal((n, 8))
    return x, 2.0 * x[:, 0] - x[:, 2] + x[:, 6] + 0.1 * rng.standard_normal(n)


@pytest.mark.parametrize("solver", ["adam", "fista", Adam(0.01)], ids=str)
def test_columns_of_a_group_leave_together(solver, fast, rng):
    x, y = table(rng)
    found = MLPRegressor(
        hidden_layer_sizes=(6,), solver=solver, input_l1=0.1, weight_l2=[0.0, 0.05], input_groups=LABELS,
        learning_rate_init=0.01, max_iter=400, n_iter_no_change=400, tol=1e-6, random_state=0,
    ).fit(x, y)  # fmt: skip
    assert found.groups_ == ("a", "b", "c", "d")
    assert found.selected_groups_.tolist() == [True, False, False, True]
    assert found.n_selected_groups_ == 2
    assert found.selected_features_.tolist() == [label in ("a", "d") for label in LABELS]
    small = found.compact()
    assert small.input_groups == ["a", "a", "d"]
    assert small.groups_ == ("a", "d")
    np.testing.assert_allclose(small.predict(x), found.predict(x), rtol=1e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(found)).selected_groups_, found.selected_groups_)


@pytest.mark.parametrize("library", ["numpy", "torch", "jax.numpy", "array_api_strict"])
def test_every_library_trains_the_same_groups(library, rng):
    """In float64 against NumPy's arrays without numba: Adam's metric of a group, its prox, its optimality."""
    reason = missing(library.removeprefix("array_api_").removesuffix(".numpy"))
    if reason:
        pytest.skip(reason)
    x, y = table(rng)
    settings = {"hidden_layer_sizes": (5,), "input_l1": 0.05, "weight_l2": [0.0, 0.02], "input_groups": LABELS,
                "penalty_factor": [1, 2, 1, 0, 2, 2, 1, 0], "max_iter": 15, "random_state": 0}  # fmt: skip
    with config_context(fast=False):
        expected = MLPRegressor(**settings).fit(x, y)
    if library == "numpy":
        with config_context(fast=True):
            found = MLPRegressor(**settings).fit(x, y)
    else:
        xp = pytest.importorskip(library)
        found = MLPRegressor(**settings).fit(*(xp.asarray(array) for array in (x, y)))
    for ours, theirs in zip(found.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-9)
    assert found.kkt_residual_ == pytest.approx(expected.kkt_residual_, rel=1e-8)
    assert [bool(one) for one in found.selected_groups_] == expected.selected_groups_.tolist()
    assert found.n_selected_groups_ == expected.n_selected_groups_


def test_groups_of_one_column_are_no_groups(fast, rng):
    x, y = table(rng)
    settings = {"hidden_layer_sizes": (4,), "input_l1": 0.05, "max_iter": 10, "random_state": 0}
    plain, grouped = MLPRegressor(**settings), MLPRegressor(**settings, input_groups=list("abcdefgh"))
    for one, other in zip(plain.fit(x, y).coefs_, grouped.fit(x, y).coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert grouped.selected_groups_.tolist() == grouped.selected_features_.tolist()
    assert not hasattr(plain, "selected_groups_")


def test_names_say_which_columns_belong_together(rng):
    x, y = table(rng)
    frame = need("pandas").DataFrame(x, columns=list("pqrstuvw"))
    settings = {"hidden_layer_sizes": (), "solver": "newton", "input_l1": 0.2, "tol": 1e-9}
    by_name = MLPRegressor(**settings, input_groups={"p": 1, "r": 1}, penalty_factor={"v": 0.0, "w": np.inf})
    by_number = MLPRegressor(
        **settings, input_groups=[1, "q", 1, "s", "t", "u", "v", "w"], penalty_factor=[1, 1, 1, 1, 1, 1, 0, np.inf]
    ).fit(x, y)
    np.testing.assert_array_equal(by_name.fit(frame, y).coefs_[0], by_number.coefs_[0])
    assert by_name.groups_ == by_number.groups_ == (1, "q", "s", "t", "u", "v", "w")
    small = by_name.compact()
    assert small.input_groups == {"p": 1, "r": 1}
    assert small.penalty_factor == {"v": 0.0}


@pytest.mark.parametrize("solver", ["adam", "fista", "lbfgs"])
def test_a_column_that_is_left_out_has_no_weight(solver, rng):
    """The others are trained as if its column were 0, and predictions do not depend on it."""
    x, y = table(rng)
    without = x.copy()
    without[:, 0] = 0
    settings = {"hidden_layer_sizes": (3,), "solver": solver, "weight_l2": 1e-2, "max_iter": 30, "random_state": 0}
    found = clone(MLPRegressor(**settings, penalty_factor=[np.inf, *[1.0] * 7]))
    found.fit(x, y)
    assert not found.coefs_[0][0].any()
    assert found.coefs_[0][1:].all()
    np.testing.assert_array_equal(found.predict(x), found.predict(without))


@pytest.mark.parametrize("solver", ["adam", "sgd", Adam(0.01)], ids=str)
@pytest.mark.parametrize("namespace", ["numpy", "torch", "jax"])
def test_a_column_that_is_left_out_later_has_no_weight_at_once(solver, namespace, rng):
    """What earlier calls of partial_fit gathered for it does not move it either, and the others go on."""
    if missing(namespace):
        pytest.skip(str(missing(namespace)))
    x, y = table(rng)
    network = MLPRegressor(
        hidden_layer_sizes=(3,), solver=solver, momentum=0.9, learning_rate_init=0.01, random_state=0
    )
    with config_context(backend=namespace):
        for _ in range(3):
            network.partial_fit(x, y)
        before = np.asarray(network.coefs_[0]).copy()
        network.set_params(penalty_factor=[np.inf, *[1.0] * 7])
        for _ in range(2):
            network.partial_fit(x, y)
    assert before[0].all()
    assert not network.coefs_[0][0].any()
    assert (network.coefs_[0][1:] != before[1:]).all()


GROUPS = {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"input_groups": ["a", "b"]}, ValueError, "input_groups has 2 entries, but there are 3 columns"),
        ({"input_groups": "aab"}, ValueError, "input_groups"),
        ({"input_groups": {"a": 1, "z": 1}}, ValueError, "input_groups names 'z'.*the columns are a, b, c"),
        ({"input_groups": {"a": "c", "b": "c"}}, ValueError, "also the name of a column"),
        ({"input_groups": ["a", None, "b"]}, ValueError, "lacks a label"),
        ({"input_groups": np.ma.masked_greater([1, 2, 3], 2)}, ValueError, "input_groups is a masked array"),
        ({"input_groups": np.asarray(1.0)}, TypeError, r"input_groups is ndarray of shape \(\): give one"),
        ({"input_groups": [["a"], "b", "b"]}, TypeError, "must be text or a number"),
        ({"penalty_factor": {"z": 1}}, ValueError, "penalty_factor names 'z'"),
        ({"penalty_factor": [1, -1, 1]}, ValueError, "negative or NaN"),
        ({"penalty_factor": [1, np.nan, 1]}, ValueError, "negative or NaN"),
        ({"penalty_factor": [1, "x", 1]}, TypeError, "penalty_factor holds text"),
        ({"input_groups": GROUPS, "penalty_factor": [1, 2, 1]}, ValueError, "differs within group 1 of input_groups"),
        (
            {"solver": "newton", "input_groups": GROUPS, "input_l1": 0.1, "weight_l1": 0.1},
            ValueError, "input_l1 of several outputs, or of input_groups",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(given, kind, words, rng):
    frame = need("pandas").DataFrame(rng.standard_normal((20, 3)), columns=list("abc"))
    with pytest.raises(kind, match=words):
        MLPClassifier(hidden_layer_sizes=(), **given).fit(frame, np.arange(20) % 2)


def test_labels_of_pandas(rng):
    pandas, X, y = need("pandas"), rng.standard_normal((20, 3)), np.arange(20.0)
    with pytest.raises(ValueError, match="input_groups lacks a label"):
        MLPRegressor(input_groups=["a", pandas.NA, "b"]).fit(X, y)
    with pytest.raises(TypeError, match=r"input_groups is DataFrame of shape \(3, 1\): give one entry per column"):
        MLPRegressor(input_groups=pandas.DataFrame({"a": [1, 2, 3]})).fit(X, y)


def test_a_dict_needs_names(rng):
    with pytest.raises(ValueError, match="the columns have no names"):
        MLPRegressor(input_groups={"a": 1}).fit(rng.standard_normal((20, 3)), np.arange(20.0))
