"""What a study has trained, on disk: one file a seed, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import numpy as np

from regnet.backend.config import get_config
from regnet.backend.placement import to_host
from regnet.backend.registry import get_backend
from regnet.display.warning import warn
from regnet.networks.whole_files import create_whole, replace_whole
from regnet.studies.plan import Plan
from regnet.studies.training import Outcome
from regnet.sweep.fingerprint import libraries_of
from regnet.sweep.records import RecordError, read_file
from regnet.training.sheet import differences, digest, told

__all__ = ["StudyJournal"]

LARGEST = 2**24
"""Bytes that a file of a study has at most."""


@final
class StudyJournal:
    """The seeds of one study, in a folder. How many there are is not part of it: more may be asked for later.

    What decides the numbers stands in `study.json`; every record has a hash of that, and of itself.
    """

    def __init__(self, folder: str | os.PathLike[str], plan: Plan) -> None:
        """Opens or makes the folder. Raises ValueError where it holds another study, naming what differs."""
        self._shown, self._folder = os.fspath(folder), Path(folder)
        if not self._shown:
            raise ValueError("study_dir='' names no folder: give one, '.' for the current one, or None for no journal.")
        mine, path = _sheet(plan), self._folder / "study.json"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            create_whole(path, json.dumps(mine, indent=1).encode())
            found = json.loads(read_file(path, LARGEST))
            differ = differences(found, mine)
        except OSError as error:
            raise ValueError(f"study_dir={self._shown!r} cannot be written ({error}): give another one.") from error
        except (ValueError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{str(path)!r} is not a study's description ({error}): give another folder, or delete it."
            ) from None
        if differ is not None:
            raise ValueError(
                f"study_dir={self._shown!r} holds another study; these differ: {differ}. Give another folder, or "
                "delete this one."
            )
        self._problem = hashlib.sha256(json.dumps(mine).encode()).hexdigest()
        self._told = False

    def get(self, seed: int) -> Outcome | None:
        """A seed's outcome, or None where it has not been trained, or its record is none (which is warned of)."""
        path = self._path(seed)
        try:
            kept = json.loads(read_file(path, LARGEST))
            content = kept["outcome"]
            if kept["sha256"] != self._hash(seed, content):
                raise RecordError("it was changed or damaged, or is of another study")
            return _outcome_of(content)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            warn(f"{str(path)!r} cannot be used, and its seed is trained again: {error}.")
            return None

    def put(self, seed: int, outcome: Outcome) -> None:
        """Keep a seed's outcome; where that fails, a full disk say, the study goes on, and warns once."""
        content = {name: np.asarray(value).tolist() for name, value in outcome._asdict().items()}
        kept = {"outcome": content, "sha256": self._hash(seed, content)}
        try:
            replace_whole(self._path(seed), json.dumps(kept).encode())
        except OSError as error:
            if not self._told:
                warn(f"study_dir={self._shown!r}: a record could not be written ({error.strerror}); the study goes on.")
            self._told = True

    def _hash(self, seed: int, content: dict[str, Any]) -> str:
        return hashlib.sha256(json.dumps([self._problem, seed, content]).encode()).hexdigest()

    def _path(self, seed: int) -> Path:
        return self._folder / f"seed-{seed:04d}.json"


def _outcome_of(content: dict[str, Any]) -> Outcome:
    arrays = {name: np.asarray(content[name], dtype=np.float64) for name in ("train", "held_out", "subset", "norms")}
    count = len(arrays["train"])
    fresh = np.asarray(content["fresh"], dtype=np.float64).reshape(count, -1)
    return Outcome(
        **arrays, fresh=fresh, diverged=np.asarray(content["diverged"], dtype=bool),
        counts=tuple(map(int, content["counts"])), metric=str(content["metric"]),
    )  # fmt: skip


def _sheet(plan: Plan) -> dict[str, str]:
    """What two studies must have in common for one to go on where the other stopped."""
    settings = {name: told(value) for name, value in sorted(plan.estimator.get_params().items())}
    config, backend = get_config(), get_backend()
    first = [to_host(one) for one in plan.rows_of(plan.seeds[0]) if one is not None]
    return {
        "rows": digest(*(one.astype(str) if one.dtype == object else one for one in first)),
        "estimator": repr((type(plan.estimator).__name__, settings)),
        "penalties": repr(
            {name: {key: told(value) for key, value in own.items()} for name, own in plan.penalties.items()}
        ),
        "subset": repr(plan.subset),
        "measured": repr(plan.measured),
        "backend": f"{backend.name} {backend.describe().version}",
        "libraries": "; ".join(libraries_of(backend.name, fast=config.fast)),
        "regnet": version("regnet-xp"),
    }
