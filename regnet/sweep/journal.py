"""What has been trained, on disk: one file a cell, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import numpy as np

from regnet.backend.registry import get_backend
from regnet.networks.whole_files import write_whole
from regnet.sweep.fold import Fold
from regnet.sweep.spec import Cell, Outcome, SweepSpec

__all__ = ["Journal", "data_digest", "fingerprint", "kernels_of"]


def data_digest(folds: Iterable[Fold], /) -> str:
    """A number for all that folds hold: their tables, targets, weights and units, and which rows they hold out."""
    data = hashlib.sha256()
    for fold in folds:
        total = np.asarray(fold.total_weight)
        for array in (fold.x, fold.y, fold.weight, total, fold.train, fold.test, *vars(fold.affine).values()):
            data.update(str((array.dtype, array.shape)).encode())
            data.update(np.ascontiguousarray(array).tobytes())
    return data.hexdigest()


def fingerprint(spec: SweepSpec) -> dict[str, str]:
    """What two sweeps must have in common for one to go on where the other stopped, by what a user calls it.

    Scores are not in it: they are made anew from the networks, and what they decide for a later pass (its factors, its
    strength) is in that pass's name.
    """
    factors = b"" if spec.factors is None else np.ascontiguousarray(spec.factors, dtype=np.float64).tobytes()
    groups = b"" if spec.groups is None else spec.groups.numbers.tobytes()
    parameters = spec.template.get_params()
    info = get_backend(spec.backend).describe()
    return {
        "data or folds": spec.data or data_digest(spec.folds),
        "estimator": repr({name: _told(value) for name, value in sorted(parameters.items()) if name != "random_state"}),
        "penalty": repr(spec.mix),
        "lambdas": repr(spec.lambdas),
        "random_state": repr(spec.seeds),
        "input_groups": hashlib.sha256(groups).hexdigest(),
        "factors": hashlib.sha256(factors).hexdigest(),
        "epochs": repr((spec.epochs_at(0), spec.epochs, spec.batch_rows)),
        "warm_start": repr((spec.warm_start, spec.screen)),
        "dtype": spec.dtype,
        "backend": f"{spec.backend} {info.version}, {_device_name(spec.device)}",
        "libraries": "; ".join(_libraries(spec)),
        "regnet": version("regnet-xp"),
    }


def _told(value: Any) -> Any:
    """A parameter, and of an object its class and that class's module: another function may have the same name."""
    if not is_dataclass(value):
        return value
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}", {
        one.name: _told(getattr(value, one.name)) for one in fields(value)
    }


def kernels_of(spec: SweepSpec) -> str:
    """What computes: the array library, its device where there are several, BLAS, and what compiled the loops.

    Other ones add up in another order, and have other last digits.
    """
    device = _device_name(spec.device)
    where = "" if device == "cpu" else f" on {device}"
    return ", ".join([f"{spec.backend} {get_backend(spec.backend).describe().version}{where}", *_libraries(spec)])


def _libraries(spec: SweepSpec) -> list[str]:
    notes = [re.sub(r", \d+ threads$", "", note) for note in get_backend(spec.backend).describe().notes]
    compiled = [note for note in notes if note.startswith("loops compiled")] if spec.fast else []
    return sorted(note for note in notes if "kernels" in note) + compiled  # threads do not change the bits


def _device_name(device: Any) -> str:
    """The same for a device and for the name that REGNET_DEVICE has for it."""
    number = getattr(device, "id", None)
    return str(device) if number is None else f"{getattr(device, 'platform', 'cuda')}:{number}"


@final
class Journal:
    """The cells of one pass of a sweep, in a folder that may be shared between machines."""

    def __init__(self, folder: str | os.PathLike[str], spec: SweepSpec) -> None:
        """Opens or makes the folder. Raises ValueError if it holds another problem's sweep, naming what differs."""
        self._folder, self._shape, self._dtype = Path(folder) / spec.name, (spec.network.layout.size,), spec.dtype
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"sweep_dir={str(folder)!r} cannot be a folder ({error}): give another one.") from error
        mine, sheet = fingerprint(spec), self._folder / "sweep.json"
        if not sheet.exists():
            write_whole(sheet, json.dumps(mine, indent=1).encode())
        try:
            theirs = dict(json.loads(sheet.read_text()))
        except (ValueError, TypeError):
            raise ValueError(
                f"{str(sheet)!r} is not a sweep's description: give another folder, or delete it."
            ) from None
        different = [name for name, value in mine.items() if theirs.get(name) != value]
        if different:
            name = different[0]
            detail = (
                ""
                if name in ("data or folds", "input_groups", "factors", "lambdas")
                else f" ({name} was {theirs.get(name)}, and is {mine[name]})"
            )
            hint = " An integer random_state gives every run the same." if name == "random_state" else ""
            raise ValueError(
                f"sweep_dir={str(folder)!r} holds the sweep of another problem: {', '.join(different)} differ{detail}. "
                f"Give another folder, or delete this one.{hint}"
            )

    def get(self, cell: Cell) -> Outcome | None:
        """The outcome of a cell, or None if it has not been trained (or its file cannot be read)."""
        try:
            with self._path(cell).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                outcome = Outcome(
                    cell, kept["point"], float(kept["loss"]), int(kept["diverged_at"]), bool(kept["converged"])
                )
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
            return None
        point = outcome.point
        return outcome if point.shape == self._shape and point.dtype == self._dtype else None

    def put(self, outcome: Outcome) -> None:
        """Keep an outcome; another process that writes the same one at the same time does no harm."""
        buffer = io.BytesIO()
        np.savez(buffer, **{name: value for name, value in outcome._asdict().items() if name != "cell"})
        write_whole(self._path(outcome.cell), buffer.getvalue())

    def _path(self, cell: Cell) -> Path:
        return self._folder / f"strength{cell.strength:03d}-fold{cell.fold:03d}-restart{cell.restart:03d}.npz"
