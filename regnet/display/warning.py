"""Warnings that point at the caller's line, as scikit-learn's do."""

from __future__ import annotations

import sys
import warnings
from itertools import count
from pathlib import Path

__all__ = ["warn"]

_REGNET = str(Path(__file__).parents[1])


def warn(message: str, category: type[Warning] = UserWarning, /) -> None:
    """Warn as of the first frame outside regnet, which is scikit-learn's wrapper of `fit`.

    So `warnings.filterwarnings(..., module="sklearn")` means these warnings too.
    """
    for level in count(1):
        try:
            frame = sys._getframe(level)
        except ValueError:  # the stack ends inside regnet
            break
        if not frame.f_code.co_filename.startswith(_REGNET):
            warnings.warn(message, category, stacklevel=level + 1)
            return
    warnings.warn(message, category, stacklevel=2)
