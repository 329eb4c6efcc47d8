"""G2: W2 on a GPU."""

from benchmarks.tasks import make_task
from benchmarks.training import gpu_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "G2", "a step of 256 x 784 -> 512 -> 10, on a GPU", "ms a step",
    gpu_contestants(lambda: make_task(256, [784, 512, 10]), steps=2000, quick_steps=200),
    rounds=(5, 2),
)  # fmt: skip
