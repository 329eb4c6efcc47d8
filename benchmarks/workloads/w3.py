"""W3: products that fill the processor."""

from benchmarks.tasks import make_task
from benchmarks.training import training_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "W3", "a step of 4,096 x 784 -> 1,024 -> 10, all rows", "ms a step",
    training_contestants(lambda: make_task(4096, [784, 1024, 10]), steps=24, quick_steps=3, wide=True),
    rounds=(7, 2), slow=True,
)  # fmt: skip
