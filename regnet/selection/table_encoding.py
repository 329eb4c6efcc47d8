"""Searches over tables as they are: encoded inside each fold, whose columns are those of the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sklearn.base import clone

from regnet.selection.settings import SweepSettings
from regnet.tables.encoder import TableEncoder

__all__ = ["encodes_tables", "with_encoded_columns"]


def encodes_tables(preprocessor: Any, /) -> bool:
    """Whether a preprocessor is a `TableEncoder`, or 'table', which stands for one."""
    return type(preprocessor) is TableEncoder or (isinstance(preprocessor, str) and preprocessor == "table")


def with_encoded_columns(settings: SweepSettings, X: Any, /) -> SweepSettings:
    """The settings of a search whose folds all have the encoder's columns of the whole table.

    Which values a column of text has is read from all rows, what stands for missing ones from those that a fold trains
    on. Under input_l1 the columns made of one of the table are a group; input_groups and penalty_factor may be of the
    table's columns, by name.
    """
    encoder = TableEncoder() if isinstance(settings.preprocessor, str) else clone(settings.preprocessor)
    whole = encoder.fit(X)
    parents = whole.input_groups_
    groups, factors = settings.input_groups, settings.penalty_factor
    if isinstance(groups, Mapping):
        groups = {part: groups.get(part, groups.get(name, name)) for part, name in parents.items()} | {
            name: label for name, label in groups.items() if name not in parents and name not in parents.values()
        }
    elif groups is None and settings.penalty == "input_l1" and len(set(parents.values())) < len(parents):
        groups = dict(parents)
    if isinstance(factors, Mapping):
        known = {part: factors.get(part, factors.get(name, 1.0)) for part, name in parents.items()}
        left_out = {*parents.values(), *whole.left_out_}
        factors = known | {name: value for name, value in factors.items() if name not in left_out}
    fixed = clone(whole).set_params(columns=whole.columns_)
    return replace(settings, preprocessor=fixed, input_groups=groups, penalty_factor=factors)
