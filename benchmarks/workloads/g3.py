"""G3: W3 on a GPU, in float32 without TF32."""

from benchmarks.tasks import make_task
from benchmarks.training import gpu_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "G3", "a step of 4,096 x 784 -> 1,024 -> 10, all rows, on a GPU", "ms a step",
    gpu_contestants(lambda: make_task(4096, [784, 1024, 10]), steps=500, quick_steps=50),
    rounds=(5, 2),
)  # fmt: skip
