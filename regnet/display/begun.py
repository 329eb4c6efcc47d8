"""Ctrl-C and SIGTERM while the command `regnet` is still importing: an end without a traceback.

Imported before everything else, for what it does. It does nothing in a process that is not the command.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import PurePath
from types import FrameType
from typing import NoReturn

__all__ = ["end_at_once", "is_command"]


def is_command(argv: list[str], original: list[str], /) -> bool:
    """Whether a process is the command: its script, or `python -m regnet`, as `sys.argv` and `sys.orig_argv` say."""
    first = argv[0] if argv else ""
    if first == "-m":  # while Python looks for the module
        place = original.index("-m") if "-m" in original else -1
        return original[place + 1 : place + 2] == ["regnet"] or "-mregnet" in original
    return PurePath(first).name in ("regnet", "regnet.exe", "regnet-script.py")


def end_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """A handler: one line on standard error, and status 128 + n."""
    os.write(2, f"regnet: ended by {signal.Signals(number).name}\n".encode())
    os._exit(128 + number)


if is_command(sys.argv, sys.orig_argv) and threading.current_thread() is threading.main_thread():
    for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(_number) is _handler:
            signal.signal(_number, end_at_once)
