"""PyTorch, eager and compiled."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.tasks import Task


class Torch:
    """Modules, cross_entropy, torch.optim.Adam with weight_decay on the weights."""

    device, mode, extra = "cpu", "", {}  # type: ignore[var-annotated]

    def __init__(self, task: Task) -> None:
        self.task, self.t = task, 0
        layers: list[Any] = []
        for weight, bias in zip(task.weights, task.biases, strict=True):
            linear = torch.nn.Linear(*weight.shape)
            linear.weight.data = torch.tensor(weight.T.copy())
            linear.bias.data = torch.tensor(bias)
            layers += [linear, torch.nn.Tanh() if task.activation == "tanh" else torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1]).to(self.device)
        self.x, self.y = (torch.tensor(array, device=self.device) for array in (task.x, task.labels))
        weights = [layer.weight for layer in layers[::2]]
        biases = [layer.bias for layer in layers[::2]]
        self.optimizer = torch.optim.Adam(
            [{"params": weights, "weight_decay": 2 * task.l2}, {"params": biases}],
            lr=task.learning_rate,
            eps=task.epsilon,
            **self.extra,
        )
        self.schedule: Any = None
        if task.decay:
            self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda t: 1 / (1 + task.decay * t))
        self.forward = torch.compile(self.loss, mode=self.mode) if self.mode else self.loss

    def loss(self, x: Any, y: Any) -> Any:
        if self.task.has_classes:
            return torch.nn.functional.cross_entropy(self.model(x), y)
        return 0.5 * ((self.model(x) - y) ** 2).sum(dim=1).mean()

    def advance(self, n: int) -> None:
        batches = self.task.batches()
        for _ in range(n):
            rows = batches[self.t % len(batches)]
            self.t += 1
            self.optimizer.zero_grad()
            self.forward(self.x[rows], self.y[rows]).backward()
            self.optimizer.step()
            if self.schedule is not None:
                self.schedule.step()

    def params(self) -> list[Any]:
        pairs = [(layer.weight.T, layer.bias) for layer in self.model if isinstance(layer, torch.nn.Linear)]
        return [array.detach().cpu().numpy() for pair in pairs for array in pair]


class TorchCompiled(Torch):
    """The same through torch.compile."""

    mode = "default"


class TorchGpu(Torch):
    """On a CUDA device, with the update in one launch a group of parameters."""

    device, extra = "cuda", {"fused": True}

    def advance(self, n: int) -> None:
        super().advance(n)
        torch.cuda.synchronize()


class TorchGpuCompiled(TorchGpu):
    """Forward and backward compiled, and replayed as CUDA graphs where PyTorch can."""

    mode = "reduce-overhead"


class TorchGraph(TorchGpu):
    """The whole step, captured by hand: a batch in one place, gradients in the graph's own memory."""

    extra = {"fused": True, "capturable": True}  # noqa: RUF012

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        assert not task.decay, "a graph has the learning rate of its capture"
        self.graph: Any = None
        rows = task.batches()[0]
        self.batch = [self.x[rows].clone(), self.y[rows].clone()]

    def advance(self, n: int) -> None:
        eager = min(n, max(0, 3 - self.t))  # cuBLAS and Adam set themselves up
        if eager:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                super().advance(eager)
            torch.cuda.current_stream().wait_stream(side)
        if self.graph is None:
            self.optimizer.zero_grad(set_to_none=True)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.loss(*self.batch).backward()
                self.optimizer.step()
        batches = self.task.batches()
        for _ in range(n - eager):
            rows = batches[self.t % len(batches)]
            self.t += 1
            if len(batches) > 1:
                self.batch[0].copy_(self.x[rows])
                self.batch[1].copy_(self.y[rows])
            self.graph.replay()
        torch.cuda.synchronize()
