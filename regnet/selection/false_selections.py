"""How many inputs of no effect stability selection takes for stable, on average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["expected_false_selections", "weakest_within"]


def expected_false_selections(q: float, inputs: int, threshold: float, pairs: int) -> float:
    """A bound on E[V], the mean number of inputs with a frequency >= threshold that no better than chance selects.

        E[V] <= C q^2 / p,    p = inputs, theta = q / p, B = pairs,
        C = 1 / (2 threshold - 1)                                    whatever is selected how, or, where smaller,
        C = 1 / (2 (2 threshold - 1 - 1 / (2 B)))                    for thresholds up to 3/4,
        C = 4 (1 - threshold + 1 / (2 B)) / (1 + 1 / B)              beyond, both where selection proportions of pairs
                                                                     are unimodal, theta <= 1 / sqrt(3), and the
                                                                     threshold exceeds
                                                                     1/2 + min(theta^2, 1 / (2 B) + 3 theta^2 / 4)

    q: mean number of inputs selected on a half of the rows, at any strength of the range; threshold: in (0.5, 1];
    inputs of no effect: those selected with probability theta or less, all of them if chance treats them alike and
    the others better. Sources: Meinshausen & Buehlmann, JRSS B 72 (2010), theorem 1; Shah & Samworth, JRSS B 75
    (2013), theorems 1 and 2.
    """
    share = q / inputs
    factors = [1.0 / (2.0 * threshold - 1.0)]
    if share <= 3**-0.5 and threshold > 0.5 + min(share**2, 0.5 / pairs + 0.75 * share**2):
        if threshold > 0.75:
            factors.append(4.0 * (1.0 - threshold + 0.5 / pairs) / (1.0 + 1.0 / pairs))
        elif 2.0 * threshold - 1.0 > 0.5 / pairs:
            factors.append(0.5 / (2.0 * threshold - 1.0 - 0.5 / pairs))
    return min(factors) * q * share


def weakest_within(
    selected: NDArray[np.bool_], tolerated: float, inputs: int, threshold: float, pairs: int
) -> tuple[int, float, float]:
    """The longest range of strengths, from the strongest down, whose bound is at most `tolerated`.

    selected: (strengths, halves, features), strengths ascending. Returns the number of the range's weakest strength,
    q (the mean size of the union of selections over the range) and the bound; (strengths, 0, 0) for an empty range.
    """
    unions = np.logical_or.accumulate(selected[::-1], axis=0)
    sizes = unions.sum(axis=2).mean(axis=1)
    start, found = len(sizes), (0.0, 0.0)
    for q in sizes.tolist():
        bound = expected_false_selections(q, inputs, threshold, pairs)
        if bound > tolerated:
            break
        start, found = start - 1, (q, bound)
    return start, *found
