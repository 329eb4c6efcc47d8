"""What the inputs of networks are called."""

from __future__ import annotations

from typing import Any

from regnet.selection.settings import Estimator
from regnet.sweep.fold import Fold

__all__ = ["names_of_inputs"]


def names_of_inputs(template: Estimator, fold: Fold) -> tuple[str, ...]:
    """A name for each column of the fold's table: the user's own, or the transformer's, or x0, x1, ...

    template: knows the names of the user's table, if it has any.
    """
    count = fold.x.shape[1]
    names = getattr(template, "feature_names_in_", ()) if fold.transformer is None else _names_of(fold.transformer)
    return tuple(map(str, names)) if len(names) == count else tuple(f"x{number}" for number in range(count))


def _names_of(transformer: Any) -> Any:
    """The transformer's names of its columns, or none: it has no such method, or cannot tell."""
    try:
        return transformer.get_feature_names_out()
    except (AttributeError, ValueError, NotImplementedError):
        return ()
