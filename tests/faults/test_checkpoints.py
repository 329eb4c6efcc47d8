"""Trainings that are killed again and again: their checkpoint is whole, none goes back, and the end has the same bits.

`python tests/faults/test_checkpoints.py 1000` kills so many times, in place of eight.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from regnet import SGD, EarlyStopping, MLPClassifier, MLPRegressor, Network, Penalty, fit
from regnet.arrays.tree import leaves
from regnet.networks.container import open_container
from regnet.training.sheet import digest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6))
Y = X @ RNG.normal(size=(6, 1)) + RNG.normal(size=(50, 1))


def a_stack(path):
    found = fit(
        Network.mlp([6, 7, 1], loss="squared_error", dropout=0.1), X, Y, penalties=Penalty(weight_l1=(1e-3, 1e-1)),
        batch_size=9, epochs=12, validation_data=(X[:9], Y[:9]), early_stopping=EarlyStopping(patience=9),
        checkpoint=path, checkpoint_every=1, progress=False,
    )  # fmt: skip
    return digest(*map(np.asarray, leaves(found.model.params)), found.history.column("loss"), found.best_epoch)


def all_rows(path):
    found = fit(
        Network.mlp([6, 7, 1], loss="squared_error"), X, Y, optimizer=SGD(0.01, momentum=0.9), epochs=60,
        checkpoint=path, checkpoint_every=2, progress=False,
    )  # fmt: skip
    return digest(*map(np.asarray, leaves(found.model.params)), found.history.column("loss"))


def an_estimator(path, kind=MLPRegressor, y=Y[:, 0], **settings):
    found = kind(hidden_layer_sizes=(7,), max_iter=14, batch_size=9, random_state=0, **settings)
    found.fit(X, y, checkpoint=path, checkpoint_every=1)
    return digest(*found.coefs_, *found.intercepts_, np.asarray(found.loss_curve_), found.n_iter_)


def with_scores(path):
    return an_estimator(path, MLPClassifier, (Y[:, 0] > 0).astype(int), early_stopping=True)


def with_rates(path):
    return an_estimator(path, solver="sgd", learning_rate="adaptive", n_iter_no_change=1, tol=1e-2)


TRAININGS = (a_stack, all_rows, an_estimator, with_scores, with_rates)


def child(training, path, result):
    """A process that trains, and writes what it came to."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.write(result, training(path).encode())
            code = 0
        finally:
            os._exit(code)
    return process


def position(path):
    """How many steps a file has; it must be whole."""
    if not path.exists():
        return 0
    with open_container(path) as file:
        file.read(file.shapes)
        return file.description["training"]["position"]


def one_training(training, folder, rng, seconds):
    """Kill a training until it is over; returns the kills. Raises AssertionError."""
    path, kills, before = Path(folder) / "run.checkpoint", 0, 0
    path.unlink(missing_ok=True)
    expected = training(Path(folder) / "whole")
    (Path(folder) / "whole").unlink()
    while True:
        read, write = os.pipe()
        process = child(training, path, write)
        os.close(write)
        time.sleep(rng.uniform(0, seconds))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        found = os.read(read, 1000).decode()
        os.close(read)
        now = position(path)
        assert now >= before, f"{training.__name__}: from {before} back to {now}"
        before = now
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"{training.__name__}: it could not go on"
            assert found == expected, f"{training.__name__}: other bits after {kills} kills"
            assert len(list(path.parent.iterdir())) == 1, "leftovers"
            return kills
        kills += 1


def run(count):
    warnings.simplefilter("ignore")
    rng, kills, trainings = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while kills < count:
            training = TRAININGS[trainings % len(TRAININGS)]
            started = time.perf_counter()
            training(Path(folder) / "timed")
            seconds = time.perf_counter() - started
            (Path(folder) / "timed").unlink()
            kills += one_training(training, folder, rng, max(0.02, 0.4 * seconds))
            trainings += 1
    print(f"{kills} kills of {trainings} trainings: 0 checkpoints corrupt, 0 lost, every end bit-equal")


def test_kills():
    """In a process of one thread, which may fork."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__, "8"], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "every end bit-equal" in done.stdout


if __name__ == "__main__":
    run(int(sys.argv[1]))
