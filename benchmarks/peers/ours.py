"""regnet, on any of its backends."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks.tasks import Task
from regnet import Adam, InverseTime, Network, Penalty, config_context
from regnet.networks.kernels import REFERENCE
from regnet.training.assembly import prepare
from regnet.training.batches import batches_of
from regnet.training.step import make_run, make_step


def adam(task: Task) -> Adam:
    """Our optimizer of the task."""
    rate = InverseTime(task.learning_rate, task.decay) if task.decay else task.learning_rate
    return Adam(rate, task.beta1, task.beta2, task.epsilon)


def network_of(task: Task) -> Network:
    """Our network of the task."""
    loss = "categorical_crossentropy" if task.has_classes else "squared_error"
    return Network.mlp(task.widths, loss=loss, activation=task.activation)


class Regnet:
    """The run that `fit` repeats, between two looks at the clock."""

    backend, device, fast, mkl = "numpy", None, False, False

    def __init__(self, task: Task) -> None:
        self.task = task
        os.environ["REGNET_MKL"] = str(int(self.mkl))  # every contestant has a process of its own
        network = network_of(task)
        params = tuple(zip(task.weights, (bias[None] for bias in task.biases), strict=True))
        optimizer = adam(task)
        with config_context(backend=self.backend, device=self.device, fast=self.fast, dtype="float32"):
            problem = prepare(
                network, task.x, task.labels, optimizer=optimizer,
                penalties=[Penalty(weight_l2=task.l2)] * len(task.weights), batch_size=task.batch, sample_weight=None,
                validation_data=None, params=network.unpack(network.pack([tuple(pair) for pair in params])), seed=0,
            )  # fmt: skip
            self.placement, self.network = problem.placement, network
            self.run = make_run(self.placement.backend, network, optimizer)
        self.data, self.hyper, self.state = problem.data, problem.hyper, problem.state
        if task.batch < len(task.x):
            table = np.arange(len(task.x), dtype=np.int32).reshape(-1, task.batch)
            batches = self.placement.backend.compile(batches_of)(self.data.weight, self.placement.put(table, "int32"))
            self.data = self.data._replace(batches=batches)

    def advance(self, n: int) -> None:
        with (
            config_context(backend=self.backend, fast=self.fast),
            self.placement.backend.session(self.placement.device),
        ):
            self.state = self.run(self.state, self.data, self.hyper, n)
            self.placement.backend.synchronize(self.state)

    def params(self) -> list[Any]:
        return [self.placement.backend.to_numpy(a).reshape(s) for a, s in zip(
            self.network.layout.split(self.state.point), self.network.layout.shapes, strict=True)]  # fmt: skip


class RegnetFast(Regnet):
    """With numba."""

    fast = True


class RegnetMkl(RegnetFast):
    """With numba, and MKL's products."""

    mkl = True


class RegnetJax(Regnet):
    """On JAX."""

    backend = "jax"


class RegnetTorch(Regnet):
    """On PyTorch."""

    backend = "torch"


class RegnetCupy(Regnet):
    """On CuPy."""

    backend = "cupy"


class RegnetCupyPlain(RegnetCupy):
    """The same step on the Array API, one CuPy function after another: what the kernels and the graph replace."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        optimizer, backend = adam(task), self.placement.backend
        self.run = REFERENCE.run(backend, self.network, optimizer, make_step(backend, self.network, optimizer))


class RegnetTorchGpu(RegnetTorch):
    """On PyTorch's first CUDA device."""

    device = "cuda:0"


class RegnetJaxGpu(RegnetJax):
    """On XLA's first GPU; products in float32."""

    device = "gpu:0"

    def __init__(self, task: Task) -> None:
        import jax

        assert jax.default_backend() == "gpu", f"JAX computes on the {jax.default_backend()}"
        jax.config.update("jax_default_matmul_precision", "highest")
        super().__init__(task)
