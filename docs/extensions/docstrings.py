"""Docstrings for Sphinx as they are written: a formula that is set off is literal, `*`, `|` and `_` are themselves."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

__all__ = ["literal_blocks", "plain_marks", "setup"]

BLOCK = ".. code-block:: text"
INDENT = 4
MARKS = re.compile(r"(`+[^`]*`+)|([*|]|(?<=\w)_(?!\w))")
A_PARAMETER = re.compile(r"^[\w*, ]+ : ")
OF_A_TUPLE = re.compile(r"(?<=\w)_(?=,\))")
OF_SEVERAL = re.compile(r"_(?=, | : )")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def literal_blocks(lines: list[str]) -> list[str]:
    """Lines that stand deeper than the paragraph above them, behind an empty line, are shown as they are.

    >>> literal_blocks(["The sum of", "", "    w + 1", "", "and more."])
    ['The sum of', '', '.. code-block:: text', '', '    w + 1', '', 'and more.']
    """
    shown: list[str] = []
    above, inside = 0, False
    for number, line in enumerate(lines):
        if line.strip():
            inside = inside and _depth(line) >= above + INDENT
            if not inside and number and not lines[number - 1].strip() and _depth(line) >= above + INDENT:
                shown += [" " * above + BLOCK, ""]
                inside = True
            if not inside:
                above = _depth(line)
        shown.append(line)
    return shown


def plain_marks(line: str) -> str:
    r"""A line with a backslash before what would be markup, but for code.

    >>> plain_marks("a * |b| of `c * d`")
    'a \\* \\|b\\| of `c * d`'
    """
    return MARKS.sub(lambda found: found[1] or f"\\{found[2]}", line)


def _is_shown_as_it_is(lines: list[str]) -> list[bool]:
    """Lines of literal blocks and of examples."""
    flags: list[bool] = []
    block: int | None = None
    example = False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if block is not None and line.strip() and _depth(line) <= block:
            block = None
        flags.append(example or block is not None)
        if line.strip() == BLOCK:
            block = _depth(line)
    return flags


def _of_header(line: str) -> str:
    """The names of several attributes end in `_`, which numpydoc escapes where there is one name alone."""
    return OF_SEVERAL.sub(r"\_", line) if "," in line.partition(" : ")[0] else line


def _make_markup(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    blocks = literal_blocks(lines)
    flags = _is_shown_as_it_is(blocks)
    lines[:] = [
        line if flag else _of_header(line) if A_PARAMETER.match(line) else plain_marks(line)
        for line, flag in zip(blocks, flags, strict=True)
    ]


def _mark_properties(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Among a class's attributes numpydoc puts what its properties say of themselves, which nobody has marked yet."""
    flags = _is_shown_as_it_is(lines)
    lines[:] = [line if flag else OF_A_TUPLE.sub(r"\\_", line) for line, flag in zip(lines, flags, strict=True)]


def _skip_inherited(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Methods that scikit-learn wrote are described there."""
    written = obj.fget if isinstance(obj, property) else obj
    module = str(getattr(written, "__module__", ""))
    return True if module.startswith("sklearn") or name.endswith("_request") else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Go before numpydoc, which reads sections at priority 500."""
    app.connect("autodoc-process-docstring", _make_markup, priority=400)
    app.connect("autodoc-process-docstring", _mark_properties, priority=600)
    app.connect("autodoc-skip-member", _skip_inherited)
    return {"parallel_read_safe": True}
