"""The answer to "my held-out accuracy stays below the training accuracy: is my code wrong?", from the figures."""

from __future__ import annotations

from typing import Any

__all__ = ["answer"]


def answer(penalty: str, finding: Any, metric: str, counts: tuple[int, ...]) -> str:
    """One sentence on the gap under a penalty: its sign as its interval has it, and how often a seed shows the other.

    finding: see `Finding`; counts: rows to train on, held out, held out and measured alone too, fresh.
    """
    gap = finding.gap
    if not gap.low * gap.high > 0.0:  # NaN too: of one seed
        seeds = f"These {finding.above.total} seeds" if finding.above.total > 1 else "One seed"
        return (
            f"{seeds} cannot tell whether your code is wrong: with {penalty} training {metric} minus held-out {metric} "
            f"is {_size(gap.mean, metric)} {_interval(gap.low, gap.high, metric)}; {_often(finding, counts)}."
        )
    low, high = sorted((abs(gap.low), abs(gap.high)))
    size = f"by {_size(abs(gap.mean), metric)} {_interval(low, high, metric)}; {_often(finding, counts)}."
    if gap.mean > 0.0:
        return (
            f"Your code need not be wrong: with {penalty} a correct training ends with the held-out {metric} below "
            f"that of training, {size}"
        )
    return (
        f"Held-out {metric} below that of training would be unusual here, so look at your code: with {penalty} it is "
        f"above, {size}"
    )


def _size(value: float, metric: str) -> str:
    return f"{100.0 * value:.2f} points" if metric == "accuracy" else f"{value:.3f} {metric}"


def _interval(low: float, high: float, metric: str) -> str:
    scale, digits = (100.0, 2) if metric == "accuracy" else (1.0, 3)
    return f"(95 % interval {scale * low:.{digits}f} to {scale * high:.{digits}f})"


def _often(finding: Any, counts: tuple[int, ...]) -> str:
    """How many seeds have held-out rows above, by the number of these rows."""
    _, large, small, _ = counts
    above, few = finding.above, finding.above_subset
    told = f"held out is above in {above.hits} of {above.total} seeds with {large:,} rows held out"
    if small == large:
        return told
    # Few of the held-out rows have the same gap as all of them on average: a seed that shows another sign has drawn it.
    by_chance = ", by chance" if 0 < few.hits < few.total and finding.gap.low > 0.0 else ""
    return f"{told}, and in {few.hits} with {small:,}{by_chance}"
