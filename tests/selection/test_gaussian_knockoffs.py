"""Knockoffs by their moments, and the diagonal that tells them apart from their inputs."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from regnet.selection.gaussian_knockoffs import GaussianKnockoffs, in_equal_shares, least_reconstructable


def autoregressive(inputs, correlation=0.5):
    return correlation ** np.abs(np.subtract.outer(np.arange(inputs), np.arange(inputs)))


def test_first_and_second_moments_are_the_inputs_own():
    """cov(X~) = R and cov(X, X~) = R - D; standard errors of 40,000 rows are 0.005."""
    rng, R = np.random.default_rng(0), autoregressive(6)
    X = rng.standard_normal((40_000, 6)) @ np.linalg.cholesky(R).T
    both = np.cov(np.hstack([X, GaussianKnockoffs(X).draw(rng)]).T)
    np.testing.assert_allclose(both[6:, 6:], R, atol=0.03)
    np.testing.assert_allclose(both[:6, 6:], R - np.diag(least_reconstructable(R)), atol=0.03)


def test_the_diagonal_is_the_minimum():
    """Of tr(G^-1), by a solver that knows nothing of coordinates; all inputs are told apart equally if alike."""
    for R in (autoregressive(5), np.full((4, 4), 0.6) + 0.4 * np.eye(4), autoregressive(3, -0.9)):

        def loss(s, R=R):
            eigenvalues = np.linalg.eigvalsh(2 * R - np.diag(s))
            return np.inf if min(*s, *eigenvalues) <= 0 else (1 / s).sum() + (1 / eigenvalues).sum()

        found = least_reconstructable(R)
        best = minimize(loss, np.full(len(R), 0.5 * np.linalg.eigvalsh(R)[0]), method="Nelder-Mead",
                        options={"maxiter": 4000, "xatol": 1e-8, "fatol": 1e-10})  # fmt: skip
        assert loss(found) <= best.fun * (1 + 1e-3)
    np.testing.assert_allclose(least_reconstructable(np.eye(3)), 1.0)
    np.testing.assert_allclose(least_reconstructable(np.eye(1)), 1.0)


def test_groups_are_exchanged_whole():
    """cov(X, X~) = R outside the groups' blocks, and in them at its smallest in proportion to R."""
    rng, R, numbers = np.random.default_rng(0), autoregressive(6, 0.8), np.array([0, 0, 1, 2, 2, 2])
    X = rng.standard_normal((40_000, 6)) @ np.linalg.cholesky(R).T
    both = np.cov(np.hstack([X, GaussianKnockoffs(X, numbers).draw(rng)]).T)
    moved = in_equal_shares(R, numbers)
    np.testing.assert_allclose(both[6:, 6:], R, atol=0.03)
    np.testing.assert_allclose(both[:6, 6:], R - moved, atol=0.03)
    np.testing.assert_array_equal(moved != 0, numbers[:, None] == numbers)
    np.testing.assert_allclose(np.linalg.eigvalsh(2 * R - moved)[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(in_equal_shares(np.eye(3), np.array([0, 0, 1])), np.eye(3))


def test_units_do_not_matter_and_constants_stay(rng):
    X = rng.standard_normal((30, 4))
    plain = GaussianKnockoffs(X).draw(np.random.default_rng(1))
    table = np.c_[X * [1e-6, 1.0, 3.0, 1e6] + [0.0, 5.0, -7.0, 1e7], np.full(30, 0.3)]
    other = GaussianKnockoffs(table).draw(np.random.default_rng(1))
    np.testing.assert_allclose(other[:, :4], plain * [1e-6, 1.0, 3.0, 1e6] + [0.0, 5.0, -7.0, 1e7], rtol=1e-6)
    np.testing.assert_array_equal(other[:, 4], 0.3)


def test_more_inputs_than_rows_and_columns_given_twice(rng):
    X = rng.standard_normal((20, 25))
    X = np.c_[X, X[:, :2]]
    drawn = GaussianKnockoffs(X).draw(rng)
    assert drawn.shape == X.shape
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=1.5)
