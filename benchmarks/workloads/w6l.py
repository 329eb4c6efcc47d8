"""W6L: predictions for 100,000 rows."""

from benchmarks.workload import Workload
from benchmarks.workloads.w6 import contestants

WORKLOAD = Workload(
    "W6L", "probabilities of 100,000 rows, 30 -> 64 -> 3", "ms a call", contestants(100_000, 8, 1e3), slow=True
)
