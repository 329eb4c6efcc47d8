"""Find the backend: by name, or by the arrays themselves."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import Any

from regnet.backend.config import get_config
from regnet.backend.generic import GenericBackend
from regnet.backend.protocol import Backend, BackendError

__all__ = ["backend_classes", "backend_names", "get_backend", "owner_of"]


@lru_cache(maxsize=1)
def backend_classes() -> dict[str, type[Backend]]:
    """Every registered backend's class, by name."""
    return {entry.name: entry.load() for entry in entry_points(group="regnet.backends")}


def backend_names() -> tuple[str, ...]:
    """List every registered backend, usable here or not.

    Returns
    -------
    tuple of str
        Names that REGNET_BACKEND takes.

    Raises
    ------
    BackendError
        If regnet's packages are not installed.
    """
    names = tuple(backend_classes())
    if not names:
        raise BackendError(
            "No backend is registered: regnet's packages are not installed. Run pip install regnet-xp "
            "(or pip install -e . in a checkout)."
        )
    return names


@cache
def _make(name: str) -> Backend:
    return backend_classes()[name]()


def get_backend(name: str | None = None) -> Backend:
    """The backend called `name`, or the one that `config_context` or REGNET_BACKEND names (default numpy).

    There is no fall-back.

    Parameters
    ----------
    name : str, optional
        One of `backend_names`.

    Returns
    -------
    Backend
        One object a name, made when it is asked for first.

    Raises
    ------
    BackendError
        If no such backend is registered, or if it cannot be used here.

    Examples
    --------
    >>> get_backend("numpy").name
    'numpy'
    """
    wanted = get_config().backend if name is None else name
    if wanted not in backend_names():
        raise BackendError(f"There is no backend {wanted!r}. {_what_there_is()}")
    return _make(wanted)


def _what_there_is() -> str:
    usable, missing = [], []
    for name in backend_names():
        try:
            _make(name)
        except BackendError as error:
            missing.append(f"{name} ({error})")
        else:
            usable.append(name)
    sentence = f"Usable here: {', '.join(usable)}."
    return f"{sentence} Registered but not usable: {'; '.join(missing)}" if missing else sentence


def owner_of(array: Any, /) -> Backend:
    """The backend of an array of any library but NumPy's host data: a registered one, or a generic one."""
    for name, cls in backend_classes().items():
        if cls.owns(array):
            return _make(name)
    return GenericBackend(array)
