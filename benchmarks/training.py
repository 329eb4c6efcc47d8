"""Contestants of a training workload, times in milliseconds a step, or in another unit."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any, final

import numpy as np

from benchmarks.tasks import Task, objective
from benchmarks.workload import Contestant

__all__ = ["STEPS_OF_CHECK", "DeviceProducts", "Products", "Steps", "gpu_contestants", "training_contestants"]

WARM = 4
"""Of so many steps of a round one is taken before the clock runs: threads and caches come back from the rest."""

MILLISECONDS = 1e3
"""In a second."""

STEPS_OF_CHECK = 24
"""Steps after which all contestants must have the same objective."""


@final
class Steps:
    """Rounds of many steps of a peer; see `workload.Round`."""

    def __init__(self, peer: Any, task: Task, steps: int, per_second: float = MILLISECONDS) -> None:
        self._peer, self._steps, self._per_second = peer, steps, per_second
        self._warm = -(-steps // WARM)
        peer.advance(STEPS_OF_CHECK)
        self.check = [objective(task, peer.params())]

    def run(self) -> float:
        """Milliseconds a step, or what a second has `per_second` of."""
        self._peer.advance(self._warm)
        started = time.perf_counter()
        self._peer.advance(self._steps)
        return (time.perf_counter() - started) / self._steps * self._per_second


def _products_of(task: Task) -> list[tuple[Any, Any, Any, bool, bool]]:
    """(left, right, out) of every product of a step, and which of the factors is transposed."""
    rng, rows, products = np.random.default_rng(0), task.batch, []

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    for number, (a, b) in enumerate(pairwise(task.widths)):
        x, w, dy = draw(rows, a), draw(a, b), draw(rows, b)
        products += [(x, w, draw(rows, b), False, False), (x, dy, draw(a, b), True, False)]
        if number:
            products.append((dy, w, draw(rows, a), False, True))
    return products


@final
class Products:
    """The floor: a step's matrix products alone, as NumPy's BLAS does them with all its threads."""

    def __init__(self, task: Task, steps: int, per_second: float = MILLISECONDS) -> None:
        self.check: list[float] = []
        self._steps, self._per_second = steps, per_second
        self._products = [
            (left.T if left_t else left, right.T if right_t else right, out)
            for left, right, out, left_t, right_t in _products_of(task)
        ]

    def run(self) -> float:
        """Milliseconds for the products of a step, or what a second has `per_second` of."""
        self._multiply(-(-self._steps // WARM))
        started = time.perf_counter()
        self._multiply(self._steps)
        return (time.perf_counter() - started) / self._steps * self._per_second

    def _multiply(self, steps: int) -> None:
        for _ in range(steps):
            for left, right, out in self._products:
                np.matmul(left, right, out=out)


@final
class DeviceProducts:
    """The floor on a GPU: the same by cuBLAS, in float32, as a CUDA graph, since launching them takes longer."""

    def __init__(self, task: Task, steps: int) -> None:
        import cupy

        from regnet_cupy.products import CublasProducts

        self.check: list[float] = []
        self._cupy, self._steps = cupy, steps
        host = _products_of(task)
        arrays = [[cupy.asarray(array) for array in product[:3]] for product in host]
        products = CublasProducts(cupy, "float32")

        def multiply() -> None:
            products.begin()
            for (left, right, out), (_, _, _, left_t, right_t) in zip(arrays, host, strict=True):
                products.multiply(left, right, out, a_t=left_t, b_t=right_t)

        multiply()
        self._stream = cupy.cuda.Stream(non_blocking=True)
        with self._stream:
            self._stream.begin_capture()
            multiply()
            self._graph = self._stream.end_capture()
        self._kept = arrays, products

    def run(self) -> float:
        """Milliseconds for the products of a step, between two events on the device."""
        cuda = self._cupy.cuda
        started, ended = cuda.Event(), cuda.Event()
        started.record()
        for _ in range(self._steps):
            self._graph.launch()
        ended.record()
        ended.synchronize()
        return float(cuda.get_elapsed_time(started, ended)) / self._steps


def gpu_contestants(make_task: Callable[[], Task], steps: int, quick_steps: int) -> tuple[Contestant, ...]:
    """The floor, ours and the peers on a GPU."""

    def floor(quick: bool) -> DeviceProducts:
        return DeviceProducts(make_task(), quick_steps if quick else steps)

    entrant = partial(_entrant, make_task, steps, quick_steps)
    return (
        Contestant("products alone", "floor", floor, ("cupy", "nvmath")),
        entrant("regnet cupy", "ours", "ours:RegnetCupy", "cupy"),
        entrant("regnet cupy, Array API", "ours", "ours:RegnetCupyPlain", "cupy", part=0.1),
        entrant("regnet torch", "ours", "ours:RegnetTorchGpu", "torch", part=0.1),
        entrant("regnet jax", "ours", "ours:RegnetJaxGpu", "jax"),
        entrant("PyTorch eager", "peer", "torch_:TorchGpu", "torch", part=0.2),
        entrant("torch.compile, reduce-overhead", "peer", "torch_:TorchGpuCompiled", "torch"),
        entrant("torch CUDA graph", "peer", "torch_:TorchGraph", "torch"),
        entrant("JAX jit", "peer", "jax_:JaxGpu", "jax"),
    )


def _entrant(
    make_task: Callable[[], Task], steps: int, quick_steps: int, name: str, kind: str, place: str, *needs: str,
    slow: bool = False, part: float = 1, per_second: float = MILLISECONDS,
) -> Contestant:  # fmt: skip
    """A class of `benchmarks.peers` as a contestant; place: module:class; part: of the steps, where they take long."""

    def make(quick: bool) -> Steps:
        module, _, class_name = place.partition(":")
        task = make_task()
        made = getattr(import_module(f"benchmarks.peers.{module}"), class_name)(task)
        return Steps(made, task, max(1, int(part * (quick_steps if quick else steps))), per_second)

    return Contestant(name, kind, make, needs, slow)


def training_contestants(
    make_task: Callable[[], Task], steps: int, quick_steps: int, per_second: float = MILLISECONDS, wide: bool = False
) -> tuple[Contestant, ...]:
    """The floor, ours on every backend, and every peer; per_second: how many of the unit a second has.

    wide: whether a BLAS does the products of the compiled loops, so that another one can be told from it.
    """

    def floor(quick: bool) -> Products:
        return Products(make_task(), quick_steps if quick else steps, per_second)

    peer = partial(_entrant, make_task, steps, quick_steps, per_second=per_second)
    mkl = (peer("regnet numpy, fast, MKL", "ours", "ours:RegnetMkl", "numba", "mkl"),)
    return (
        Contestant("products alone", "floor", floor),
        peer("regnet numpy", "ours", "ours:Regnet"),
        peer("regnet numpy, fast", "ours", "ours:RegnetFast", "numba"),
        *(mkl if wide else ()),
        peer("regnet jax", "ours", "ours:RegnetJax", "jax"),
        peer("regnet torch", "ours", "ours:RegnetTorch", "torch"),
        peer("NumPy textbook", "peer", "textbook:Textbook", slow=True),
        peer("scikit-learn", "peer", "scikit:ScikitLearn"),
        peer("JAX jit", "peer", "jax_:Jax", "jax"),
        peer("PyTorch eager", "peer", "torch_:Torch", "torch"),
        peer("torch.compile", "peer", "torch_:TorchCompiled", "torch", slow=True),
        peer("Keras on JAX", "peer", "keras_:Keras", "keras", "jax", slow=True),
    )
