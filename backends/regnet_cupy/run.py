"""Many steps on the device: what a run repeats, launched once and then replayed as a CUDA graph.

Launching takes the host some microseconds a kernel, which is longer than a small network's kernels run. A graph of a
step is launched at once. It reads and writes the arrays that it was captured with, which are the step's own: a run
copies a new state there, and copies out what it returns.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, final

from regnet.arrays.tree import leaves, tree_map
from regnet.arrays.types import Schedule, Step, Tree
from regnet.backend.protocol import Backend, Run
from regnet.mathematics.optimizers import Optimizer
from regnet.mathematics.schedules import as_schedule, is_constant
from regnet_cupy.arrays import TILE_ELEMENTS, bytes_of, networks_of
from regnet_cupy.device_code import Form, Kernels
from regnet_cupy.device_step import DeviceStep
from regnet_cupy.plan import Plan, plan_of
from regnet_cupy.products import CublasProducts, CupyProducts, Products
from regnet_cupy.update import FACTORS

__all__ = ["GraphRun", "Replay", "make_run_of"]

MOST_NETWORKS = 65535
"""Blocks along a grid's third axis, which is the network."""

AT_ONCE = 16
"""Steps of the larger graph: its launch takes the host no longer, and the device rests once instead of 16 times."""

WORTH_IT = 64
"""Steps of a run from which on the larger graph is captured, which takes a millisecond or two."""

KEPT = 2
"""Steps that stay captured: of a network's rows, and of other rows of it."""

_logger = logging.getLogger("regnet")


@lru_cache(maxsize=8)
def _say(sentence: str) -> None:
    """Once."""
    _logger.warning(sentence)


def make_run_of(cupy: Any, reference: Callable[..., Run], /) -> Callable[..., Run]:
    """Runs on kernels of our own; what they cannot do goes to the reference."""

    def make_run(backend: Backend, network: Any, optimizer: Optimizer, step: Step) -> Run:
        plan = plan_of(network, optimizer)
        otherwise: Run = reference(backend, network, optimizer, step)
        if plan is None:
            return otherwise
        replayed = GraphRun(cupy, plan, network.layout, optimizer.learning_rate)

        def choose(state: Tree, data: Tree, hyper: Tree, n: int) -> Tree:
            # The kernels know groups of one row.
            suits = _fits(plan, network.layout.size, state, data) and not hyper.strengths.members
            return (replayed if suits else otherwise)(state, data, hyper, n)

        return choose

    return make_run


def _fits(plan: Plan, size: int, state: Any, data: Any) -> bool:
    """Whether 32-bit numbers reach over every array that one kernel works on."""
    networks = networks_of(state.point)
    largest = max(size + 2**20, max(plan.widths), TILE_ELEMENTS, data.x.shape[-2])
    return networks <= MOST_NETWORKS and largest < 2**31 and str(state.point.dtype) in ("float32", "float64")


@final
class GraphRun:
    """`run(state, data, hyper, n)` for one network description and optimizer."""

    def __init__(
        self, cupy: Any, plan: Plan, layout: Any, schedule: Any, *, products: Products | None = None,
        capture: bool = True,
    ) -> None:  # fmt: skip
        """schedule: the optimizer's learning rate; products: None for the best there are; capture: False to launch."""
        self._cupy, self._plan, self._layout, self._products, self._capture = cupy, plan, layout, products, capture
        self._schedule = None if is_constant(schedule) else as_schedule(schedule)
        self._replays: OrderedDict[Any, Replay] = OrderedDict()

    @property
    def replays(self) -> list[Replay]:
        """The steps that are kept, the last used one last."""
        return list(self._replays.values())

    def __call__(self, state: Any, data: Any, hyper: Any, n: int) -> Any:
        """The state after n steps; nothing that is handed in changes."""
        replay = self._replay(state, data, hyper)
        replay.load(state, hyper, data.batches)
        for start in range(0, n, FACTORS):
            if self._schedule is not None:
                self._set_factors(replay.step, self._schedule)
            replay(min(n - start, FACTORS))
        return replay.result()

    def _replay(self, state: Any, data: Any, hyper: Any) -> Replay:
        """The step for these rows and arrays of this form, or a new one."""
        rows = data._replace(batches=None)
        key = (*map(id, leaves(rows)), _form((state, hyper, data.batches)))
        found = self._replays.pop(key, None)
        if found is None:
            while len(self._replays) >= KEPT:
                self._replays.popitem(last=False)
            step = self._make(state, data, hyper)
            capture = self._capture and (step.products.capturable or not self._plan.has_products)
            found = Replay(self._cupy, step, rows, capture=capture)
        self._replays[key] = found
        return found

    def _make(self, state: Any, data: Any, hyper: Any) -> DeviceStep:
        """Raises MemoryError with an estimate and the remedy, when nothing that can be let go is left."""
        cupy = self._cupy
        try:
            return self._try_to_make(state, data, hyper)
        except MemoryError:
            self._replays.clear()
            cupy.get_default_memory_pool().free_all_blocks()
        try:
            return self._try_to_make(state, data, hyper)
        except MemoryError as error:
            networks = networks_of(state.point)
            rows = data.x.shape[-2] if data.batches is None else data.batches.rows.shape[-1]
            wanted = bytes_of(self._plan, networks, rows, self._layout.size, state.point.itemsize)
            free, total = cupy.cuda.runtime.memGetInfo()
            raise MemoryError(
                f"A step of {rows} rows takes about {wanted / 2**30:.2g} GiB on the GPU beside the data, and "
                f"{free / 2**30:.2g} of {total / 2**30:.2g} GiB are free: give a smaller batch_size"
                + (", or fewer networks at once." if networks > 1 else ".")
            ) from error

    def _try_to_make(self, state: Any, data: Any, hyper: Any) -> DeviceStep:
        cupy, plan, dtype = self._cupy, self._plan, str(state.point.dtype)
        kernels = _kernels(cupy, dtype, plan.form, cupy.cuda.Device().id)
        products: Products = self._products or CupyProducts(cupy)
        if self._products is None and plan.has_products:
            products = _products(cupy, dtype)
        rows = tree_map(cupy.ascontiguousarray, data._replace(batches=None))
        return DeviceStep(
            cupy, kernels, products, plan, self._layout, state, rows._replace(batches=data.batches), hyper,
            scheduled=self._schedule is not None,
        )  # fmt: skip

    def _set_factors(self, step: DeviceStep, schedule: Schedule) -> None:
        """The schedule for the next FACTORS steps, step t at t % FACTORS, reckoned on the device from its own count."""
        assert step.factors is not None
        t = step.state.t[:1]
        ahead = (self._cupy.arange(FACTORS, dtype="int32") - t) % FACTORS
        step.factors[...] = schedule.factor((t + ahead).astype(step.factors.dtype))


