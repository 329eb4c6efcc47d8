"""A line search for one function: the step that decreases it enough and flattens its slope enough.

Source: More & Thuente, Line search algorithms with guaranteed sufficient decrease, ACM TOMS 20 (1994); parameters as
L-BFGS-B has them (Zhu, Byrd, Lu, Nocedal, ACM TOMS 23, 1997).
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import NamedTuple

__all__ = ["Trial", "line_search"]

SUFFICIENT_DECREASE = 1e-3
CURVATURE = 0.9
BRACKET_TOLERANCE = 0.1
LONGEST = 1e10
MOST_TRIALS = 20


class Trial(NamedTuple):
    """A step length with the function's value and slope along the line there."""

    step: float
    value: float
    slope: float


def line_search(start: Trial, first: float, /) -> Generator[float, tuple[float, float], bool]:
    """Yields step lengths to try, is sent (value, slope) at each; returns whether the last one may be taken.

    start: step 0, slope < 0. first: the first step to try. The step taken satisfies the strong Wolfe conditions
    value <= start.value + 1e-3 * step * start.slope and |slope| <= 0.9 |start.slope|, or the bracket has become so
    short that rounding decides. A value that is not finite counts as too high.
    """
    needed = SUFFICIENT_DECREASE * start.slope
    best = other = start
    bracketed = relaxed = False
    width, width_before = LONGEST, 2 * LONGEST
    low, high, step = 0.0, 5.0 * first, first
    for _ in range(MOST_TRIALS):
        value, slope = yield step
        if not (math.isfinite(value) and math.isfinite(slope)):
            # No cubic fits an infinite value: come back towards the best point, which is finite.
            other, bracketed = Trial(step, math.inf, math.inf), True
            low, high = sorted((best.step, step))
            step = best.step + 0.1 * (step - best.step)
            continue
        trial = Trial(step, value, slope)
        ceiling = start.value + step * needed
        if not relaxed and value <= ceiling and slope >= 0:
            relaxed = True
        if value <= ceiling and abs(slope) <= CURVATURE * -start.slope:
            return True
        if bracketed and (step <= low or step >= high or high - low <= BRACKET_TOLERANCE * high):
            return True
        if step == LONGEST and value <= ceiling and slope <= needed:
            return True
        if not relaxed and value <= best.value and value > ceiling:
            # Until a point below the ceiling has been seen, minimise the distance to it instead of the function.
            lifted = [_tilt(point, -needed) for point in (best, other, trial)]
            best, other, step, bracketed = _next(lifted[0], lifted[1], lifted[2], bracketed, low, high)
            best, other = _tilt(best, needed), _tilt(other, needed)
        else:
            best, other, step, bracketed = _next(best, other, trial, bracketed, low, high)
        if bracketed:
            if abs(other.step - best.step) >= 0.66 * width_before:
                step = best.step + 0.5 * (other.step - best.step)
            width_before, width = width, abs(other.step - best.step)
            low, high = sorted((best.step, other.step))
        else:
            low, high = step + 1.1 * (step - best.step), step + 4.0 * (step - best.step)
        step = min(max(step, 0.0), LONGEST)
        if bracketed and (step <= low or step >= high or high - low <= BRACKET_TOLERANCE * high):
            step = best.step
    return False


def _tilt(point: Trial, slope: float) -> Trial:
    return Trial(point.step, point.value + slope * point.step, point.slope + slope)


def _next(
    best: Trial, other: Trial, trial: Trial, bracketed: bool, low: float, high: float
) -> tuple[Trial, Trial, float, bool]:
    """The new best point, the other end of the interval, the next step, and whether a minimum is bracketed."""
    opposite = trial.slope * math.copysign(1.0, best.slope) < 0
    if trial.value > best.value:
        cubic, quadratic = _cubic(best, trial), _quadratic(best, trial)
        near = abs(cubic - best.step) < abs(quadratic - best.step)
        return best, trial, cubic if near else cubic + 0.5 * (quadratic - cubic), True
    if opposite:
        cubic, secant = _cubic(trial, best), _secant(best, trial)
        step = cubic if abs(cubic - trial.step) > abs(secant - trial.step) else secant
        return trial, best, step, True
    if abs(trial.slope) < abs(best.slope):
        cubic, secant = _cubic_beyond(best, trial, low, high), _secant(best, trial)
        closer = abs(cubic - trial.step) < abs(secant - trial.step)
        if bracketed:
            step, limit = cubic if closer else secant, trial.step + 0.66 * (other.step - trial.step)
            return trial, other, min(step, limit) if trial.step > best.step else max(step, limit), True
        return trial, other, min(max(secant if closer else cubic, low), high), False
    if bracketed:
        step = _cubic(trial, other) if math.isfinite(other.value) else 0.5 * (trial.step + other.step)
        return trial, other, step, True
    return trial, other, high if trial.step > best.step else low, False


def _cubic_terms(a: Trial, b: Trial) -> tuple[float, float]:
    """Theta and gamma of the cubic through two values and slopes; gamma has the sign of b - a."""
    theta = 3.0 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope))
    radicand = (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale) if scale else 0.0
    return theta, math.copysign(scale * math.sqrt(max(radicand, 0.0)), b.step - a.step)


def _cubic(a: Trial, b: Trial) -> float:
    """The minimum, between them, of the cubic through a and b."""
    theta, gamma = _cubic_terms(a, b)
    denominator = (gamma - a.slope) + gamma + b.slope
    return a.step + ((gamma - a.slope) + theta) / denominator * (b.step - a.step) if denominator else a.step


def _cubic_beyond(best: Trial, trial: Trial, low: float, high: float) -> float:
    """The minimum of the cubic if it lies beyond the trial, else the end of the allowed range."""
    theta, gamma = _cubic_terms(trial, best)
    denominator = (gamma + (best.slope - trial.slope)) + gamma
    ratio = ((gamma - trial.slope) + theta) / denominator if denominator else 0.0
    if ratio < 0 and gamma != 0:
        return trial.step + ratio * (best.step - trial.step)
    return high if trial.step > best.step else low


def _quadratic(a: Trial, b: Trial) -> float:
    """The minimum of the parabola through a's value and slope and b's value."""
    return a.step + a.slope / ((a.value - b.value) / (b.step - a.step) + a.slope) / 2.0 * (b.step - a.step)


def _secant(a: Trial, b: Trial) -> float:
    """Where the slope of the parabola through both slopes vanishes."""
    return b.step + b.slope / (b.slope - a.slope) * (a.step - b.step)
