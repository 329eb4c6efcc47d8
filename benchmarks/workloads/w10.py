"""W10: a mini-batch through tanh."""

from benchmarks.tasks import make_task
from benchmarks.training import training_contestants
from benchmarks.workload import Workload

WORKLOAD = Workload(
    "W10", "a step of 256 x 784 -> 256 -> 10, tanh, a mini-batch", "ms a step",
    training_contestants(
        lambda: make_task(256, [784, 256, 10], activation="tanh"), steps=128, quick_steps=48, wide=True
    ), slow=True,
)  # fmt: skip
