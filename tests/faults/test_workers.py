"""Sweeps in processes of this machine whose parent, or one of which, is killed: none lives on, and the rest is told.

`python tests/faults/test_workers.py 30` ends so many sweeps at random moments; the short form ends what only writes
files, for processes that train take seconds to begin.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from signalled import heeding_interrupts
from sweeps import FRIEDMAN, same, small

from regnet.sweep import processes

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

PATIENCE = 10.0
"""Seconds after which a process that should have ended has not."""

SWEEP = """
import sys
from sweeps import FRIEDMAN, small
from regnet.sweep import processes
processes.SHARED = sys.argv[1] + "/shared"
small(sweep_dir=sys.argv[1] + "/sweep", n_jobs=2, max_iter=4000, memory_limit=1, cv=10).fit(*FRIEDMAN)
"""

WRITERS = """
import os, sys
from pathlib import Path
import numpy as np
from regnet.sweep import processes

def write(where, array, number):
    from time import sleep
    for k in range(10**6):
        (where / f"{number}-{k}.safetensors").touch()
        sleep(0.001 + 0 * sum(range(10**4)))

for folder in sys.argv[1:]:
    if os.fork() == 0:
        from functools import partial
        processes.SHARED = folder + "/shared"
        (Path(folder) / "pid").write_text(str(os.getpid()))
        list(processes.map_unordered(partial(write, Path(folder) / "sweep" / "path", np.ones(1000)), [0, 1], 2))
        os._exit(0)
for _ in sys.argv[1:]:
    os.wait()
"""
"""Several parents, forks of a process that has imported what they need."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")


def parent_and_state(pid):
    """What /proc says of a process; (0, "Z") if it has ended."""
    try:
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, "Z"
    return int(after[1]), after[0]


def children(pid):
    return [int(one.name) for one in Path("/proc").glob("[0-9]*") if parent_and_state(one.name)[0] == pid]


def wait_for(condition, seconds=120.0):
    """Whether it comes true in that time, and after how long."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return True, time.monotonic() - began
        time.sleep(0.01)
    return False, seconds


def begin(script, *folders):
    for folder in folders:
        (folder / "shared").mkdir(parents=True)
        (folder / "sweep" / "path").mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    with heeding_interrupts():
        return subprocess.Popen([sys.executable, "-c", script, *folders], env=environment, stderr=subprocess.DEVNULL)


def records(folder):
    return len(list(folder.glob("sweep/*/*.safetensors")))


def end(pid, folder, number, *, early, delay=0.0):
    """Send a signal to a process that sweeps, when there are records, or when its workers begin.

    Returns how many processes did not end, the seconds that the last of them took, how many records were written in
    that time, and how many files are left that arrays were handed over in.
    """
    assert wait_for((lambda: len(children(pid)) == 2) if early else (lambda: records(folder) > 0))[0]
    time.sleep(delay)
    every, before = [pid, *children(pid)], records(folder)
    assert len(every) == 3
    os.kill(pid, number)
    _, seconds = wait_for(lambda: all(parent_and_state(one)[1] == "Z" for one in every), PATIENCE)
    alive = sum(parent_and_state(one)[1] != "Z" for one in every)
    return alive, seconds, records(folder) - before, len(list(folder.glob("shared/*")))


def test_no_worker_outlives_its_parent(tmp_path):
    """`kill -9`, `kill`, an interrupt that reaches the parent alone, and `kill -9` while the workers begin."""
    cases = [(signal.SIGKILL, True), *((number, False) for number in SIGNALS)]
    folders = [tmp_path / str(number) for number in range(len(cases))]
    process = begin(WRITERS, *folders)
    try:
        for folder, (number, early) in zip(folders, cases, strict=True):
            assert wait_for(lambda folder=folder: (folder / "pid").is_file() and (folder / "pid").read_text())[0]
            alive, _, _, files = end(int((folder / "pid").read_text()), folder, number, early=early)
            assert (alive, files) == (0, 0)
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        for place in tmp_path.glob("*/pid"):
            with suppress(ProcessLookupError):
                os.kill(int(place.read_text()), signal.SIGKILL)


def test_a_lost_worker_is_told_and_the_sweep_goes_on_from_its_records(tmp_path):
    """As a system ends it when memory runs out; the records that were written are not trained again."""
    settings = {"sweep_dir": tmp_path, "cv": 10, "memory_limit": 1}

    def kill(*_):
        for one in list(processes._started):
            one.process.kill()
        return 0.0

    with pytest.raises(BrokenExecutor, match=r"by signal 9 .*fewer n_jobs, or give a smaller memory_limit") as told:
        small(n_jobs=2, scoring=kill, **settings).fit(*FRIEDMAN)
    assert f"Run it again with sweep_dir={str(tmp_path)!r}" in str(told.value)
    written = {one: one.stat().st_mtime_ns for one in tmp_path.glob("*/*.safetensors")}
    assert written
    same(small(cv=10).fit(*FRIEDMAN), small(**settings).fit(*FRIEDMAN))
    assert written == {one: one.stat().st_mtime_ns for one in written}


def figures(count):
    """The worst of `count` sweeps that ended at random moments."""
    rng, worst = np.random.default_rng(), np.zeros(4)
    for k in range(count):
        with tempfile.TemporaryDirectory() as folder:
            process = begin(SWEEP, Path(folder) / "a")
            found = end(process.pid, Path(folder) / "a", SIGNALS[k % 3], early=k % 4 == 0, delay=rng.uniform(0, 0.5))
            assert process.wait() == -SIGNALS[k % 3]
            worst = np.maximum(worst, found)
    return worst


if __name__ == "__main__":
    alive, seconds, written, files = figures(int(sys.argv[1]))
    print(
        f"sweeps ended: {sys.argv[1]}; processes that lived on: {alive:.0f}; the last ended after {seconds:.2f} s at "
        f"most; records written meanwhile: {written:.0f} at most; files left: {files:.0f}"
    )
    sys.exit(bool(alive or files))
