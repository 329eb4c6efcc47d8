"""Selections from tables as they are: encoded inside each fold, whose columns are those of the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sklearn.base import clone

from regnet.selection.settings import SweepSettings
from regnet.tables.encoder import TableEncoder
from regnet.tables.frames import frame_of
from regnet.tables.refused import Faults

__all__ = ["check_numbers", "encodes_tables", "what_to_encode", "with_encoded_columns"]


def encodes_tables(preprocessor: Any, /) -> bool:
    """Whether a preprocessor is a `TableEncoder`, or 'table', which stands for one."""
    return type(preprocessor) is TableEncoder or (isinstance(preprocessor, str) and preprocessor == "table")


def with_encoded_columns(settings: SweepSettings, X: Any, /) -> SweepSettings:
    """The settings of a sweep whose folds all have the encoder's columns of the whole table; without one, as they are.

    Which values a column of text has is read from all rows, what stands for missing ones from those that a fold trains
    on. Under input_l1 the columns made of one of the table are a group; input_groups and penalty_factor may be of the
    table's columns, by name.
    """
    if not encodes_tables(settings.preprocessor):
        return settings
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


def check_numbers(encoder: TableEncoder | None, /) -> None:
    """Raise ValueError for what an encoder, if there is one, makes columns of 0 and 1 of: no normal knockoffs fit."""
    columns = () if encoder is None else encoder.columns or ()
    told = [f"{one.name!r} (text)" for one in columns if one.kind == "factor"]
    told += [f"{one.name!r} (missing values)" for one in columns if one.kind != "factor" and one.indicator]
    if told:
        raise ValueError(
            f"X: {', '.join(told)}: these become columns of 0 and 1, and knockoffs are drawn as normal columns: leave "
            "them out, give knockoffs= of your own for the encoded columns, or use stability_selection, which has none."
        )


def what_to_encode(X: Any, /) -> str | None:
    """What a frame's columns that are no columns of numbers hold, and the remedy; None: there is no such column."""
    try:
        frame = frame_of(X)
    except (TypeError, ValueError):  # no frame, or one with a name twice
        return None
    faults = Faults()
    for name in frame.columns:
        column = frame[name]
        if column.kind != "number":
            held = f"{column.kind}s" if column.kind in ("date", "duration") else column.kind
            faults.add(f"holds {held}", "take preprocessor='table', which makes numbers of text and dates", name)
        faults.note_holes(name, column, "take preprocessor=TableEncoder(missing='impute'), or drop such rows")
    return str(faults) or None
