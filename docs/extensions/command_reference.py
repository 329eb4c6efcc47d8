"""The directive `command-line`: every command of `regnet` with its arguments and options, as the code has them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from regnet.commands.app import app as commands

__all__ = ["describe", "setup"]


def _cell(text: str) -> str:
    """In a table of Markdown: a bar would end the cell, `<` begin a tag, `*` an emphasis."""
    return re.sub(r"([|*<_\[\]])", r"\\\1", " ".join(text.split()))


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value in (None, "", (), []) or value is False:
        return ""
    if value is True:
        return "on"
    return f"`{','.join(map(str, value)) if isinstance(value, (list, tuple)) else value}`"


def _is_option(parameter: Any) -> bool:
    return str(parameter.opts[0]).startswith("-")


def _rows(parameters: list[Any]) -> Iterator[str]:
    yield "| | default | |"
    yield "| --- | --- | --- |"
    for one in parameters:
        names = [*one.opts, *one.secondary_opts] if _is_option(one) else [one.opts[0].upper()]
        spelt = ", ".join(f"`{name}`" for name in names)
        more = "; may be given several times" if one.multiple or one.nargs == -1 else ""
        yield f"| {spelt} | {_default(one)} | {_cell(one.help or '')}{more} |"


def describe(name: str, command: Any) -> str:
    """A command's section: how it is called, its help, its parameters.

    name: as it is typed; command: click's, as typer makes it. Returns Markdown.
    """
    shown = [one for one in command.params if not one.hidden]
    arguments = [one for one in shown if not _is_option(one)]
    called = " ".join(one.opts[0].upper() for one in arguments)
    text = inspect.cleandoc(command.help or "")
    head = [f"(command-{name})=", f"## regnet {name}", "", f"    regnet {name} {called}".rstrip() + " [OPTIONS]"]
    rows = _rows([*arguments, *(one for one in shown if _is_option(one))])
    return "\n".join([*head, "", text, "", *rows, ""])


class CommandLine(SphinxDirective):
    """All commands, in the order in which `regnet --help` has them."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """The sections."""
        group: Any = typer.main.get_command(commands)
        text = "\n".join(describe(name, command) for name, command in group.commands.items())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
