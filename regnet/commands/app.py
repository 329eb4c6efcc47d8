"""The command `regnet`."""

from __future__ import annotations

import signal
import sys
import warnings
from importlib.metadata import version
from typing import Annotated

import typer

from regnet.backend.protocol import BackendError
from regnet.commands.backends import backends
from regnet.commands.compile import compile
from regnet.commands.fit import fit
from regnet.commands.predict import predict
from regnet.commands.select import select
from regnet.commands.show import show
from regnet.commands.signals import ending, taken_to_end
from regnet.commands.study import study
from regnet.commands.terminal import lose_nothing, say

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train L1/L2-regularised dense networks. REGNET_BACKEND, REGNET_DEVICE and REGNET_DTYPE choose where.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"regnet {version('regnet-xp')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Options of the command itself."""


for command in (fit, select, study, predict, show, backends, compile):
    app.command()(taken_to_end(command))


def main() -> None:
    """Run the command; errors of the user's making are one sentence on standard error, and exit status 2.

    A signal ends it as `signals` says.
    """
    lose_nothing()
    warnings.showwarning = lambda message, *_, **__: say(f"regnet: warning: {message}", error=True)
    try:
        with ending(signal.SIGINT, signal.SIGTERM):
            app()
    except (BackendError, ValueError, TypeError, OSError, MemoryError) as error:
        say(f"regnet: error: {error}", error=True)
        sys.exit(2)
