"""Evidence against chance: thresholds by their definition, and bounds over every way that coins can fall."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from regnet.selection.false_discoveries import draw_evidence, select_by_evidence, signed_max


def slowly(statistics, share, *, plus_alone=False):
    """T and the e-values, tried one by one."""
    for t in [*sorted(set(np.abs(statistics[statistics != 0]).tolist())), np.inf]:
        positive, negative = sum(w >= t for w in statistics), sum(w <= -t for w in statistics)
        if t < np.inf and ((negative == 0 and not plus_alone) or 1 + negative <= share * positive):
            break
    e = [len(statistics) / (1 + negative) if w >= t else 0.0 for w in statistics]
    return (t, e) if t < np.inf else (t, [0.0] * len(statistics))


def selected(statistics, fdr):
    """By one draw."""
    values, _ = draw_evidence(statistics, fdr)
    return values >= select_by_evidence(values, fdr)


def test_the_signed_maximum_turns_its_sign_with_the_pair(rng):
    own, other = rng.integers(0, 5, (2, 3, 40)).astype(float)
    found = signed_max(own, other)
    np.testing.assert_array_equal(found, -signed_max(other, own))
    np.testing.assert_array_equal(np.abs(found), np.where(own == other, 0.0, np.maximum(own, other)))


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.9])
def test_thresholds_are_the_first_that_meet_the_condition(share, rng):
    for _ in range(60):
        shift = rng.choice([0.0, 2.0])
        statistics = np.round(rng.normal(shift, 2.0, rng.integers(1, 40)))  # with ties and zeros
        values, threshold = draw_evidence(statistics, share)
        slow_threshold, slow_values = slowly(statistics, share)
        assert threshold == slow_threshold
        np.testing.assert_array_equal(values, slow_values)


@pytest.mark.parametrize("fdr", [0.1, 0.2, 0.5])
def test_one_draw_selects_what_knockoff_plus_selects(fdr, rng):
    some = 0
    for _ in range(100):
        statistics = np.round(rng.normal(rng.choice([0.0, 1.0, 3.0]), 2.0, 30), 1)
        threshold, _ = slowly(statistics, fdr, plus_alone=True)
        np.testing.assert_array_equal(selected(statistics, fdr), statistics >= threshold)
        some += np.isfinite(threshold)
    assert some > 10


@pytest.mark.parametrize("real", [0, 3, 6])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_evidence_and_false_shares_are_bounded_over_all_coins(share, real, rng):
    """Nine inputs of no effect with signs of every kind, among real ones: means over all 512, not samples of them."""
    sizes = np.r_[rng.permutation(9) + 1.0, rng.choice([2.5, 5.5, 9.5, 11.0], real)]
    evidence, false = [], []
    for signs in product([-1.0, 1.0], repeat=9):
        statistics = sizes * np.r_[signs, np.ones(real)]
        evidence.append(draw_evidence(statistics, share)[0][:9].sum())
        chosen = selected(statistics, share)
        false.append(chosen[:9].sum() / max(chosen.sum(), 1))
    assert np.mean(evidence) <= 9 + real
    assert np.mean(evidence) > 0.0
    assert np.mean(false) <= share


def test_the_selection_is_the_largest_that_bears_itself_out(rng):
    for _ in range(50):
        values = np.round(rng.exponential(1.0, 25) ** 3, 1)
        fdr = float(rng.choice([0.1, 0.2, 0.5]))
        sizes = [k for k in range(1, 26) if np.sum(values >= 25 / (fdr * k)) >= k]
        threshold = select_by_evidence(values, fdr)
        assert threshold == (25 / (fdr * max(sizes)) if sizes else np.inf)
    assert select_by_evidence(np.zeros(4), 0.5) == np.inf
    assert select_by_evidence(np.full(4, 2.0), 0.5) == 2.0
