"""Where host data go: three environment variables, and a context manager that overrides them.

Host data are NumPy arrays, lists, data frames and files. Arrays of any other library decide for themselves.
The variables are read whenever they are needed, never at import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

__all__ = ["DTYPES", "Config", "asked_dtype", "config_context", "get_config"]

DTYPES = ("float32", "float64")


class Config(NamedTuple):
    """The settings in force: `backend` and `dtype` by name, `device` by name or None for the backend's default.

    fast: whether a backend may use what its extras bring (on NumPy loops compiled by numba), which gives other bits.
    """

    backend: str
    device: str | None
    dtype: str
    fast: bool = True


_overrides: ContextVar[dict[str, Any]] = ContextVar("regnet_config", default={})  # noqa: B039 (never mutated)


def get_config() -> Config:
    """The settings in force now: `config_context` first, then REGNET_BACKEND, REGNET_DEVICE, REGNET_DTYPE.

    Defaults: backend numpy, the backend's default device (cpu; the first GPU for cupy), float32.

    Returns
    -------
    Config
        With `backend`, `device`, `dtype` and `fast`.

    Raises
    ------
    ValueError
        For a dtype that regnet does not compute in.

    Examples
    --------
    >>> with config_context(dtype="float64"):
    ...     get_config().dtype
    'float64'
    """
    override = _overrides.get()
    backend = override.get("backend") or os.environ.get("REGNET_BACKEND", "").strip() or "numpy"
    device = override.get("device") or os.environ.get("REGNET_DEVICE", "").strip() or None
    return Config(backend, device, asked_dtype() or "float32", bool(override.get("fast", True)))


def asked_dtype() -> str | None:
    """The dtype that `config_context` or REGNET_DTYPE asks for, or None where nobody asked.

    Raises ValueError for a dtype that regnet does not compute in.
    """
    dtype = _overrides.get().get("dtype") or os.environ.get("REGNET_DTYPE", "").strip() or None
    if dtype not in (None, *DTYPES):
        raise ValueError(f"dtype {dtype!r} (REGNET_DTYPE) is not supported: choose one of {', '.join(DTYPES)}.")
    return dtype


@contextmanager
def config_context(
    *, backend: str | None = None, device: str | None = None, dtype: str | None = None, fast: bool | None = None
) -> Iterator[None]:
    """Override the environment variables inside a `with` block; None leaves a setting as it is.

    Contexts nest, and each thread and async task has its own.

    Parameters
    ----------
    backend : str, optional
        A name of `backend_names`, in place of REGNET_BACKEND.
    device : str, optional
        A name that the backend knows, in place of REGNET_DEVICE.
    dtype : {'float32', 'float64'}, optional
        In place of REGNET_DTYPE.
    fast : bool, optional
        False turns off what a backend's extras bring, such as numba's compiled loops (default True).

    Yields
    ------
    None
        The settings are in force until the block ends.

    Raises
    ------
    ValueError
        For a `fast` that is neither True nor False.

    Examples
    --------
    >>> with config_context(backend="numpy", dtype="float64"):
    ...     get_config()
    Config(backend='numpy', device=None, dtype='float64', fast=True)
    """
    if fast not in (None, True, False):
        raise ValueError(f"fast={fast!r}: give True or False.")
    given: dict[str, Any] = {"backend": backend, "device": device, "dtype": dtype, "fast": fast}
    merged = {**_overrides.get(), **{name: value for name, value in given.items() if value is not None}}
    token = _overrides.set(merged)
    try:
        yield
    finally:
        _overrides.reset(token)
