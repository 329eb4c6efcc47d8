"""Which columns of a search's tables belong together, and their penalty factors: of what a preprocessor makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regnet.estimators.grouping import Grouping, check_factors, factors_of, grouping_of
from regnet.selection.settings import Estimator, SweepSettings
from regnet.sweep.fold import Fold
from regnet.tables.encoder import TableEncoder

__all__ = ["Columns", "columns_of"]

FACTORS = ("input_l1", "weight_l1", "weight_l2")
"""Penalties on what each input's weights are, which a factor multiplies."""


class Columns(NamedTuple):
    """grouping: None where each column is alone; factors: (columns,), infinite for those left out, or None."""

    grouping: Grouping | None = None
    factors: NDArray[np.float64] | None = None


def columns_of(settings: SweepSettings, template: Estimator, folds: Sequence[Fold], /) -> Columns:
    """What the settings say of the columns of these folds.

    Raises ValueError or TypeError, naming input_groups or penalty_factor.
    """
    if settings.input_groups is None and settings.penalty_factor is None:
        return Columns()
    if settings.input_groups is not None and settings.penalty != "input_l1":
        raise ValueError(
            f"input_groups is for selections of inputs, and penalty={settings.penalty!r} makes none of groups: use "
            "penalty='input_l1', or leave it out."
        )
    if settings.penalty_factor is not None and settings.penalty not in FACTORS:
        raise ValueError(
            f"penalty_factor multiplies penalties on inputs, and penalty={settings.penalty!r} is none: use one of "
            f"{', '.join(map(repr, FACTORS))}, or leave it out."
        )
    names, count = None, folds[-1].n_inputs
    for argument in ("penalty_factor", "input_groups"):
        if isinstance(getattr(settings, argument), Mapping):
            names = _names_of(argument, template, folds)
    behind = "" if folds[-1].transformer is None else " behind the preprocessor"
    grouping = grouping_of(settings.input_groups, names, count, behind=behind)
    if grouping is not None and type(folds[-1].transformer) is TableEncoder:
        known = set(folds[-1].transformer.feature_names_in_)
        grouping = grouping._replace(kind="inputs" if known.issuperset(grouping.labels) else "groups")
    factors = factors_of(settings.penalty_factor, names, count, grouping, behind=behind)
    check_factors(factors)
    return Columns(grouping, factors)


def _names_of(argument: str, template: Estimator, folds: Sequence[Fold]) -> Sequence[str] | None:
    """The names of the columns, which are the same in every fold."""
    if folds[-1].transformer is None:
        return getattr(template, "feature_names_in_", None)
    names = [_names_out(argument, fold.transformer) for fold in folds]
    for number, own in enumerate(names):
        if own != names[-1]:
            other = next((one for one, two in zip(own, names[-1], strict=False) if one != two), own[-1])
            raise ValueError(
                f"{argument} is a dict, but preprocessor makes other columns of fold {number} than of all rows "
                f"({other!r}, for one): use one that makes the same columns in every fold."
            )
    return names[-1]


def _names_out(argument: str, transformer: Any) -> list[str]:
    try:
        return [str(name) for name in transformer.get_feature_names_out()]
    except AttributeError as error:
        raise ValueError(
            f"{argument} is a dict, but preprocessor does not name its columns ({error}): give a list, one entry for "
            "each column that it makes."
        ) from error
