"""W8: the tiny network that SimpleChains.jl was published with, where calls take longer than numbers.

Theirs takes 41 microseconds an epoch on 18 cores with AVX-512: 738 of one core.
"""

import os

from benchmarks.tasks import make_exponential_task
from benchmarks.training import training_contestants
from benchmarks.workload import Workload

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

WORKLOAD = Workload(
    "W8", "an epoch of 10,000 x 4 -> 32 -> 16 -> 4, tanh, all rows (SimpleChains.jl on 18 cores: 738)",
    "us an epoch x cores",
    training_contestants(lambda: make_exponential_task(10_000), steps=300, quick_steps=50, per_second=1e6 * CORES),
    slow=True,
)  # fmt: skip
