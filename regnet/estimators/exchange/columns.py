"""What an estimator knows of the table that it was fitted on."""

from __future__ import annotations

from typing import Any

__all__ = ["copy_columns"]


def copy_columns(source: Any, target: Any, /) -> None:
    """The number of columns, and their names where they have some."""
    target.n_features_in_ = int(source.n_features_in_)
    names = vars(source).get("feature_names_in_")
    if names is not None:
        target.feature_names_in_ = names.copy()
