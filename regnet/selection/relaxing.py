"""Relaxed selections: what a penalised pass selected is trained again, with a part of the penalty or none."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.sweep.spec import SweepSpec

__all__ = ["EXCLUDED", "check_gammas", "named", "relax"]

EXCLUDED = 1e30
"""The penalty factor of an input that a relaxed network must not use."""


def named(name: str, values: NDArray[Any], /) -> str:
    """The name of a pass in the journal, with what an earlier pass decided for it."""
    return f"{name}-{zlib.crc32(np.ascontiguousarray(values, dtype=np.float64).tobytes()):08x}"


def relax(spec: SweepSpec, selected: NDArray[np.bool_], gamma: float, /) -> SweepSpec:
    """The sweep that trains every selection again from new weights, at gamma times the strength that found it.

    spec: the penalised sweep; selected: its inputs, (strengths, folds, restarts, in), of whose groups the rows may say
    nothing. At gamma = 0 no weight of a selected input, and of no later layer, is penalised; 1 is the penalised problem
    on these inputs alone. Source: Meinshausen, Relaxed Lasso, Comput. Stat. Data Anal. 52 (2007).
    """
    factors = np.ones(selected.shape)
    if spec.factors is not None:
        own = np.asarray(spec.factors)
        factors = factors * (own[:, None, :] if own.ndim == 2 else own)
    factors = np.where(spec.whole(selected), gamma * np.where(np.isfinite(factors), factors, 1.0), EXCLUDED)
    mix = replace(spec.mix, companion_l2=gamma * spec.mix.companion_l2)
    if gamma == 0:  # an L2 on what is excluded would only be more of the same
        mix = replace(mix, l1_ratio=1.0)
    name = named("relax" if gamma == 0 else f"relax-{gamma:g}", factors)
    return replace(
        spec, name=name, mix=mix, factors=factors, warm_start=False, screen=False, epochs=spec.epochs_at(0)
    )  # fmt: skip


def check_gammas(gamma: Any, /) -> tuple[float, ...]:
    """The shares of the penalty that are tried, ascending. Raises ValueError for what is no share.

    >>> check_gammas([1, 0, 0.5])
    (0.0, 0.5, 1.0)
    """
    try:
        values = np.atleast_1d(np.asarray(gamma, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.empty(0)
    if not (values.ndim == 1 and len(values) and ((values >= 0) & (values <= 1)).all()):
        raise ValueError(
            f"gamma={gamma!r}: give a number from 0 (refitted without a penalty) to 1 (penalised as it was found), or "
            "a list of them, of which the scores choose."
        )
    return tuple(np.unique(values).tolist())
