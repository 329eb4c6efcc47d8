"""What decides a sweep's numbers, in words and hashes: two sweeps that agree in all of it train the same networks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from itertools import chain
from typing import Any

import numpy as np

from regnet.backend.registry import get_backend
from regnet.sweep.fold import Fold
from regnet.sweep.spec import SweepSpec
from regnet.training.sheet import digest, told

__all__ = ["data_digest", "fingerprint", "kernels_of", "libraries_of"]


def data_digest(folds: Iterable[Fold], /) -> str:
    """A number for all that folds hold: their tables, targets, weights and units, and which rows they hold out."""
    own = (
        (one.x, one.y, one.weight, one.total_weight, one.train, one.test, *vars(one.affine).values()) for one in folds
    )
    return digest(*chain.from_iterable(own))


def fingerprint(spec: SweepSpec) -> dict[str, str]:
    """What two sweeps must have in common for one to go on where the other stopped, by what a user calls it.

    Scores are not in it: they are made anew from the networks, and what they decide for a later pass (its factors, its
    strength) is in that pass's name.
    """
    factors = () if spec.factors is None else (np.asarray(spec.factors, dtype=np.float64),)
    groups = () if spec.groups is None else (spec.groups.numbers,)
    parameters = spec.template.get_params()
    info = get_backend(spec.backend).describe()
    return {
        "data or folds": spec.data or data_digest(spec.folds),
        "estimator": repr({name: told(value) for name, value in sorted(parameters.items()) if name != "random_state"}),
        "penalty": repr(spec.mix),
        "lambdas": repr(spec.lambdas),
        "random_state": repr(spec.seeds),
        "input_groups": digest(*groups),
        "factors": digest(*factors),
        "epochs": repr((spec.epochs_at(0), spec.epochs, spec.batch_rows)),
        "warm_start": repr((spec.warm_start, spec.screen)),
        "dtype": spec.dtype,
        "backend": f"{spec.backend} {info.version}, {_device_name(spec.device)}",
        "libraries": "; ".join(libraries_of(spec.backend, fast=spec.fast)),
        "regnet": version("regnet-xp"),
    }


def kernels_of(spec: SweepSpec) -> str:
    """What computes: the array library, its device where there are several, BLAS, and what compiled the loops.

    Other ones add up in another order, and have other last digits.
    """
    device = _device_name(spec.device)
    where = "" if device == "cpu" else f" on {device}"
    return ", ".join(
        [
            f"{spec.backend} {get_backend(spec.backend).describe().version}{where}",
            *libraries_of(spec.backend, fast=spec.fast),
        ]
    )


def libraries_of(backend: str, *, fast: bool) -> list[str]:
    """The kernels that a backend computes with, and what compiled its loops, if that is wanted."""
    notes = [re.sub(r", \d+ threads$", "", note) for note in get_backend(backend).describe().notes]
    compiled = [note for note in notes if note.startswith("loops compiled")] if fast else []
    return sorted(note for note in notes if "kernels" in note) + compiled  # threads do not change the bits


def _device_name(device: Any) -> str:
    """The same for a device and for the name that REGNET_DEVICE has for it."""
    number = getattr(device, "id", None)
    return str(device) if number is None else f"{getattr(device, 'platform', 'cuda')}:{number}"
