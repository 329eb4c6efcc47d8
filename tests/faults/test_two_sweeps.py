"""Two sweeps that begin at once in one folder: of one problem they share it, of two one is refused.

`python tests/faults/test_two_sweeps.py 200` runs so many of either, in place of one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from multiprocessing import get_context, set_forkserver_preload
from pathlib import Path

import numpy as np
from sweeps import FRIEDMAN, small

from regnet import config_context

PROBLEMS = ({}, {"activation": "tanh"})
"""Of equal shapes, so that one's records could be the other's."""


def sweep(problem, folder):
    with config_context(fast=False):
        found = small(sweep_dir=folder, max_iter=4, adaptive=False, **PROBLEMS[problem]).fit(*FRIEDMAN)
    return np.concatenate([found.cv_scores_.ravel(), found.best_estimator_.coefs_[0].ravel()])


def enter(problem, folder, delay, barrier, pipe):
    """A process: its numbers, or the words in which it was refused."""
    barrier.wait()
    time.sleep(delay)
    try:
        pipe.send(sweep(problem, folder))
    except ValueError as error:
        pipe.send(str(error))


def race(context, problems, folder, rng):
    """What two processes that begin at once come to."""
    barrier, ends, processes = context.Barrier(2), [], []
    for problem in problems:
        end, own = context.Pipe(duplex=False)
        processes.append(
            context.Process(target=enter, args=(problem, folder, rng.uniform(0, 0.004), barrier, own), daemon=True)
        )
        processes[-1].start()
        own.close()
        ends.append(end)
    found = [end.recv() for end in ends]
    for process, end in zip(processes, ends, strict=True):
        process.join()
        end.close()
    return found


def races(count):
    """How many were refused, and how many numbers were wrong, of `count` races of two problems and of one."""
    context, rng = get_context("forkserver"), np.random.default_rng()
    set_forkserver_preload(["regnet.selection.regressor", "sklearn.datasets"])
    right = [sweep(problem, None) for problem in range(2)]
    wrong, refused = 0, 0
    for number in range(2 * count):
        problems = (0, 1) if number < count else (number % 2, number % 2)
        with tempfile.TemporaryDirectory() as folder:
            found = race(context, problems, Path(folder), rng)
        words = [one for one in found if isinstance(one, str)]
        assert all("holds the sweep of another problem: estimator differ" in one for one in words), words
        assert len(words) == (number < count), words
        refused += len(words)
        for problem, one in zip(problems, found, strict=True):
            wrong += not isinstance(one, str) and not np.array_equal(one, right[problem])
    return {"races": 2 * count, "refused": refused, "wrong numbers": wrong}


def test_two_sweeps_in_one_folder():
    assert races(1) == {"races": 2, "refused": 1, "wrong numbers": 0}


if __name__ == "__main__":
    told = races(int(sys.argv[1]))
    print(told)
    sys.exit(told["wrong numbers"])
