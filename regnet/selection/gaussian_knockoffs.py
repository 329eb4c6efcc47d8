"""Gaussian knockoffs: columns with the means and covariances of the table's own, drawn without the targets."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

__all__ = ["GaussianKnockoffs", "in_equal_shares", "least_reconstructable"]

SWEEPS, CLOSE = 50, 1e-2
"""Sweeps over the inputs, at most, and the change of any of them below which no further one is made: every diagonal on

the way gives knockoffs, and what the last digits would add is no power."""


class GaussianKnockoffs:
    """Draws knockoffs X~ of a table X (n, p), as if its rows were normal with covariance R in standard units:

        X~ = X - X R^-1 D + Z C^(1/2),    C = 2 D - D R^-1 D,    Z standard normal (n, p)

    so that cov(X~) = R and cov(X, X~) = R - D: each input can be exchanged with its knockoff without a change of first
    and second moments. R: Ledoit & Wolf's shrinkage estimate of the correlations, which is positive definite for any
    number of rows; D: diag of `least_reconstructable`, or with groups of inputs, which are exchanged whole, blocks of
    R, `in_equal_shares`. A column of one value is its own knockoff. Sources: Candes, Fan, Janson & Lv, Panning for
    gold, JRSS B 80 (2018), section 3.1; Ledoit & Wolf, J. Multivariate Analysis 88 (2004).
    """

    def __init__(self, table: NDArray[np.float64], numbers: NDArray[np.int64] | None = None) -> None:
        """table: (n, p), finite; numbers: of each column's group, (p,), or None."""
        self._table = table = np.asarray(table, dtype=np.float64)
        self._varies = np.ptp(table, axis=0) > 0
        x = table[:, self._varies]
        self._center, self._scale = x.mean(axis=0), x.std(axis=0)
        self._x = (x - self._center) / self._scale
        covariance = ledoit_wolf(self._x, assume_centered=True)[0]  # of ones on the diagonal: shrinkage leaves them
        if numbers is None:
            moved = np.diag(least_reconstructable(covariance))
        else:
            moved = in_equal_shares(covariance, numbers[self._varies])
        self._reduction = np.linalg.inv(covariance) @ moved
        values, vectors = np.linalg.eigh(2.0 * moved - moved @ self._reduction)
        self._root = vectors * np.sqrt(np.maximum(values, 0.0))

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Knockoffs in the table's own units, (n, p)."""
        noise = rng.standard_normal(self._x.shape) @ self._root.T
        drawn = self._table.copy()
        drawn[:, self._varies] = (self._x - self._x @ self._reduction + noise) * self._scale + self._center
        return drawn


def least_reconstructable(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The s, (p,), whose knockoffs and inputs can least be told from one another: the minimum of

        tr(G^-1) = tr(S^-1) + tr((2 R - S)^-1),    G = [[R, R - S], [R - S, R]], S = diag(s)

    by one s_j after the other: with B = (2 R - S)^-1, a = B_jj and b = ||B e_j|| the best change of s_j is
    (1 - b s_j) / (a + b), and keeps 2 R - S positive definite. correlation R: (p, p), positive definite. Source:
    Spector & Janson, Powerful knockoffs via minimizing reconstructability, Annals of Statistics 50 (2022), section 3.
    """
    smallest = float(np.linalg.eigvalsh(correlation)[0])
    s = np.full(len(correlation), min(1.0, smallest))
    inverse = np.linalg.inv(2.0 * correlation - np.diag(s))
    for _ in range(SWEEPS):
        before = s.copy()
        for j in range(len(s)):
            column = inverse[j].copy()
            a, b = float(column[j]), math.sqrt(float(column @ column))
            change = (1.0 - b * s[j]) / (a + b)
            inverse += np.outer(change / (1.0 - change * a) * column, column)
            s[j] += change
        if float(np.abs(s - before).max(initial=0.0)) < CLOSE:
            break
    return s


def in_equal_shares(correlation: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """D = g B, (p, p), for groups, with R's blocks of the groups in B and 0 elsewhere, and 2 R - D no less than 0:

        g = min(1, 2 smallest eigenvalue of B^(-1/2) R B^(-1/2))

    correlation R: (p, p), positive definite; numbers: of each input's group, (p,). Source: Dai & Barber, The knockoff
    filter for FDR control in group-sparse regression, ICML (2016).
    """
    blocks = np.where(numbers[:, None] == numbers, correlation, 0.0)
    root = np.linalg.cholesky(blocks)
    between = np.linalg.solve(root, np.linalg.solve(root, correlation).T)
    return min(1.0, 2.0 * float(np.linalg.eigvalsh(between)[0])) * blocks
