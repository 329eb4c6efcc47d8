"""What every report says of how it came about."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["settings_of", "versions"]

QUIET = ("keep_predictions", "verbose", "n_jobs", "sweep_dir", "executor", "memory_limit")
"""Settings that change no number."""

SHOWN = 60
"""Letters of a setting."""


def settings_of(estimator: Any) -> str:
    """The settings of an estimator that are not its defaults."""
    defaults = type(estimator)().get_params(deep=False)
    own = estimator.get_params(deep=False)
    changed = {name: value for name, value in own.items() if name not in QUIET and repr(value) != repr(defaults[name])}
    told = {name: _short(value) for name, value in changed.items()}
    return ", ".join(f"{name}={text if len(text) <= SHOWN else text[:SHOWN] + '…'}" for name, text in told.items()) or (
        "the defaults"
    )


def _short(value: Any) -> str:
    """A setting in few letters; of an estimator its class, of many values their number."""
    if hasattr(value, "get_params"):
        return type(value).__name__
    text = " ".join(repr(value).split())
    return f"({len(value)} values)" if isinstance(value, (list, tuple, dict)) and len(text) > SHOWN else text


def versions(found: Any) -> dict[str, str]:
    """Of regnet and what computed, and the day. found: a result, which may know its kernels."""
    packages = {name: _version(name) for name in ("regnet-xp", "numpy", "scikit-learn")}
    told = ", ".join(f"{name} {number}" for name, number in packages.items() if number)
    by = getattr(found, "kernels_", None)
    if by is None and hasattr(found, "model_"):  # not by what is configured now
        placement = found.model_.placement
        by = f"{placement.backend.name}, {placement.device}, {placement.dtype}"
    return {
        **({} if by is None else {"computed by": by}),
        "versions": f"{told}, Python {platform.python_version()}",
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
