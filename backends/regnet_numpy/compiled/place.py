"""Where compiled loops are kept: the user's cache folder, which can be written to where the package cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder(given: str | None = None, /) -> Path:
    """The folder, which need not exist; given: NUMBA_CACHE_DIR, as numba has read it, or None to read it here."""
    own = os.environ.get("NUMBA_CACHE_DIR", "") if given is None else given
    if own:
        return Path(own).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "regnet" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "regnet"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "regnet"
