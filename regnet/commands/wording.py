"""What the library says of its parameters, in the words of a command: of `n_jobs=2` it has `--jobs 2`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

from typer.models import OptionInfo

__all__ = ["in_options", "worded"]

_OTHER_NAMES = {
    "hidden_layer_sizes": "hidden", "learning_rate_init": "learning_rate", "max_iter": "epochs", "n_jobs": "jobs",
    "n_seeds": "seeds", "random_state": "seed", "select": "rule",
}  # fmt: skip
"""Parameters whose option has another name."""


@contextmanager
def in_options(command: Callable[..., None]) -> Iterator[None]:
    """Where the library is called: its errors and warnings name the command's options where they name parameters."""
    options, show = _options(command), warnings.showwarning

    def show_worded(message: Warning | str, category: type[Warning], *where: Any, **further: Any) -> None:
        show(worded(str(message), options), category, *where, **further)

    warnings.showwarning = show_worded
    try:
        yield
    except Exception as error:
        if error.args and isinstance(error.args[0], str):
            error.args = worded(error.args[0], options), *error.args[1:]
        raise
    finally:
        warnings.showwarning = show


def _options(command: Callable[..., None]) -> dict[str, str]:
    """The option of each parameter that the command has one for."""
    own = {}
    for name, one in signature(command, eval_str=True).parameters.items():
        told = next(filter(lambda given: isinstance(given, OptionInfo), one.annotation.__metadata__), None)
        if told is not None:  # DATA is none; a name that an option is given stands in the place of a default
            own[name] = told.default if isinstance(told.default, str) else f"--{name.replace('_', '-')}"
    return own | {name: own[option] for name, option in _OTHER_NAMES.items() if option in own}


def worded(text: str, options: Mapping[str, str], /) -> str:
    """The text with options for parameters: at its beginning, before '=' and a value that can be typed, and anywhere

    if the name has a '_'.

    >>> worded("gamma=2: give 0 to 1, or relax=True and more max_iter.", {"gamma": "--gamma", "max_iter": "--epochs"})
    '--gamma 2: give 0 to 1, or relax=True and more --epochs.'
    """
    every = "|".join(sorted(options, key=len, reverse=True))
    prose = r"(?:^|(?<=\()|(?<=[a-z] ))"  # in a list of columns, in quotes, in a path it is a name of the user's
    text = re.sub(rf"{prose}({every})=(?:True\b|(?=[-\d.'\"(\[]))", lambda found: _of(found, options), text)
    text = re.sub(rf"^({every})\b(?![=./-])", lambda found: options[found[1]], text)
    return re.sub(rf"{prose}(\w+_\w+)\b(?!=)", lambda found: options.get(found[1], found[1]), text)


def _of(found: re.Match[str], options: Mapping[str, str]) -> str:
    """The option, before its value unless that is True."""
    return options[found[1]] + ("" if found[0].endswith("True") else " ")
