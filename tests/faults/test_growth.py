"""Nothing grows over many fits: memory, files, threads; `python tests/faults/test_growth.py 500` fits so often."""

from __future__ import annotations

import gc
import os
import sys
import threading
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from regnet import MLPClassifier, MLPRegressor, MLPRegressorCV, Network, fit, load, path, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).standard_normal((60, 3))
Y = X[:, 0] - X[:, 1] ** 2
NETWORK = Network.mlp([3, 4, 1], loss="squared_error")
SHORT = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}


def saved_and_loaded():
    with TemporaryDirectory() as folder:
        save(Path(folder) / "m.st", MLPRegressor(**SHORT).fit(X, Y))
        load(Path(folder) / "m.st")[0].predict(X)


def kept_on_disk():
    with TemporaryDirectory() as folder:
        MLPRegressor(**SHORT).fit(X, Y, checkpoint=Path(folder) / "c.ckpt", checkpoint_every=1)


FITS = {
    "fit": lambda: fit(NETWORK, X, Y[:, None], epochs=2, progress=False).model.predict(X),
    "stack": lambda: fit(NETWORK, X, Y[:, None], epochs=2, seed=range(3), progress=False),
    "new network": lambda: fit(Network.mlp([3, 4, 1], loss="huber"), X, Y[:, None], epochs=1, progress=False),
    "classifier": lambda: MLPClassifier(**SHORT, early_stopping=True).fit(X, Y > 0).predict_proba(X),
    "fista": lambda: MLPRegressor(hidden_layer_sizes=(), solver="fista", weight_l1=0.1).fit(X, Y),
    "search": lambda: MLPRegressorCV((), cv=3, n_lambdas=3, random_state=0).fit(X, Y),
    "path": lambda: path(MLPRegressor(**SHORT), X, Y, n_lambdas=2),
    "file": saved_and_loaded,
    "checkpoint": kept_on_disk,
}


def held():
    """Objects of our own classes, open files, threads."""
    gc.collect()
    own = sum(str(type(one).__module__).startswith("regnet") for one in gc.get_objects())
    return own, len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def growth(kind, warm, count):
    """What `count` fits leave behind, after `warm` others."""
    for _ in range(warm):
        FITS[kind]()
    before = held()
    for _ in range(count):
        FITS[kind]()
    return [after - first for after, first in zip(held(), before, strict=True)]


@pytest.mark.parametrize("kind", sorted(FITS))
def test_what_a_fit_held_goes_with_it(kind):
    """Objects in a circle keep their table until garbage is collected, which may be after many other tables."""
    FITS[kind]()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        FITS[kind]()
        gc.collect()
        circles = [type(one) for one in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert [kind for kind in circles if kind.__module__.startswith("regnet") or kind is np.ndarray] == []


def resident():
    """KiB of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list a process's open files")
@pytest.mark.parametrize("kind", sorted(FITS))
def test_fits_leave_nothing_behind(kind):
    """A result that something kept would be objects of our own classes: a history, a model, a problem."""
    own, files, threads = growth(kind, 3, 5)
    assert own == 0
    assert (files, threads) <= (0, 0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    count, failed = int(sys.argv[1]), False
    for kind in FITS:
        growth(kind, 100, 1)  # pools and caches are filled by then
        before = resident()
        own, files, threads = growth(kind, 0, count)
        more = resident() - before
        failed |= more > 2048 or own > 0 or files > 0 or threads > 0
        print(
            f"{kind}: after {count} fits {more} KiB, {own} objects, {files} files, {threads} threads more", flush=True
        )
    sys.exit(failed)
