"""Groups of several rows: their norms, prox, residual and values against each group as one array of its own."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import placement, to_numpy
from hypothesis import given
from hypothesis import strategies as st

from regnet import Penalty
from regnet.mathematics import penalties
from regnet.mathematics.row_groups import RowGroups, group_numbers, pool_sums, row_groups, unequal_within

LABELS = ["b", "a", "b", "c", "a", "b", "d"]


def on(place, groups):
    return RowGroups(
        place.put(groups.members, "int32"), place.put(groups.source, "int32"), place.put(groups.share, "float64")
    )


def members_of(labels):
    return [np.flatnonzero(group_numbers(labels) == number) for number in range(len(set(labels)))]


def test_each_group_is_what_it_is_as_one_row(namespace, rng):
    """The group's rows laid side by side are one row of a weight, for which a group is a row."""
    place, groups = placement(namespace), row_groups(LABELS)
    w, grad = rng.standard_normal((7, 3)), rng.standard_normal((7, 3))
    w[[1, 4]] = 0
    strength = np.asarray([0.8, 2.0, 0.8, 0.3, 2.0, 0.8, 0.0])[:, None]
    given = [place.put(array) for array in (w, grad, strength)]
    members = on(place, groups)
    norms = to_numpy(place, penalties.group_norms(given[0], members))
    prox = to_numpy(place, penalties.group_prox(given[0], given[2], members))
    rest = to_numpy(place, penalties.sparse_group_residual(given[0], given[1], given[2], given[2], members))
    means = to_numpy(place, penalties.mean_of_groups(given[0], members))
    value = 0.0
    for rows in members_of(LABELS):
        own, pull, one = w[rows].reshape(1, -1), grad[rows].reshape(1, -1), strength[rows[:1]]
        np.testing.assert_allclose(norms[rows], penalties.row_norms(own)[0, 0], rtol=1e-14)
        np.testing.assert_allclose(means[rows], own.mean(), rtol=1e-13)
        np.testing.assert_allclose(prox[rows].reshape(1, -1), penalties.group_prox(own, one), rtol=1e-13)
        np.testing.assert_allclose(
            rest[rows].reshape(1, -1), penalties.sparse_group_residual(own, pull, one, one), rtol=1e-12, atol=1e-15
        )
        value += penalties.group_value(own, one)[0, 0]
    found = to_numpy(place, penalties.group_value(given[0], given[2], members))
    assert found[0, 0] == pytest.approx(value, rel=1e-14)
    assert (prox[[1, 4]] == 0).all()


def test_rows_of_their_own_keep_their_bits(namespace, rng):
    place = placement(namespace)
    values = rng.standard_normal((7, 1))
    pooled = to_numpy(place, pool_sums(place.put(values), on(place, row_groups(LABELS))))
    np.testing.assert_array_equal(pooled[[3, 6]], values[[3, 6]])


@pytest.mark.parametrize(("scale", "dtype"), [(1e-25, "float32"), (1e170, "float64")])
def test_groups_whose_squares_are_no_numbers(scale, dtype, namespace, rng):
    place = placement(namespace, dtype)
    drawn = rng.standard_normal((7, 3))
    members = on(place, row_groups(LABELS))._replace(share=place.put(row_groups(LABELS).share))
    norms = to_numpy(place, penalties.group_norms(place.put((scale * drawn).astype(dtype)), members))[:, 0]
    for rows in members_of(LABELS):
        np.testing.assert_allclose(norms[rows] / scale, np.linalg.norm(drawn[rows]), rtol=1e-6)


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 40), kinds=st.integers(1, 12))
def test_networks_of_a_stack_have_their_own_groups_and_bits(seed, rows, kinds):
    """Also where another network has larger groups, and more of them."""
    rng = np.random.default_rng(seed)
    labels = np.stack([np.arange(rows) // 2, rng.integers(0, kinds, rows)])
    values = rng.random((2, rows, 1))
    together = pool_sums(values, row_groups(labels))
    for k in range(2):
        alone = row_groups(labels[k])
        np.testing.assert_array_equal(together[k], values[k] if alone is None else pool_sums(values[k], alone))
        np.testing.assert_allclose(
            together[k, :, 0], [values[k, labels[k] == one].sum() for one in labels[k]], rtol=1e-13
        )


def test_one_description_of_groups_serves_a_whole_stack(rng):
    values, groups = rng.random((3, 7, 1)), row_groups([LABELS])
    assert groups.members.shape[0] == 1
    for k in range(3):
        np.testing.assert_array_equal(pool_sums(values, groups)[k], pool_sums(values[k], row_groups(LABELS)))


def test_labels_are_numbered_in_their_order():
    assert group_numbers(LABELS).tolist() == [0, 1, 0, 2, 1, 0, 3]
    assert row_groups(np.arange(4)) is None
    assert unequal_within([[1, 1], [1, 2]], [[0.0, 0.0], [1.0, 2.0]]) is None
    assert unequal_within([[1, 1], [2, 2]], [[0.0, 0.0], [1.0, 2.0]]) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"groups": 3}, "one label per input"),
        ({"groups": ["a", "b", "a"], "penalty_factor": [1.0, 1.0, 2.0]}, "differs within group 'a'"),
    ],
)
def test_groups_that_cannot_be(given, words):
    with pytest.raises(ValueError, match=words):
        Penalty(group_l1=1.0, **given)
