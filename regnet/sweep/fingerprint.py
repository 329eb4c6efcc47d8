"""What decides a sweep's numbers, in words and hashes: two sweeps that agree in all of it train the same networks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from regnet.backend.registry import get_backend
from regnet.sweep.fold import Fold
from regnet.sweep.spec import SweepSpec

__all__ = ["data_digest", "fingerprint", "kernels_of"]


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
