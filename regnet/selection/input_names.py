"""What the inputs of networks are called, and which columns of the user's table stand behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regnet.estimators.grouping import Grouping
from regnet.selection.settings import Estimator
from regnet.sweep.fold import Fold
from regnet.tables.encoder import TableEncoder

__all__ = ["kind_of_choices", "names_of_choices", "names_of_inputs", "norms_label", "parents_of_inputs", "trace"]


def names_of_inputs(template: Estimator, fold: Fold) -> tuple[str, ...]:
    """A name for each column of the fold's table: the user's own, or the transformer's, or x0, x1, ...

    template: knows the names of the user's table, if it has any.
    """
    names = getattr(template, "feature_names_in_", ()) if fold.transformer is None else _made_names(fold)
    return tuple(map(str, names)) if len(names) else _numbered(fold.n_inputs)


def names_of_choices(names: Sequence[str], grouping: Grouping | None) -> tuple[str, ...]:
    """What is selected from goes by these: the inputs' names, or the labels of their groups."""
    return tuple(map(str, names if grouping is None else grouping.labels))


def kind_of_choices(grouping: Grouping | None) -> str:
    """What is selected from: 'inputs' or 'groups'."""
    return "inputs" if grouping is None else grouping.kind


def norms_label(grouping: Grouping | None) -> str:
    """The axis of a picture of norms."""
    return f"norm of {'a group' if kind_of_choices(grouping) == 'groups' else 'an input'}'s weights"


def parents_of_inputs(template: Estimator, fold: Fold) -> list[frozenset[int] | None]:
    """For each column of the fold's table the numbers of the user's that it is made of, None where nothing tells.

    template: knows how many columns the user's table has, and their names.
    """
    count = fold.n_inputs
    if fold.transformer is None:
        return [frozenset([number]) for number in range(count)]
    if type(fold.transformer) is TableEncoder:
        places = {name: number for number, name in enumerate(fold.transformer.feature_names_in_)}
        return [frozenset([places[name]]) for name in fold.transformer.input_groups_.values()]
    made, given = _made_names(fold), _numbered(getattr(template, "n_features_in_", 0))
    return trace(made, tuple(map(str, getattr(template, "feature_names_in_", given)))) if made else [None] * count


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"x{number}" for number in range(count))


def _made_names(fold: Fold) -> tuple[str, ...]:
    """The transformer's names of its columns, or none: it has no such method, or cannot tell."""
    try:
        names = tuple(map(str, fold.transformer.get_feature_names_out()))
    except (AttributeError, ValueError, NotImplementedError):
        return ()
    return names if len(names) == fold.n_inputs else ()


def trace(made: Sequence[str], given: Sequence[str], /) -> list[frozenset[int] | None]:
    """For each column that a transformer made, the numbers of the given ones that its name says it is made of.

    By the names that scikit-learn's transformers give: a column that keeps its name, 'colour_red' of 'colour', 'a b'
    and 'a^2' of 'a' and 'b', each also behind a ColumnTransformer's 'step__'. None where a name says nothing, or could
    be of several: 'a_b_1' where there are 'a' and 'a_b'.

    >>> trace(["one__age", "two__colour_red", "age colour^2", "pca0"], ["age", "colour"])
    [frozenset({0}), frozenset({1}), frozenset({0, 1}), None]
    """
    numbers = {name: number for number, name in enumerate(given)}
    if tuple(made) == tuple(given):
        return [frozenset([number]) for number in range(len(given))]
    kept = {ending for name in made for ending in _endings(name) if ending in numbers}
    return [_parents(name, numbers, kept) for name in made]


def _endings(name: str) -> list[str]:
    """A name, and what is left of it without the steps in front."""
    parts = name.split("__")
    return ["__".join(parts[start:]) for start in range(len(parts))]


def _is_part(name: str, known: str) -> bool:
    """Whether it is called as a part of a column is; what follows two underscores is a step's own name."""
    return name.startswith(f"{known}_") and not name.startswith(f"{known}__")


def _parents(name: str, numbers: Mapping[str, int], kept: set[str]) -> frozenset[int] | None:
    """Of the first ending of the name that says something.

    kept: names of the table that the made columns have too. A column that is there under its own name was not taken
    apart, so that no other one is a part of it.
    """
    for ending in _endings(name):
        whole = {known for known in numbers if _is_part(ending, known) and not (ending in kept and known in kept)}
        if ending in numbers:
            whole.add(ending)
        factors = {factor.partition("^")[0] for factor in ending.split(" ")}
        if not whole and factors <= numbers.keys():
            return frozenset(numbers[factor] for factor in factors)
        if whole:
            return frozenset(numbers[one] for one in whole) if len(whole) == 1 else None
    return None
