"""Every public name has numpydoc's sections: what it takes, returns and raises, in the order that readers expect."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

import pytest

import regnet
from regnet import convert
from regnet.arrays.types import Schedule
from regnet.mathematics.activations import Activation
from regnet.mathematics.initializers import Initializer
from regnet.mathematics.losses import HasConstant, Loss
from regnet.mathematics.optimizers import Optimizer
from regnet.networks.layers import Layer

validate = pytest.importorskip("numpydoc.validate", reason="numpydoc comes with the extra dev")

LEFT_OUT = {
    "ES01",  # a claim may be one sentence
    "EX01",  # examples stand where they say something: with what a user calls, not with every method
    "SA01",  # "See Also" would repeat the package's list of names
}
"""Checks of numpydoc's that are not ours; all others are."""

SEAMS = (Activation, HasConstant, Initializer, Layer, Loss, Optimizer, Schedule)
"""What a user's own class may follow. A method of theirs has its sections there, once, and not in every class."""

SECTIONS = {code for code in validate.ERROR_MSGS if code.startswith(("PR", "RT"))}
PROPERTIES = (property, cached_property)
CHECKS = validate.ERROR_MSGS.keys() - LEFT_OUT


def names_of(values: Iterable[Any]) -> Iterator[str]:
    """Functions and classes by their dotted names, a module's own in its place, a class's public members with it."""
    for value in values:
        if isinstance(value, ModuleType):
            yield from names_of(getattr(value, name) for name in value.__all__)
        elif callable(value):
            dotted = f"{value.__module__}.{value.__name__}"
            yield dotted
            yield from (f"{dotted}.{member}" for member in members_of(value))


def members_of(value: Any) -> list[str]:
    """A class's public methods and properties that are written in regnet, inherited ones too."""
    own = [base for base in getattr(value, "__mro__", ()) if base.__module__.startswith("regnet")]
    return sorted(
        name
        for base in own
        for name, member in vars(base).items()
        if not name.startswith("_")
        and not name.endswith("_request")  # scikit-learn's, made for each class
        and (callable(getattr(value, name)) or isinstance(member, PROPERTIES))
    )


def has_no_sections(name: str) -> bool:
    """Whether a name is a seam, which nobody calls, or a method of a class that a seam says all of."""
    *path, method = name.split(".")
    owner = getattr(importlib.import_module(".".join(path[:-1])), path[-1], None)
    return getattr(owner, method, None) in SEAMS or any(
        owner is not seam and method in members_of(seam) and all(hasattr(owner, one) for one in methods_of(seam))
        for seam in SEAMS
    )


def methods_of(seam: type) -> list[str]:
    """A seam's methods, without its properties, which a dataclass may have as fields."""
    return [name for name in members_of(seam) if not isinstance(vars(seam)[name], PROPERTIES)]


NAMES = sorted({*names_of([regnet, convert, *SEAMS])})


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_its_sections(name):
    wanted = CHECKS - SECTIONS if has_no_sections(name) else CHECKS
    assert not [f"{code} {text}" for code, text in validate.validate(name)["errors"] if code in wanted]


def has_defaults(name: str) -> bool:
    """Whether a name is called with arguments: no property, no seam, and no exception."""
    value = validate.Validator._load_obj(name)
    exception = inspect.isclass(value) and issubclass(value, Exception)
    return not (has_no_sections(name) or exception or isinstance(value, PROPERTIES))


@pytest.mark.parametrize("name", filter(has_defaults, NAMES))
def test_documented_defaults_are_the_signatures(name):
    value = validate.Validator._load_obj(name)
    defaults = {key: one.default for key, one in inspect.signature(value).parameters.items()}
    for names, kind, _ in validate.get_doc_object(value)["Parameters"]:
        given = [defaults[one.strip().lstrip("*")] for one in names.split(",")]
        said = re.search(r", default (.+)$", kind)
        if said:
            values = [ast.literal_eval(one) for one in said[1].split(" and ")]
            assert given == (values * len(given) if len(values) == 1 else values), (names, kind)
        elif kind.endswith("optional"):
            assert all(one in (None, ()) or repr(one) == "<factory>" for one in given), (names, kind)
        else:
            assert all(one is inspect.Parameter.empty for one in given), (names, kind)
