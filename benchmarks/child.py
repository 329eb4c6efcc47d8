"""One contestant in a process of its own: prepares, then times a round for every line that it reads.

Importing torch or JAX changes NumPy's times, so nothing else is ever imported here.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from benchmarks.workload import find_workload


def _peak_bytes() -> int:
    """The most memory that this process had; getrusage would count what its parent had when it was started."""
    try:
        status = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Arguments: workload, contestant, and whether it is a quick run."""
    workload, name, quick = sys.argv[1], sys.argv[2], sys.argv[3] == "quick"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to stderr

    def answer(**what: object) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    contestant = next(one for one in find_workload(workload).contestants if one.name == name)
    started = time.perf_counter()
    ready = contestant.make(quick)
    first = ready.run()
    answer(check=ready.check, prepared=time.perf_counter() - started, first=first)
    for _ in sys.stdin:
        answer(time=ready.run(), peak=_peak_bytes())


if __name__ == "__main__":
    main()
