"""Linear models under a group lasso against block coordinate descent, which shares nothing with the solvers here."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import MLPRegressor, MLPRegressorCV

LABELS = np.repeat(np.arange(6), [1, 2, 3, 4, 5, 6])
"""Groups of 1 to 6 columns; the table has them in another order."""

FACTORS = np.asarray([1.0, 0.0, 2.0, 1.0, 0.5, 1.0])


def problem(rng, outputs):
    order = rng.permutation(len(LABELS))
    x = rng.standard_normal((80, len(LABELS))) @ (np.eye(len(LABELS)) + 0.2 * rng.standard_normal((len(LABELS),) * 2))
    beta = rng.standard_normal((len(LABELS), outputs)) * np.isin(LABELS[order], [0, 2, 3])[:, None]
    return x, x @ beta + rng.standard_normal((80, outputs)), LABELS[order]


def block_descent(x, y, labels, strength):
    """Minimises mean ||y - x b - c||^2 / 2 + strength * sum_g factor_g sqrt(|g| outputs) ||b_g||_F; (p, outputs)."""
    n, outputs = len(x), y.shape[1]
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    beta, rest = np.zeros((x.shape[1], outputs)), y.copy()
    blocks = []
    for number, factor in enumerate(FACTORS):
        own = np.flatnonzero(labels == number)
        blocks.append((own, strength * factor * np.sqrt(len(own) * outputs), np.linalg.norm(x[:, own], 2) ** 2 / n))
    for _ in range(20_000):
        before = beta.copy()
        for own, threshold, bend in blocks:
            target = beta[own] + x[:, own].T @ rest / n / bend
            norm = np.linalg.norm(target)
            moved = target * max(0.0, 1.0 - threshold / bend / norm) if norm else target
            rest -= x[:, own] @ (moved - beta[own])
            beta[own] = moved
        if np.abs(beta - before).max() < 1e-12:
            return beta
    raise AssertionError("no convergence")


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("solver", ["newton", "fista"])
def test_three_strengths(solver, outputs, rng):
    x, y, labels = problem(rng, outputs)
    for strength in (0.5, 0.1, 0.02):
        found = MLPRegressor(
            hidden_layer_sizes=(), solver=solver, input_l1=strength, input_groups=labels,
            penalty_factor=FACTORS[labels], tol=1e-10, max_iter=20_000,
        ).fit(x, y if outputs > 1 else y[:, 0])  # fmt: skip
        expected = block_descent(x, y, labels, strength)
        np.testing.assert_allclose(found.coefs_[0], expected, atol=1e-8)
        used = {int(label) for label in labels[expected.any(axis=1)]}
        assert {label for label, kept in zip(found.groups_, found.selected_groups_, strict=True) if kept} == used
    assert 1 < len(used) < 6 or strength == 0.02


def test_a_search_finds_the_same_and_begins_where_only_what_is_free_is_left(rng):
    x, y, labels = problem(rng, 1)
    found = MLPRegressorCV(
        (), input_groups=labels, penalty_factor=FACTORS[labels], standardize=False, n_lambdas=12, random_state=0
    ).fit(x, y[:, 0])
    for strength, one in list(zip(found.lambdas_, found.path_.estimators, strict=True))[3::4]:
        np.testing.assert_allclose(one.coefs_[0], block_descent(x, y, labels, strength), atol=1e-7)
    free = FACTORS[labels] == 0
    assert found.path_.selected[-1].tolist() == free.tolist()
    assert found.n_selected_groups_[-1] == 1
    assert block_descent(x, y, labels, 0.999 * found.lambdas_[-1])[~free].any()
