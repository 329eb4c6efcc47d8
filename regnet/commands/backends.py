"""`regnet backends`."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from regnet.backend.protocol import BackendError
from regnet.backend.registry import backend_names, get_backend

__all__ = ["backends", "print_backends"]


def backends() -> None:
    """List every registered backend: version, devices, usable or why not, BLAS library, kernels and threads."""
    print_backends(Console())


def print_backends(console: Console) -> None:
    """A table of every registered backend: version, devices, and whether it is usable."""
    table = RichTable("backend", "usable", "version", "devices", "notes")
    for name in backend_names():
        try:
            info = get_backend(name).describe()
        except BackendError as error:
            table.add_row(name, "no", "", "", escape(str(error)))
        else:
            table.add_row(name, "yes", info.version, ", ".join(info.devices), escape("\n".join(info.notes)))
    console.print(table)
