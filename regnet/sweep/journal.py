"""What has been trained, on disk: one file a cell, written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import final

import numpy as np

from regnet.registry import get_backend
from regnet.sweep.cells import Cell, Outcome, SweepSpec

__all__ = ["Journal", "fingerprint"]


def fingerprint(spec: SweepSpec) -> dict[str, str]:
    """What two sweeps must have in common for one to go on where the other stopped, by what a user calls it."""
    data = hashlib.sha256()
    for fold in spec.folds:
        for array in (fold.x, fold.y, fold.weight, fold.train):
            data.update(str((array.dtype, array.shape)).encode())
            data.update(np.ascontiguousarray(array).tobytes())
    info = get_backend(spec.backend).describe()
    libraries = [re.sub(r", \d+ threads$", "", note) for note in info.notes]  # threads do not change the bits
    compiled = [note for note in libraries if note.startswith("loops compiled")] if spec.fast else []
    return {
        "data": data.hexdigest(),
        "estimator": repr(sorted(spec.template.get_params().items(), key=lambda pair: pair[0])),
        "penalty": repr(spec.mix),
        "lambdas": repr(spec.lambdas),
        "restarts": repr(spec.seeds),
        "epochs": repr((spec.epochs, spec.batch_rows)),
        "warm_start": repr((spec.warm_start, spec.screen)),
        "dtype": spec.dtype,
        "backend": f"{spec.backend} {info.version}, {spec.device}",
        "libraries": "; ".join(sorted(note for note in libraries if "kernels" in note) + compiled),
        "regnet": version("regnet-xp"),
    }


@final
class Journal:
    """The cells of one pass of a sweep, in a folder that may be shared between machines."""

    def __init__(self, folder: str | os.PathLike[str], spec: SweepSpec) -> None:
        """Opens or makes the folder. Raises ValueError if it holds another problem's sweep, naming what differs."""
        self._folder = Path(folder) / spec.name
        self._folder.mkdir(parents=True, exist_ok=True)
        mine, sheet = fingerprint(spec), self._folder / "sweep.json"
        factors = b"" if spec.factors is None else np.ascontiguousarray(spec.factors).tobytes()
        mine["factors"] = hashlib.sha256(factors).hexdigest()
        if not sheet.exists():
            self._write(sheet, json.dumps(mine, indent=1).encode())
        theirs = json.loads(sheet.read_text())
        different = [name for name, value in mine.items() if theirs.get(name) != value]
        if different:
            name = different[0]
            was, now = theirs.get(name), mine[name]
            detail = "" if name in ("data", "factors") else f" ({name} was {was}, and is {now})"
            raise ValueError(
                f"sweep_dir={str(folder)!r} holds the sweep of another problem: {', '.join(different)} differ{detail}. "
                "Give another folder, or delete this one."
            )

    def get(self, cell: Cell) -> Outcome | None:
        """The outcome of a cell, or None if it has not been trained."""
        path = self._path(cell)
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as kept:
            return Outcome(cell, kept["point"], float(kept["loss"]), int(kept["diverged_at"]))

    def put(self, outcome: Outcome) -> None:
        """Keep an outcome; another process that writes the same one at the same time does no harm."""
        buffer = io.BytesIO()
        np.savez(buffer, point=outcome.point, loss=outcome.loss, diverged_at=outcome.diverged_at)
        self._write(self._path(outcome.cell), buffer.getvalue())

    def _path(self, cell: Cell) -> Path:
        return self._folder / f"strength{cell.strength:03d}-fold{cell.fold:03d}-restart{cell.restart:03d}.npz"

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        """A file under its name is whole: it is written under another one and renamed."""
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        unfinished.write_bytes(content)
        unfinished.replace(path)
