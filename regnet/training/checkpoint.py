"""A training on disk, so that it goes on where it was: one file, written whole, the previous one kept until then.

The file is a snapshot of memory, not a model: it holds optimizers' memory, random states and places in a shuffle as
data (the project's container: safetensors, JSON, a hash), and only the version of regnet that wrote it reads it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

from numpy.typing import NDArray

from regnet.display.warning import warn
from regnet.networks.container import ModelFileError, open_container, write_container
from regnet.networks.values import expected_tensors, value_from_json, value_to_json
from regnet.training.sheet import differences

__all__ = ["Checkpoint", "CheckpointError", "CheckpointWarning", "CheckpointWriteError"]

FORMAT = "checkpoint 1"

SECONDS = 30.0
"""Between two writings: what a power cut may cost."""

SHARE = 50.0
"""Times as long as a writing took is computed before the next one, which so take at most 2 % of the time."""

LONG = 1.0
"""Seconds of a portion of work that is worth a writing of its own, as far as SHARE allows."""


class CheckpointError(ModelFileError):
    """A file is no checkpoint that this version of regnet wrote whole; the message says what to do."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written, and the training goes on; or other libraries go on from it."""


@final
class CheckpointWriteError(OSError):
    """The training is over, and its last checkpoint could not be written; the file's previous state is still there.

    Parameters
    ----------
    message : str
        Which file, and why.
    result : FitResult, optional
        What the training came to; None where an estimator has it.
    """

    def __init__(self, message: str, result: Any = None) -> None:
        """Of a message, and what `fit` would have returned."""
        super().__init__(message)
        self.result = result


@final
class Checkpoint:
    """The file of one training. epochs: of the state that was written or read last, None if there is none."""

    def __init__(self, path: str | os.PathLike[str], every: int | None) -> None:
        """every: epochs between two writings, None: by time. Raises ValueError for what cannot be a file."""
        if every is not None and (isinstance(every, bool) or int(every) != every or every < 1):
            raise ValueError(f"checkpoint_every={every!r} must be a whole number of epochs, 1 or more, or None.")
        self.path, self.every, self.epochs = Path(path), every, None
        if not os.fspath(path) or self.path.is_dir() or (self.path.exists() and not self.path.is_file()):
            raise ValueError(f"checkpoint={os.fspath(path)!r} is no file: give a file's name.")
        if not self.path.parent.is_dir():
            raise ValueError(f"checkpoint={os.fspath(path)!r}: there is no folder {os.fspath(self.path.parent)!r}.")
        self._sheet: dict[str, str] = {}
        self._computed_by, self._error = "", None
        self._since, self._looked, self._cost = time.perf_counter(), time.perf_counter(), 0.0

    epochs: float | None
    _error: Exception | None

    def open(self, sheet: Mapping[str, str], computed_by: str) -> dict[str, Any] | None:
        """What was written of the training that this sheet describes; None: there is no file.

        Raises CheckpointError for a file that is damaged or none, ValueError for one of another problem.
        """
        self._sheet, self._computed_by = dict(sheet), computed_by
        self._remove_unfinished()
        if not self.path.exists():
            return None
        try:
            with open_container(self.path) as file:
                kept = self._read(file)
        except CheckpointError:
            raise
        except ModelFileError as error:
            raise self._unusable(str(error.__cause__ or error)) from error
        self._since = self._looked = time.perf_counter()
        return kept

    def _read(self, file: Any) -> dict[str, Any]:
        description = file.description
        if description.get("format") != FORMAT:
            raise self._unusable("it holds something else, such as a model")
        if description.get("regnet") != version("regnet-xp"):
            raise self._unusable(
                f"regnet {str(description.get('regnet'))[:20]} wrote it, and this is {version('regnet-xp')}: a "
                "checkpoint is for the same version only"
            )
        if description.keys() != {"format", "regnet", "sheet", "computed by", "training"}:
            raise self._unusable("its description has other parts than a training's")
        before, training = description["sheet"], description["training"]
        if not isinstance(before, dict) or not isinstance(training, dict):
            raise self._unusable("its description is of no training")
        differ = differences(before, self._sheet)
        if differ is not None:
            hint = " An integer random_state gives every run the same." if "random_state" in differ else ""
            raise ValueError(
                f"checkpoint={str(self.path)!r} is of another training; these differ: {differ}. Give what it was "
                f"begun with, or another file, or delete this one.{hint}"
            )
        kept: dict[str, Any] = value_from_json(training, file.read(expected_tensors(training)))
        if description["computed by"] != self._computed_by:
            warn(
                f"{str(self.path)!r} was computed by {str(description['computed by'])[:200]}, and goes on by "
                f"{self._computed_by}: last digits may differ.",
                CheckpointWarning,
            )
        return kept

    def is_due(self) -> bool:
        """Whether to write now, by time: see SECONDS, SHARE, LONG; asked after every portion of steps."""
        now = time.perf_counter()
        passed, portion, self._looked = now - self._since, now - self._looked, now
        return passed >= SHARE * self._cost and (passed >= SECONDS or portion >= LONG)

    def write(self, training: Mapping[str, Any], epochs: float) -> None:
        """Replace the file, or warn (once) that it stays as it was; epochs: how far the training is."""
        began = time.perf_counter()
        try:
            tensors: dict[str, NDArray[Any]] = {}
            told = {name: value_to_json(name, value, tensors) for name, value in training.items()}
            description = {
                "format": FORMAT, "regnet": version("regnet-xp"), "sheet": self._sheet,
                "computed by": self._computed_by, "training": told,
            }  # fmt: skip
            write_container(self.path, description, tensors)
        except (OSError, MemoryError) as error:
            if self._error is None:
                warn(f"{self._failed(error)} Training goes on, and it is tried again.", CheckpointWarning)
            self._error = error
        else:
            self.epochs, self._error = epochs, None
        self._since = self._looked = time.perf_counter()
        self._cost = self._since - began

    def check_written(self, result: Any = None) -> None:
        """Raise CheckpointWriteError, which carries the result, if the last writing failed."""
        if self._error is not None:
            raise CheckpointWriteError(f"{self._failed(self._error)} The training itself is done.", result) from (
                self._error
            )

    def damaged(self, error: Exception) -> CheckpointError:
        """What to raise where the file's values are none of a training."""
        return self._unusable(f"{type(error).__name__}: {error}")

    def _failed(self, error: Exception) -> str:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        stays = "there is none" if self.epochs is None else f"that of epoch {self.epochs:g} is still there"
        return f"The checkpoint {str(self.path)!r} could not be written ({reason}); {stays}."

    def _unusable(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"checkpoint={str(self.path)!r} cannot be gone on from: {why.rstrip('.')}. Delete it, or give another file."
        )

    def _remove_unfinished(self) -> None:
        """Files that a process which was killed had not renamed yet."""
        path = self.path.resolve()
        pattern = re.compile(re.escape(f".{path.name}.") + r"(\d+)\.[0-9a-f]{8}")
        for other in path.parent.iterdir():
            found = pattern.fullmatch(other.name)
            if found is not None and not _is_alive(int(found[1])):
                other.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
