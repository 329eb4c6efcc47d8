"""Sweeps whose processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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
found = small(sweep_dir=sys.argv[1], max_iter=1500, memory_limit=1).fit(*FRIEDMAN)
np.savez(sys.argv[2], scores=found.cv_scores_, weight=found.best_estimator_.coefs_[0])
"""


@pytest.mark.slow
def test_a_killed_process_goes_on(tmp_path):
    """`kill -9` at random times (REGNET_KILLS of them, 3 if unset), each time the same command again."""
    kills = int(os.environ.get("REGNET_KILLS", "3"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    run = [sys.executable, "-c", SCRIPT]

    def go(folder, name):
        return subprocess.Popen([*run, str(tmp_path / folder), str(tmp_path / name)], env=environment)

    started = time.monotonic()
    assert go("whole", "whole.npz").wait() == 0
    seconds, rng, killed = time.monotonic() - started, np.random.default_rng(), 0
    while killed < kills:
        process = go("killed", "killed.npz")
        try:
            process.wait(timeout=rng.uniform(0.3, 0.7) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            killed += 1
        else:
            assert process.returncode == 0  # it came to its end, which is no kill: begin again
            for cell in (tmp_path / "killed").glob("*/*.safetensors"):
                cell.unlink()
    assert go("killed", "killed.npz").wait() == 0
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as other:
        for name in ("scores", "weight"):
            assert np.array_equal(whole[name], other[name])


@pytest.mark.slow
def test_killed_workers_of_dask_cost_nothing(tmp_path):
    """Workers die by `kill -9` at random times (REGNET_KILLS of them, 3 if unset) while the sweep runs."""
    need("distributed")
    import threading

    from distributed import Client, LocalCluster

    kills = int(os.environ.get("REGNET_KILLS", "3"))
    whole = small(max_iter=3000).fit(*FRIEDMAN)
    done, rng = threading.Event(), np.random.default_rng()
    killed = []

    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:

        def reaper():
            while not done.wait(rng.uniform(0.5, 2.0)) and len(killed) < kills:
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
    assert len(killed) == kills
