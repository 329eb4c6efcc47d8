"""Which of a grid's strengths is asked for, by its value or by the number of inputs, or groups, that is left there."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_asked", "fewest_inputs", "find_strength"]

ROUNDING = 1e-6
"""Relative distance at which a number means a strength of the grid: one that was printed, or went through float32."""


def check_asked(strength: Any, n_inputs: Any, n_groups: Any) -> None:
    """Raise TypeError or ValueError unless exactly one of them is given, and is a number of its kind."""
    if [strength, n_inputs, n_groups].count(None) != 2:
        raise TypeError("Give one of strength=..., n_inputs=... and n_groups=..., which all say where on the path.")
    if strength is not None and (isinstance(strength, bool) or not isinstance(strength, Real)):
        raise TypeError(f"strength={strength!r} must be a number.")
    for name, count in (("n_inputs", n_inputs), ("n_groups", n_groups)):
        if count is not None and (isinstance(count, bool) or not isinstance(count, Integral) or count < 0):
            raise ValueError(f"{name}={count!r} must be an integer of 0 or more.")


def find_strength(lambdas: NDArray[np.float64], strength: float, /, name: str = "lambdas") -> int | None:
    """The number of the strength on an ascending grid, or None between two of them.

    name: what the reader calls the grid. Raises ValueError outside of it, where no path goes.

    >>> grid = np.array([0.01, 0.1, 1.0])
    >>> find_strength(grid, 0.1), find_strength(grid, 0.2)
    (1, None)
    """
    nearest = int(np.abs(lambdas - strength).argmin())
    if abs(lambdas[nearest] - strength) <= ROUNDING * lambdas[nearest]:
        return nearest
    if not lambdas[0] < strength < lambdas[-1]:
        raise ValueError(
            f"strength={float(strength):g} lies outside of the path, which goes from {lambdas[0]:.6g} to "
            f"{lambdas[-1]:.6g} (nearest: {_nearest(lambdas, strength)}): {_said_of_place(lambdas, strength, name)}fit "
            "with lambdas that reach it."
        )
    return None


def _nearest(lambdas: NDArray[np.float64], strength: float) -> str:
    near = np.sort(np.argsort(np.abs(lambdas - strength), kind="stable")[:2])
    return ", ".join(f"{name:.6g}" for name in lambdas[near])


def _said_of_place(lambdas: NDArray[np.float64], strength: Any, name: str) -> str:
    """The remedy for the number of a strength in place of the strength."""
    if not isinstance(strength, Integral) or not 0 <= int(strength) < len(lambdas):
        return ""
    own = lambdas[int(strength)]
    return f"if the strength with this number is meant, give {name}[{strength}], which is {own:.6g}, or "


def fewest_inputs(
    lambdas: NDArray[np.float64], used: NDArray[Any], usable: NDArray[np.bool_], most: int, /, kind: str = "inputs"
) -> int:
    """The number of the weakest strength at which at most so many inputs (or groups, by kind) are used.

    lambdas: (n,), ascending; used: how many the network of each strength uses, (n,); usable: which of them have not
    diverged, (n,). Strengths between the grid's are not looked at. Raises ValueError if there is none.

    >>> fewest_inputs(np.array([0.01, 0.1, 1.0]), np.array([5, 3, 0]), np.ones(3, bool), 4)
    1
    """
    found = np.flatnonzero(usable & (used <= most))
    if len(found):
        return int(found[0])
    told = f"{used[usable].min()} to {used[usable].max()}" if usable.any() else "none that can be said"
    raise ValueError(
        f"n_{kind}={most}: no strength of the path has so few {kind}. From {lambdas[0]:.6g} to {lambdas[-1]:.6g} "
        f"they are {told}: give stronger lambdas, or a penalty that drops inputs (penalty='input_l1')."
    )
