"""JAX: one jitted step, written by hand, with donated buffers."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.tasks import Task


class Jax:
    """value_and_grad of a pure loss, Adam by tree_map, all in one jit."""

    def __init__(self, task: Task) -> None:
        self.task, self.t = task, 0
        params = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(task.weights, task.biases, strict=True)]
        zeros = jax.tree.map(jnp.zeros_like, params)
        self.state = (params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.asarray(0))
        self.x, self.y = jnp.asarray(task.x), jnp.asarray(task.targets)
        self.batches = [(self.x[rows], self.y[rows]) for rows in task.batches()]

        activate = {"relu": jax.nn.relu, "tanh": jnp.tanh}[task.activation]

        def data_loss(z: Any, y: Any) -> Any:
            if task.has_classes:
                return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))
            return 0.5 * jnp.mean(jnp.sum((z - y) ** 2, axis=1))

        def loss(params: Any, x: Any, y: Any) -> Any:
            for number, (weight, bias) in enumerate(params):
                x = x @ weight + bias
                x = activate(x) if number < len(params) - 1 else x
            return data_loss(x, y) + task.l2 * sum(jnp.sum(weight**2) for weight, _ in params)

        @partial(jax.jit, donate_argnums=0)
        def step(state: Any, x: Any, y: Any) -> Any:
            params, m, v, t = state
            grads = jax.grad(loss)(params, x, y)
            rate = task.learning_rate / (1 + task.decay * t)
            t = t + 1
            m = jax.tree.map(lambda m, g: task.beta1 * m + (1 - task.beta1) * g, m, grads)
            v = jax.tree.map(lambda v, g: task.beta2 * v + (1 - task.beta2) * g * g, v, grads)
            rate = rate * jnp.sqrt(1 - task.beta2**t) / (1 - task.beta1**t)
            small = task.epsilon * jnp.sqrt(1 - task.beta2**t)
            params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + small), params, m, v)
            return params, m, v, t

        self.step = step

    def advance(self, n: int) -> None:
        for _ in range(n):
            self.state = self.step(self.state, *self.batches[self.t % len(self.batches)])
            self.t += 1
        jax.block_until_ready(self.state)

    def params(self) -> list[Any]:
        return [np.asarray(array) for pair in self.state[0] for array in pair]


class JaxGpu(Jax):
    """On XLA's default device, which must be a GPU; products in float32, as everybody's here, not in TF32."""

    def __init__(self, task: Task) -> None:
        assert jax.default_backend() == "gpu", f"JAX computes on the {jax.default_backend()}"
        jax.config.update("jax_default_matmul_precision", "highest")
        super().__init__(task)
