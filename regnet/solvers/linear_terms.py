"""A linear model's penalty as a solver on the host sees it: tables of strengths, and which inputs are one group."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.networks.strengths import Strengths

__all__ = ["Terms", "terms_of"]


class Terms(NamedTuple):
    """A linear model's penalty: l1, l2 (inputs + 1, outputs), the last row being the bias'; group (inputs + 1,).

    l2, group: None where they are absent; sizes: how many rows each group has, one group after another, which have the
    same strength; None: every row is a group.
    """

    l1: NDArray[np.float64]
    l2: NDArray[np.float64] | None = None
    group: NDArray[np.float64] | None = None
    sizes: NDArray[np.int64] | None = None

    def in_units(self, scale: Any) -> Terms:
        """The same penalty of coefficients that are multiplied by `scale` (inputs + 1, 1)."""
        l2 = None if self.l2 is None else self.l2 / scale**2
        return Terms(self.l1 / scale, l2, None if self.group is None else self.group / scale[:, 0], self.sizes)

    def times(self, strength: float) -> Terms:
        """The penalty that many times."""
        l2 = None if self.l2 is None else self.l2 * strength
        return Terms(self.l1 * strength, l2, None if self.group is None else self.group * strength, self.sizes)

    def of_rows(self, rows: Any) -> Terms:
        """The penalty of some rows, numbers or a slice, which are whole groups."""
        sizes = self.sizes
        if sizes is not None:
            sizes = np.unique(np.repeat(np.arange(len(sizes)), sizes)[rows], return_counts=True)[1]
        l2 = None if self.l2 is None else self.l2[rows]
        return Terms(self.l1[rows], l2, None if self.group is None else self.group[rows], sizes)

    def of_groups(self, values: Any, reduce: Any = np.add) -> Any:
        """One number for each group from one for each row (inputs + 1,): the sum, or by another ufunc."""
        return values if self.sizes is None else reduce.reduceat(values, np.cumsum(self.sizes) - self.sizes)

    def of_each_row(self, values: Any) -> Any:
        """One number for each row from one for each group."""
        return values if self.sizes is None else np.repeat(values, self.sizes)

    def norms(self, values: Any) -> Any:
        """The norm of each group of values (inputs + 1, outputs), (groups,)."""
        return np.sqrt(self.of_groups(np.einsum("ij,ij->i", values, values)))

    @property
    def strengths(self) -> NDArray[np.float64]:
        """Of each group, (groups,); there are groups."""
        if self.group is None:
            raise AssertionError("there are no groups")
        return np.asarray(self.of_groups(self.group, np.maximum))

    def value(self, coefficients: Any) -> float:
        """The part without a gradient everywhere: l1 and groups."""
        value = float(np.vdot(self.l1, np.abs(coefficients)))
        if self.group is not None:
            value += float(self.strengths @ self.norms(coefficients))
        return value


def terms_of(strengths: Strengths, rows: int, outputs: int, /) -> Terms | None:
    """The strengths of one network without hidden layers, as NumPy arrays, for rows = inputs + 1.

    None where there is an L1, be it of the bias alone, beside groups, which is not offered here. A group of one weight
    is an L1. Which rows are one group, the problem is told.
    """

    def table(*values: Any) -> NDArray[np.float64]:
        total = np.zeros(rows * outputs)
        for value in values:
            if value is not None:
                total = total + np.asarray(value, dtype=np.float64).reshape(-1)
        return total.reshape(rows, outputs)

    l1, l2 = table(strengths.l1, strengths.l1_subgradient), table(strengths.l2, strengths.batch_l2)
    group = np.zeros(rows)
    if strengths.group and strengths.group[0] is not None:
        group[:-1] = np.asarray(strengths.group[0], dtype=np.float64).reshape(-1)
    own_l2 = l2 if l2.any() else None
    if outputs == 1 and not strengths.members:
        return Terms(l1 + group[:, None], own_l2)
    if not group.any():
        return Terms(l1, own_l2)
    return None if l1.any() else Terms(l1, own_l2, group)
