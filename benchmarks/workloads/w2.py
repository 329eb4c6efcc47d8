"""W2: a mini-batch, where the update costs as much as a product."""

from benchmarks.tasks import make_task
from benchmarks.training import training_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "W2", "a step of 256 x 784 -> 512 -> 10, a mini-batch", "ms a step",
    training_contestants(lambda: make_task(256, [784, 512, 10]), steps=64, quick_steps=24, wide=True), slow=True,
)  # fmt: skip
