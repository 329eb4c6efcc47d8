"""G1: W1 on a GPU, whose kernels take less time than their launches."""

from benchmarks.tasks import make_task
from benchmarks.training import gpu_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "G1", "a step of 3,000 x 2 -> 512 -> 3, all rows, on a GPU", "ms a step",
    gpu_contestants(lambda: make_task(3000, [2, 512, 3]), steps=2000, quick_steps=200),
    rounds=(5, 2),
)  # fmt: skip