def _form(tree: Any) -> Any:
    """Shapes and dtypes of a tree, and where it has none."""
    if tree is None:
        return None
    if isinstance(tree, tuple):
        return tuple(map(_form, tree))
    return (tree.shape, str(tree.dtype))


@lru_cache(maxsize=32)
def _kernels(cupy: Any, dtype: str, form: Form, device: int) -> Kernels:
    return Kernels(cupy, dtype, form)


_handles: dict[Any, CublasProducts] = {}
"""cuBLAS handles by dtype, device and thread, since one is for one thread at a time."""


def _products(cupy: Any, dtype: str) -> Products:
    key = (dtype, cupy.cuda.Device().id, threading.get_ident())
    try:
        if key not in _handles:
            _handles[key] = CublasProducts(cupy, dtype)
        return _handles[key]
    except MemoryError:
        raise
    except Exception as error:  # no nvmath, no library, no driver that it likes
        _say(f"CUDA graphs of this network need cuBLAS by nvmath-python, and steps go without: {error}")
        return CupyProducts(cupy)


@final
class Replay:
    """A step to be made many times: launched at first, which loads what must be loaded, then captured and replayed."""

    def __init__(self, cupy: Any, step: DeviceStep, rows: Any, *, capture: bool = True) -> None:
        """rows: the data as they were given, kept alive since they are known by their identity."""
        self.step, self._cupy, self._rows, self._capture = step, cupy, rows, capture
        self._warm, self._stream = False, None
        self._graphs: dict[int, Any] = {}
        self._loaded: list[Any] = []
        self._given: list[Any] = []

    @property
    def captured(self) -> bool:
        """Whether there is a graph."""
        return bool(self._graphs)

    def load(self, state: Any, hyper: Any, batches: Any) -> None:
        """Copy what is not where it was left to where the step reads it."""
        new = leaves((state, hyper, batches))
        own = leaves((self.step.state, self.step.hyper, self.step.batches))
        # Whatever stops a run leaves the step's arrays somewhere else than the state that it was handed.
        loaded, self._loaded = self._loaded, []
        for number, (target, source) in enumerate(zip(own, new, strict=True)):
            if not loaded or source is not loaded[number]:
                target[...] = source
        self._given = leaves((hyper, batches))

    def result(self) -> Any:
        """Copies of the state as it is; the next `load` finds it in place."""
        state = tree_map(lambda one: one.copy(), self.step.state)
        state = state._replace(t=state.t[:1].reshape(()))
        self._loaded = [*leaves(state), *self._given]
        return state

    def __call__(self, n: int) -> None:
        """Make n steps on the current stream."""
        if n and not self._warm:
            self.step()
            n, self._warm = n - 1, True
        for steps in (AT_ONCE, 1):
            enough = WORTH_IT if steps > 1 and steps not in self._graphs else steps
            times, n = divmod(n, steps) if n >= enough and (steps == 1 or self.step.tiles == 1) else (0, n)
            graph = self._graph_of(steps) if times else None
            for _ in range(times):
                if graph is None:
                    self._launch(steps)
                else:
                    graph.launch()

    def _launch(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def _graph_of(self, steps: int) -> Any:
        """A graph of so many steps; None, and a sentence in the log, where it cannot be had."""
        if steps in self._graphs or not self._capture:
            return self._graphs.get(steps)
        stream = self._stream = self._stream or self._cupy.cuda.Stream(non_blocking=True)  # cuBLAS keeps it
        try:
            with stream:
                stream.begin_capture()
                try:
                    self._launch(steps)
                except BaseException:
                    with suppress(Exception):  # what it says of an invalid capture would hide the cause
                        stream.end_capture()
                    raise
                self._graphs[steps] = stream.end_capture()
        except Exception as error:  # whatever it is, launching one by one does the same
            self._capture = False
            _say(f"A CUDA graph could not be captured, and steps are launched one by one: {error}")
        return self._graphs.get(steps)
