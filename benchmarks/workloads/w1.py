"""W1: the study note's step, with its decay of the learning rate. Two of its products are too thin for BLAS."""

from benchmarks.tasks import make_spiral_task
from benchmarks.training import training_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "W1", "a step of 3,000 x 2 -> 512 -> 3, all rows", "ms a step",
    training_contestants(make_spiral_task, steps=100, quick_steps=30),
)  # fmt: skip
