"""Sweeps whose processes are killed go on where they were: every network is there, and all numbers are the same.

`python tests/faults/test_killed_sweeps.py 200` kills so often, in place of three times.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from conftest import need
from sweeps import FRIEDMAN, same, small

SCRIPT = """
import sys
import numpy as np
from sweeps import FRIEDMAN, small
found = small(sweep_dir=sys.argv[1], max_iter=1500, memory_limit=1, n_jobs=int(sys.argv[3])).fit(*FRIEDMAN)
np.savez(sys.argv[2], scores=found.cv_scores_, weight=found.best_estimator_.coefs_[0])
"""


def begin(folder, result, jobs):
    """What it and its workers say on standard error goes to a file beside the result."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    with Path(f"{result}.err").open("a") as said:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, folder, result, str(jobs)], env=environment, stderr=said)


def records(folder):
    return {path.name: path.stat().st_mtime_ns for path in Path(folder).glob("*/*.safetensors")}


def to_its_end(folder, result, seconds, rng):
    """How often a sweep was killed until it came to its end. What it had kept then was neither lost nor made again."""
    for kills in range(1000):
        kept = records(folder)
        process = begin(folder, result, 1 + kills % 2)
        try:
            process.wait(timeout=rng.uniform(0.4, 1.2) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            assert process.wait() == -signal.SIGKILL
        assert kept.items() <= records(folder).items()
        if process.returncode == 0:
            return kills
    raise AssertionError("it does not come to its end")


def kills(count):
    """How many sweeps were killed `count` times in all."""
    rng, killed, sweeps = np.random.default_rng(), 0, 0
    with tempfile.TemporaryDirectory() as place:
        for name in ("first", "whole"):  # the first one may compile, for longer than the others train
            started = time.monotonic()
            assert begin(f"{place}/{name}", f"{place}/{name}.npz", 1).wait() == 0
            seconds = time.monotonic() - started
        with np.load(f"{place}/whole.npz") as file:
            whole = dict(file)
        while killed < count:
            sweeps += 1
            folder, result = f"{place}/{sweeps}", f"{place}/{sweeps}.npz"
            killed += to_its_end(folder, result, seconds, rng)
            assert records(folder).keys() == records(f"{place}/whole").keys(), "a network is missing"
            assert "Traceback" not in Path(f"{result}.err").read_text()
            with np.load(result) as file:
                assert all(np.array_equal(whole[name], file[name]) for name in ("scores", "weight"))
    return sweeps, killed


@pytest.mark.slow
def test_a_killed_sweep_goes_on():
    sweeps, killed = kills(3)
    assert sweeps >= 1
    assert killed >= 3


@pytest.mark.slow
def test_killed_workers_of_dask_cost_nothing(tmp_path):
    """Workers die by `kill -9` at random times while the sweep runs, three in all."""
    need("distributed")
    from distributed import Client, LocalCluster

    whole = small(max_iter=3000).fit(*FRIEDMAN)
    done, rng = threading.Event(), np.random.default_rng()
    killed = []

    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:

        def reaper():
            while not done.wait(rng.uniform(0.5, 2.0)) and len(killed) < 3:
                workers = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
                if workers:
                    with suppress(ProcessLookupError):  # it has just ended
                        os.kill(int(rng.choice(workers)), signal.SIGKILL)
                        killed.append(time.monotonic())

        thread = threading.Thread(target=reaper)
        thread.start()
        try:
            executor = client.get_executor(retries=5, pure=False)
            rounds = 0
            while thread.is_alive():
                folder = tmp_path / f"round{rounds}"
                same(whole, small(max_iter=3000, executor=executor, sweep_dir=folder).fit(*FRIEDMAN))
                rounds += 1
        finally:
            done.set()
            thread.join()
    assert len(killed) == 3


if __name__ == "__main__":
    sweeps, killed = kills(int(sys.argv[1]))
    print(f"{killed} kills of {sweeps} sweeps: every network is there, none was trained again, all numbers are equal")
