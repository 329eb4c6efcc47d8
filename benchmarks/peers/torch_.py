"""PyTorch, eager and compiled."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.tasks import Task


class Torch:
    """Modules, cross_entropy, torch.optim.Adam with weight_decay on the weights."""

    compiled = False

    def __init__(self, task: Task) -> None:
        self.task, self.t = task, 0
        layers: list[Any] = []
        for weight, bias in zip(task.weights, task.biases, strict=True):
            linear = torch.nn.Linear(*weight.shape)
            linear.weight.data = torch.tensor(weight.T.copy())
            linear.bias.data = torch.tensor(bias)
            layers += [linear, torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        self.x, self.y = torch.tensor(task.x), torch.tensor(task.labels)
        weights = [layer.weight for layer in layers[::2]]
        biases = [layer.bias for layer in layers[::2]]
        self.optimizer = torch.optim.Adam(
            [{"params": weights, "weight_decay": 2 * task.l2}, {"params": biases}],
            lr=task.learning_rate,
            eps=task.epsilon,
        )
        self.forward = torch.compile(self.loss) if self.compiled else self.loss

    def loss(self, x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(self.model(x), y)

    def advance(self, n: int) -> None:
        batches = self.task.batches()
        for _ in range(n):
            rows = batches[self.t % len(batches)]
            self.t += 1
            self.optimizer.zero_grad()
            self.forward(self.x[rows], self.y[rows]).backward()
            self.optimizer.step()

    def params(self) -> list[Any]:
        pairs = [(layer.weight.T, layer.bias) for layer in self.model if isinstance(layer, torch.nn.Linear)]
        return [array.detach().numpy() for pair in pairs for array in pair]


class TorchCompiled(Torch):
    """The same through torch.compile."""

    compiled = True
