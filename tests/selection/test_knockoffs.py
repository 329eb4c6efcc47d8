"""`knockoff_selection`: which of a pair is which does not matter, and real inputs beat their knockoffs."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import need

from regnet import MLPClassifier, MLPRegressor, knockoff_selection
from regnet.estimators.grouping import Grouping
from regnet.selection.false_discoveries import signed_max, used_more

LINEAR = MLPRegressor(hidden_layer_sizes=(), solver="newton", max_iter=1000, random_state=0)
NETWORK = MLPRegressor(hidden_layer_sizes=(6,), learning_rate_init=1e-2, max_iter=20, random_state=0)
FEW = {"fdr": 0.2, "draws": 3, "n_lambdas": 6}


def table(rng, rows=200, inputs=16, real=7):
    X = rng.standard_normal((rows, inputs))
    return X, X[:, :real].sum(axis=1) + 0.5 * rng.standard_normal(rows)


def test_groups_of_inputs_are_selected_whole(rng):
    """Eight groups of two: in the first four one input is real, and the other goes with it."""
    X = rng.standard_normal((200, 16))
    X[:, 1::2] = 0.8 * X[:, ::2] + 0.6 * X[:, 1::2]
    y = X[:, 0] - X[:, 2] + X[:, 5] + X[:, 6] + 0.5 * rng.standard_normal(200)
    labels = [f"pair {number // 2}" for number in range(16)]
    network = MLPRegressor(**NETWORK.get_params() | {"input_groups": labels})
    found = knockoff_selection(network, X, y, **FEW | {"fdr": 0.3, "draws": 5})
    assert found.statistics.shape == (5, 8)
    assert found.selected_groups[:4].all()
    assert found.selected_groups[4:].sum() <= 1
    np.testing.assert_array_equal(found.selected, np.repeat(found.selected_groups, 2))
    assert f"{found.selected_groups.sum()} of 8 groups selected: pair 0, pair 1" in repr(found)
    assert "<th>group</th>" in found._repr_html_()
    with pytest.raises(AttributeError, match="the estimator had no input_groups"):
        knockoff_selection(LINEAR, X, y, **FEW).selected_groups  # noqa: B018
    with pytest.raises(ValueError, match=r"a selection has 10 groups or more \(1 / fdr\), and only 8 of X vary"):
        knockoff_selection(network, X, y, fdr=0.1)


def test_groups_of_one_are_the_inputs(rng):
    X, y = table(rng, rows=60)
    knockoffs = rng.standard_normal(X.shape)
    alone = knockoff_selection(LINEAR, X, y, knockoffs=knockoffs, **FEW)
    one_each = MLPRegressor(**LINEAR.get_params() | {"input_groups": list(range(16))})
    found = knockoff_selection(one_each, X, y, knockoffs=knockoffs, **FEW)
    np.testing.assert_allclose(found.statistics, alone.statistics, atol=1e-6)


def test_statistics_of_groups_are_of_their_norms(rng):
    """Pairs of columns (0, 2) and (1, 3), of which the second is the other way round."""
    norms, lambdas = rng.uniform(size=(3, 1, 8)), np.array([1.0, 2.0, 4.0])
    groups = Grouping(("a", "b"), np.array([0, 1, 0, 1]))
    found = used_more(norms, lambdas, np.array([[False, True]]), groups)

    def area(*columns):
        return np.trapezoid(np.sqrt((norms[:, 0, list(columns)] ** 2).sum(axis=1)), lambdas)

    own, other = np.array([area(0, 2), area(5, 7)]), np.array([area(4, 6), area(1, 3)])
    np.testing.assert_allclose(found[0], signed_max(own, other))


def test_statistics_turn_their_signs_where_pairs_are_exchanged(rng):
    norms, lambdas = rng.uniform(size=(5, 3, 8)), np.geomspace(0.1, 1.0, 5)
    swapped = rng.random((3, 4)) < 0.5
    found = used_more(norms, lambdas, swapped)
    exchanged = np.concatenate([norms[:, :, 4:], norms[:, :, :4]], axis=2)
    np.testing.assert_array_equal(found, -used_more(exchanged, lambdas, swapped))
    np.testing.assert_array_equal(found, used_more(exchanged, lambdas, ~swapped))
    np.testing.assert_allclose(np.abs(found[0, 0]), np.trapezoid(norms[:, 0], lambdas, axis=0)[[0, 4]].max())
    assert used_more(norms[:1], lambdas[:1], swapped).shape == (3, 4)


def test_only_the_exchanged_inputs_lose_to_what_was_their_knockoff(rng):
    """A linear model has one minimum, whatever the order of its columns."""
    X, y = table(rng)
    knockoffs = rng.standard_normal(X.shape)
    plain = knockoff_selection(LINEAR, X, y, knockoffs=knockoffs, **FEW)
    exchange = np.arange(16) % 3 == 0
    other = knockoff_selection(
        LINEAR, np.where(exchange, knockoffs, X), y, knockoffs=np.where(exchange, X, knockoffs), **FEW
    )
    np.testing.assert_allclose(other.lambdas, plain.lambdas)
    np.testing.assert_allclose(other.statistics, np.where(exchange, -1.0, 1.0) * plain.statistics, atol=1e-6)
    assert plain.statistics.shape == (1, 16)
    assert (plain.statistics[0, :7] > np.abs(plain.statistics[0, 7:]).max()).all()


@pytest.mark.parametrize("estimator", [LINEAR, NETWORK])
def test_real_inputs_are_found_and_noise_is_not(estimator, rng):
    X, y = table(rng)
    found = knockoff_selection(estimator, X, y, **FEW | {"draws": 5})
    assert found.selected[:7].all()
    assert found.selected[7:].sum() <= 2
    assert found.n_selected == found.selected.sum()
    assert found.threshold == pytest.approx(16 / (0.2 * found.n_selected))
    nothing = knockoff_selection(estimator, X[:, 7:], rng.standard_normal(200), **FEW | {"draws": 5})
    assert (nothing.n_selected, nothing.threshold) == (0, np.inf)
    assert repr(nothing) == "KnockoffResult(fdr=0.2, draws=5; 0 of 9 inputs selected)"


def test_a_draw_depends_on_random_state_and_its_number(rng):
    """NumPy: a network of a stack has the bits that it has alone."""
    X, y = table(rng, rows=60)
    three = knockoff_selection(NETWORK, X, y, **FEW)
    again = knockoff_selection(NETWORK, X, y, **FEW | {"draws": 2})
    np.testing.assert_array_equal(three.statistics[:2], again.statistics)
    other = knockoff_selection(MLPRegressor(**NETWORK.get_params() | {"random_state": 1}), X, y, **FEW)
    assert (other.statistics != three.statistics).any()
    np.testing.assert_array_equal(  # strengths are the targets' alone
        three.lambdas, knockoff_selection(NETWORK, X[::-1], y, **FEW | {"draws": 1}).lambdas
    )


def test_knockoffs_share_no_random_numbers_with_a_table_of_the_same_seed():
    """default_rng([0, 0, 0]) is default_rng(0): noise of that kind would be the inputs themselves."""
    X, y = table(np.random.default_rng(0))
    found = knockoff_selection(LINEAR, X, y, **FEW)
    assert (found.statistics[:, :7] > np.abs(found.statistics[:, 7:]).max()).all()


def test_classes_names_and_pictures(rng):
    X, y = table(rng, inputs=20)
    frame = need("pandas").DataFrame(X, columns=[f"input {number}" for number in range(20)])
    labels = np.where(y > 1.5, "high", np.where(y < -1.5, "low", "middle"))
    classifier = MLPClassifier((), solver="newton", random_state=0)
    found = knockoff_selection(classifier, frame, labels, penalty="weight_l1", **FEW)
    assert found.feature_names[:2] == ("input 0", "input 1")
    assert found.selected[:7].sum() >= 6
    assert "draws=3" in repr(found)
    assert "input 0" in repr(found)
    need("matplotlib")
    figure = found.plot()
    assert figure.axes[0].get_yticklabels()[0].get_text() in found.feature_names[:7]
    figure.canvas.draw()


def test_constants_are_left_out_and_weights_count(rng):
    X, y = table(rng)
    wide = np.c_[X, np.full(len(X), 0.3)]
    with pytest.warns(UserWarning, match="one value in all rows: x16"):
        found = knockoff_selection(LINEAR, wide, y, **FEW)
    assert not found.statistics[:, 16].any()
    assert not found.selected[16]
    assert found.selected[:7].all()
    weight = np.r_[np.ones(100), np.zeros(100)]
    garbled = np.where(weight > 0, y, 100.0)
    found = knockoff_selection(LINEAR, X, garbled, sample_weight=weight, **FEW)
    assert found.selected[:7].all()


def test_a_row_without_weight_does_not_matter(rng):
    """Its target decided the range of strengths, and so the selection."""
    x = rng.standard_normal((100, 12))
    y, weight = x[:, :6] @ np.full(6, 0.5) + rng.standard_normal(100), np.r_[0.0, np.ones(99)]
    network = MLPRegressor(hidden_layer_sizes=(), solver="newton", random_state=3)
    for standardize in (True, False):
        found, other = (
            knockoff_selection(
                network, x, np.r_[first, y[1:]], sample_weight=weight, fdr=0.2, draws=2, standardize=standardize,
                knockoffs=None,
            )
            for first in (0.0, 1e6)
        )  # fmt: skip
        np.testing.assert_array_equal(found.statistics, other.statistics)
        np.testing.assert_array_equal(found.lambdas, other.lambdas)


def test_more_inputs_than_rows_are_warned_of(rng):
    X, y = table(rng, rows=30, inputs=40)
    with pytest.warns(UserWarning, match=r"fewer rows \(30\) than inputs \(40\).*shrinkage.*Give knockoffs="):
        found = knockoff_selection(LINEAR, X, y, **FEW)
    assert np.isfinite(found.statistics).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fdr": 0.0}, "fdr=0.0 must lie in"),
        ({"fdr": 1}, "fdr=1 must lie in"),
        ({"fdr": "low"}, "fdr='low' must lie in"),
        ({"fdr": np.nan}, "fdr=nan must lie in"),
        ({"fdr": 0.05}, r"fdr=0\.05: a selection has 20 inputs or more .* only 16 of X vary.*stability_selection"),
        ({"draws": 0}, "draws=0 must be an integer"),
        ({"draws": 2.5}, "draws=2.5 must be an integer"),
        ({"weakest": 1.0}, "weakest=1.0 must lie in"),
        ({"penalty": "weight_l2"}, "selects no inputs"),
        ({"knockoffs": np.ones((200, 15))}, r"knockoffs has the shape \(1, 200, 15\), and X \(200, 16\)"),
        ({"knockoffs": np.full((200, 16), np.nan)}, "knockoffs must be finite"),
    ],
)
def test_bad_settings_say_what_is_wrong(settings, message):
    X, y = table(np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        knockoff_selection(LINEAR, X, y, **FEW | settings)


def test_bad_estimators_and_tables_say_what_is_wrong():
    X, y = table(np.random.default_rng(0))
    with pytest.raises(TypeError, match="give an MLPClassifier or MLPRegressor of regnet"):
        knockoff_selection(object(), X, y)
    with pytest.raises(ValueError, match="X holds more than numbers: column 0: text"):
        knockoff_selection(LINEAR, np.where(X > 0, "a", "b"), y, **FEW)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        knockoff_selection(LINEAR, X, y[:-1], **FEW)
