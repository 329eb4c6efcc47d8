"""From importances of inputs and of their knockoffs to a selection whose mean share of false inputs is bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.estimators.grouping import Grouping

__all__ = ["draw_evidence", "select_by_evidence", "signed_max", "used_more"]


def signed_max(own: NDArray[np.float64], knockoff: NDArray[np.float64]) -> NDArray[np.float64]:
    """W = max(Z, Z~) sign(Z - Z~), elementwise: exchanging an input with its knockoff turns its sign, nothing else.

    Z, Z~ >= 0: importances. Source: Barber & Candes, Annals of Statistics 43 (2015), section 2.2.
    """
    return np.maximum(own, knockoff) * np.sign(own - knockoff)


def used_more(
    norms: NDArray[np.floating[Any]],
    lambdas: NDArray[np.float64],
    swapped: NDArray[np.bool_],
    groups: Grouping | None = None,
) -> NDArray[np.float64]:
    """W (draws, features) of the norms (strengths, draws, 2 features) along the path; of groups (draws, groups).

    swapped: whose knockoff comes first, (draws, features or groups).
    """
    pair = np.split(norms.astype(np.float64), 2, axis=-1)
    pair = pair if groups is None else [groups.norms(one) for one in pair]
    first, second = (np.asarray(np.trapezoid(one, lambdas, axis=0)) if len(lambdas) > 1 else one[0] for one in pair)
    return np.where(swapped, signed_max(second, first), signed_max(first, second))


def draw_evidence(statistics: NDArray[np.float64], share: float) -> tuple[NDArray[np.float64], float]:
    """e-values (p,) of one draw's statistics W (p,), and the threshold T that they were cut at:

        e_j = p 1{W_j >= T} / (1 + V),    V = #{k: W_k <= -T}
        T = the smallest t among |W| and infinity with V(t) = 0 or 1 + V(t) <= share #{k: W_k >= t}

    An input of no effect has a sign of W that is a fair coin's, given all |W|; T looks at the signs from the smallest
    |W| upwards, and stops. Hence E[#{false j: W_j >= T} / (1 + V(T))] <= 1 as for knockoff+, so that the mean of the
    false inputs' e-values sums to p at most. Knockoff+ (and Ren & Barber's e-values) have the second condition alone,
    and an infinite T where only few inputs are real; the first one lets them count. Sources: Barber & Candes, Annals
    of Statistics 43 (2015), lemma 1; Candes et al., JRSS B 80 (2018), section 3; Ren & Barber, JRSS B 86 (2024).
    """
    sizes = np.unique(np.abs(statistics[statistics != 0]))
    ordered = np.sort(statistics)
    above = len(ordered) - np.searchsorted(ordered, sizes, side="left")  # W >= t
    below = np.searchsorted(ordered, -sizes, side="right")  # W <= -t
    ends = np.flatnonzero((below == 0) | (1.0 + below <= share * above))
    if not len(ends):
        return np.zeros(len(statistics)), float("inf")
    first = int(ends[0])
    return np.where(statistics >= sizes[first], len(statistics) / (1.0 + below[first]), 0.0), float(sizes[first])


def select_by_evidence(values: NDArray[np.float64], fdr: float) -> float:
    """The least e-value that is selected, p / (fdr k), k = the largest number with k e-values of p / (fdr k) or more.

    values: (p,), of means that sum to p at most over the false inputs, whatever depends on what: the mean share of
    those among the selected is then at most fdr. Infinity where none is selected. Source: Wang & Ramdas, False
    discovery rate control with e-values, JRSS B 84 (2022), on e-BH.
    """
    bounds = len(values) / (fdr * np.arange(1, len(values) + 1))
    enough = np.flatnonzero(np.sort(values)[::-1] >= bounds * (1.0 - 1e-12))  # beyond the rounding of means
    return float(bounds[enough[-1]]) if len(enough) else float("inf")
