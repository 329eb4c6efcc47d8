"""What a user asks of a file's columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Self, final

from regnet.tables.columns import INDEX_NAMES, FileError

__all__ = ["MISSING", "Asked", "split_names", "unknown_name"]

MISSING = ("error", "impute", "drop")
"""What may become of missing values."""

SHOWN = 10
"""Names that an error tells where none is near."""


@final
@dataclass(frozen=True)
class Asked:
    """target: a column's name, by default the last column; task: see `Table`, by default what the target tells.

    columns: the inputs, by default all others; exclude: columns that are none; without: such too, if there are any of
    these names; factors: whose values are categories,
    even where they are numbers; weight, fold: columns with the rows' weights, and with what is held out together;
    missing: whether missing values are an error, are imputed, or have their rows dropped; keep_row_numbers: whether a
    column that counts the rows may be an input.
    """

    target: str | None = None
    task: str | None = None
    columns: Sequence[str] | None = None
    exclude: Collection[str] = ()
    without: Collection[str] = ()
    factors: Collection[str] = ()
    weight: str | None = None
    fold: str | None = None
    missing: str = "error"
    keep_row_numbers: bool = False

    def of(self, path: str, names: Sequence[str]) -> Self:
        """The same with lists of names taken apart. Raises FileError for names that the file has not."""
        found = replace(
            self,
            columns=None if self.columns is None else split_names(self.columns, names),
            exclude=split_names(self.exclude, names),
            factors=split_names(self.factors, names),
        )
        one = [("--weights", self.weight), ("--fold", self.fold)]
        several = [("--columns", found.columns or ()), ("--exclude", found.exclude), ("--factor", found.factors)]
        known = set(names)
        for option, asked in [*[(option, [name]) for option, name in one if name is not None], *several]:
            for name in asked:
                if name not in known:
                    raise FileError(f"{option}: {path} {unknown_name(name, names)}")
        return found

    def inputs_of(self, path: str, names: Sequence[str], target: str) -> tuple[str, ...]:
        """Which of a file's columns may be inputs. Raises FileError where none is left, or a column is two things."""
        roles = self._roles(target)
        for option, named in (("--columns", self.columns or ()), ("--factor", self.factors)):
            for name in named:
                if name in roles:
                    raise FileError(f"{option}: {name!r} is {roles[name]}, and no input.")
        given, without = names if self.columns is None else self.columns, {*self.exclude, *self.without}
        found = tuple(name for name in given if name not in roles and name not in without)
        if not found:
            raise FileError(f"{path}: no input is left beside {', '.join(map(repr, roles))}.")
        return found

    def _roles(self, target: str) -> dict[str, str]:
        """What the columns are that are no inputs. Raises FileError where one is two things."""
        found = {target: "the target"}
        for option, name in (("--weights", self.weight), ("--fold", self.fold)):
            if name is not None and name in found:
                raise FileError(f"{option}: {name!r} is {found[name]} already: name another column.")
            if name is not None:
                found[name] = f"the column of {option}"
        return found

    def is_index(self, name: str) -> bool:
        """Whether it is called as an index without a name is, and nobody asks for it."""
        return name in INDEX_NAMES and not self.keep_row_numbers and name not in (self.columns or ())


def split_names(given: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """Names of which each may be several, with commas between them, where there is no such name.

    >>> split_names(["a,b", "c"], ["a", "b", "c"]), split_names(["a,b"], ["a,b"])
    (('a', 'b', 'c'), ('a,b',))
    """
    parts = ([one] if one in known else [part.strip() for part in one.split(",")] for one in given)
    return tuple(dict.fromkeys(name for names in parts for name in names if name))


def unknown_name(name: str, known: Iterable[str], what: str = "column") -> str:
    """'has no column 'a'', with names that are near."""
    listed = list(known)
    near = get_close_matches(name, listed, n=3)
    more = ", ..." if len(listed) > SHOWN else "."
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(listed[:SHOWN])}{more}"
    return f"has no {what} {name!r}; {hint}"
