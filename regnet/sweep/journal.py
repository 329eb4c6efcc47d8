"""What has been trained, on disk: one file a cell, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any, final

import numpy as np

from regnet.display.warning import warn
from regnet.networks.whole_files import create_whole, replace_whole
from regnet.sweep.fingerprint import fingerprint
from regnet.sweep.records import ROOM, RecordError, pack, read_file, unpack
from regnet.sweep.spec import Cell, Outcome, SweepSpec

__all__ = ["Journal"]

SHEET = 2**22
"""Bytes that a description has at most."""

SYNCING = 0.02
"""Share of the time that may be spent in waiting for a disk: a small network is trained in less than a disk takes.

A power cut loses what the system had not written yet, at most: a record that is not whole is told by its hash, and its
network is trained again.
"""


@final
class Journal:
    """The cells of one pass of a sweep, in a folder that may be shared between processes and machines.

    What decides the numbers stands in a sheet, `sweep.json`, that the first one to come writes; others compare theirs
    with it. Each record has its hash, so that a number of another problem is never taken for one of this, whatever
    became of the sheet.
    """

    def __init__(self, folder: str | os.PathLike[str], spec: SweepSpec) -> None:
        """Opens or makes the folder. Raises ValueError if it holds another problem's sweep, naming what differs."""
        self._shown = os.fspath(folder)
        if not self._shown:
            raise ValueError("sweep_dir='' names no folder: give one, '.' for the current one, or None for no journal.")
        self._folder, self._size, self._dtype = Path(folder) / spec.name, spec.network.layout.size, spec.dtype
        self._limit = self._size * np.dtype(spec.dtype).itemsize + ROOM
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"sweep_dir={self._shown!r} cannot be a folder ({error}): give another one.") from error
        mine = fingerprint(spec)
        self._compare(mine, self._sheet(mine))
        self._problem = hashlib.sha256(json.dumps([spec.name, mine]).encode()).hexdigest()
        self._read: set[Cell] = set()
        self._unusable: dict[Path, str] = {}
        self._reported: set[Path] = set()
        self._began, self._synced = time.perf_counter(), 0.0
        self.failure: str | None = None

    def _sheet(self, mine: dict[str, str]) -> dict[str, str]:
        """The folder's description; mine, where it has none yet."""
        path = self._folder / "sweep.json"
        try:
            try:
                content = read_file(path, SHEET)
            except FileNotFoundError:
                create_whole(path, json.dumps(mine, indent=1).encode())
                content = read_file(path, SHEET)
            found = json.loads(content)
            if not isinstance(found, dict):
                raise TypeError("it is no object")
        except (ValueError, TypeError, RecursionError, FileNotFoundError) as error:
            raise ValueError(
                f"{str(path)!r} is not a sweep's description ({error}): give another folder, or delete it."
            ) from None
        except OSError as error:
            raise ValueError(f"sweep_dir={self._shown!r} cannot be written ({error}): give another one.") from error
        return found

    def _compare(self, mine: dict[str, str], theirs: dict[str, str]) -> None:
        different = [name for name, value in mine.items() if theirs.get(name) != value]
        if not different:
            return
        name = different[0]
        detail = (
            ""
            if name in ("data or folds", "input_groups", "factors", "lambdas")
            else f" ({name} was {_short(theirs.get(name))}, and is {_short(mine[name])})"
        )
        hint = " An integer random_state gives every run the same." if name == "random_state" else ""
        raise ValueError(
            f"sweep_dir={self._shown!r} holds the sweep of another problem: {', '.join(different)} differ{detail}. "
            f"Give another folder, or delete this one.{hint}"
        )

    def get(self, cell: Cell) -> Outcome | None:
        """The outcome of a cell, or None if it has not been trained, or its record is none; see `report`.

        Raises ValueError where a record could not be put either.
        """
        path = self._path(cell)
        try:
            found = unpack(self._problem, cell, self._size, self._dtype, read_file(path, self._limit))
        except FileNotFoundError:
            return None
        except RecordError as error:
            if path.is_dir():
                raise ValueError(
                    f"{str(path)!r} is a folder where a record belongs: delete it, or give another sweep_dir."
                ) from None
            self._unusable[path] = str(error)
            return None
        self._read.add(cell)
        return found

    def put(self, outcome: Outcome) -> None:
        """Keep an outcome that was not read here; another process that writes it at the same time does no harm.

        Where that fails, a full disk say, the sweep has more to lose than its journal: see `report`.
        """
        if outcome.cell in self._read:
            return
        now = time.perf_counter()
        sync = self._synced <= SYNCING * (now - self._began)
        try:
            replace_whole(self._path(outcome.cell), pack(self._problem, outcome), sync=sync)
        except OSError as error:
            self.failure = f"{str(self._path(outcome.cell))!r}: {error.strerror}"
        if sync:
            self._synced += time.perf_counter() - now

    def report(self) -> None:
        """Warn of the records that `get` found unusable, and of those that could not be put, once."""
        unusable = {path: reason for path, reason in self._unusable.items() if path not in self._reported}
        if unusable:
            (path, reason), count = next(iter(unusable.items())), len(unusable)
            self._reported.update(unusable)
            warn(
                f"sweep_dir={self._shown!r}: {count} of its records cannot be used, and their networks are trained "
                f"again. The first is {path.name!r}: {reason}."
            )
        if self.failure is not None:
            warn(
                f"sweep_dir={self._shown!r}: records could not be written, and their networks would have to be trained "
                f"again if the sweep stopped. The last is {self.failure}. Make room, or give another folder."
            )
            self.failure = None

    def _path(self, cell: Cell) -> Path:
        return self._folder / f"strength{cell.strength:03d}-fold{cell.fold:03d}-restart{cell.restart:03d}.safetensors"


def _short(value: Any) -> str:
    """Text of a sheet as a message may have it."""
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
