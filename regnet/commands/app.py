"""The command `regnet`."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any, final

import typer
from typer.core import TyperGroup

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


@final
class _Commands(TyperGroup):
    """The commands; whose option it is that one of them does not have is said."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if type(error).__name__ == "NoSuchOption":  # Typer's own copy of click has no public name for it
                _name_owners(error, self.commands)
            raise


def _name_owners(error: Any, commands: Mapping[str, Any]) -> None:
    """Say in an error about an option which other commands have it."""
    own = [f"regnet {name}" for name, one in commands.items() if any(error.option_name in it.opts for it in one.params)]
    if own:
        error.message, error.possibilities = f"{error.option_name} is an option of {' and '.join(own)}.", None


app = typer.Typer(
    cls=_Commands,
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
