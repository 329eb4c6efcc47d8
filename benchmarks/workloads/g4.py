"""G4: W4's sweep on a GPU: a hundred networks as one stack, and one after another."""

from benchmarks.workload import Contestant, Workload
from benchmarks.workloads.w4 import jax_sweep, regnet_sweep

WORKLOAD = Workload(
    "G4", "a sweep: digits, 20 strengths x 5 folds, 64 -> 64 -> 10, 60 epochs, on a GPU", "s",
    (
        Contestant("regnet cupy", "ours", regnet_sweep(backend="cupy"), ("cupy",)),
        Contestant(
            "regnet cupy, one network after another", "ours", regnet_sweep(backend="cupy", memory_limit=1), ("cupy",)
        ),
        Contestant("JAX vmap + jit", "peer", jax_sweep, ("jax",)),
    ),
    tolerance=5e-3, rounds=(2, 1),
)  # fmt: skip
