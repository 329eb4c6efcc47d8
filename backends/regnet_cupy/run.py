"""Many steps on the device: what `regnet.step.make_run` repeats, launched once and then replayed as a CUDA graph.

Launching takes the host some microseconds a kernel, which is longer than a small network's kernels run. A graph of a
step is launched at once. It reads and writes the arrays that it was captured with, so the state's own arrays are the
ones that it steps, and a fit captures once.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias, final

from regnet.generic import BLOCK_ELEMENTS
from regnet.tree import leaves, tree_map
from regnet_cupy.arrays import bytes_of
from regnet_cupy.device_code import Kernels
from regnet_cupy.device_step import FACTORS, DeviceStep
from regnet_cupy.plan import Plan, plan_of
from regnet_cupy.products import CublasProducts, CupyProducts, Products

__all__ = ["Replay", "Run", "make_run_of"]

Function: TypeAlias = Callable[..., Any]

MOST_NETWORKS = 65535
"""Blocks along a grid's third axis, which is the network."""

KEPT = 4
"""Steps that stay captured: a graph and its arrays for each state in use."""

_logger = logging.getLogger("regnet")


@lru_cache(maxsize=8)
def _say(sentence: str) -> None:
    """Once."""
    _logger.warning(sentence)


def make_run_of(cupy: Any, reference: Function, /) -> Function:
    """`regnet.step.make_run` on kernels of our own; what they cannot do goes to the reference."""

    def make_run(backend: Any, network: Any, optimizer: Any) -> Function:
        plan = plan_of(network, optimizer)
        otherwise: Function = reference(backend, network, optimizer)
        if plan is None:
            return otherwise
        run = Run(cupy, plan, network.layout, optimizer.learning_rate)

        def choose(state: Any, data: Any, hyper: Any, n: int) -> Any:
            suits = _fits(plan, network.layout.size, state, data)
            return (run if suits else otherwise)(state, data, hyper, n)

        return choose

    return make_run


def _fits(plan: Plan, size: int, state: Any, data: Any) -> bool:
    """Whether 32-bit numbers reach over every array that one kernel works on."""
    networks = state.point.shape[0] if state.point.ndim > 2 else 1
    largest = max(size, max(plan.widths), BLOCK_ELEMENTS, data.x.shape[-2])
    return networks <= MOST_NETWORKS and largest < 2**31 and str(state.point.dtype) in ("float32", "float64")


@final
class Run:
    """`run(state, data, hyper, n)` for one network description and optimizer."""

    def __init__(
        self, cupy: Any, plan: Plan, layout: Any, schedule: Any, *, products: Products | None = None,
        capture: bool = True,
    ) -> None:  # fmt: skip
        """schedule: the optimizer's learning rate; products: None for the best there are; capture: False to launch."""
        self._cupy, self._plan, self._layout, self._products, self._capture = cupy, plan, layout, products, capture
        self._schedule = schedule if hasattr(schedule, "factor") and type(schedule).__name__ != "Constant" else None
        self._replays: OrderedDict[Any, Replay] = OrderedDict()

    def __call__(self, state: Any, data: Any, hyper: Any, n: int) -> Any:
        """The state after n steps; the one handed in is consumed."""
        replay = self._replay(state, data, hyper)
        step = replay.step
        self._load(step, state, data)
        try:
            for start in range(0, n, FACTORS):
                if self._schedule is not None:
                    self._set_factors(step, self._schedule, state.point.dtype)
                replay(min(n - start, FACTORS))
        finally:  # an interrupted fit finds its arrays in the state handed in
            state.t[...] = step.ticks[0]
        shape = state.loss.shape
        return state._replace(
            point=step.point, slots=step.slots, loss=step.loss.copy().reshape(shape),
            diverged_at=step.diverged_at.copy().reshape(shape),
            running_loss=None if step.running is None else step.running.copy().reshape(shape),
        )  # fmt: skip

    def _replay(self, state: Any, data: Any, hyper: Any) -> Replay:
        """The step that was captured with these arrays, or a new one."""
        tables = data._replace(batches=None)
        shapes = [(one.shape, str(one.dtype)) for one in leaves(data.batches)]
        arrays = leaves((state.point, state.slots, tables, hyper))
        key = (*map(id, arrays), state.running_loss is None, *shapes)
        found = self._replays.pop(key, None)
        if found is None:
            step = self._make(state, data, hyper)
            capture = self._capture and (step.products.capturable or not self._plan.has_products)
            found = Replay(self._cupy, step, capture=capture, arrays=arrays)
        self._replays[key] = found
        if len(self._replays) > KEPT:
            self._replays.popitem(last=False)
        return found

    def _make(self, state: Any, data: Any, hyper: Any) -> DeviceStep:
        cupy, dtype = self._cupy, str(state.point.dtype)
        device = cupy.cuda.Device().id
        kernels = _kernels(cupy, dtype, device)
        products: Products = self._products or CupyProducts(cupy)
        if self._products is None and self._plan.has_products:
            products = _products(cupy, dtype, device, threading.get_ident())
        data, hyper = (tree_map(cupy.ascontiguousarray, tree) for tree in (data, hyper))
        state = state._replace(
            point=cupy.ascontiguousarray(state.point), slots=tuple(map(cupy.ascontiguousarray, state.slots))
        )
        try:
            return DeviceStep(
                cupy, kernels, products, self._plan, self._layout, state, data, hyper,
                scheduled=self._schedule is not None,
            )  # fmt: skip
        except MemoryError as error:
            networks = state.point.shape[0] if state.point.ndim > 2 else 1
            rows = data.x.shape[-2] if data.batches is None else data.batches.rows.shape[-1]
            wanted = bytes_of(self._plan, networks, rows, self._layout.size, state.point.itemsize)
            free, total = cupy.cuda.runtime.memGetInfo()
            raise MemoryError(
                f"A step of {rows} rows takes about {wanted / 2**30:.2g} GiB on the GPU beside the data, and "
                f"{free / 2**30:.2g} of {total / 2**30:.2g} GiB are free: give a smaller batch_size"
                + (", or fewer networks at once." if networks > 1 else ".")
            ) from error

    def _load(self, step: DeviceStep, state: Any, data: Any) -> None:
        """What is small, or new in every epoch, is copied to where the step reads it."""
        step.ticks[...] = state.t
        step.loss[...] = state.loss.reshape(-1)
        step.diverged_at[...] = state.diverged_at.reshape(-1)
        if step.running is not None:
            step.running[...] = state.running_loss.reshape(-1)
        if step.batches is not None:
            for own, new in zip(step.batches, data.batches, strict=True):
                own[...] = new

    def _set_factors(self, step: DeviceStep, schedule: Any, dtype: Any) -> None:
        """The schedule for the next FACTORS steps, step t at t % FACTORS, reckoned on the device from its own count."""
        t = step.ticks[:1]
        ahead = (self._cupy.arange(FACTORS, dtype="int32") - t) % FACTORS
        assert step.factors is not None
        step.factors[...] = schedule.factor((t + ahead).astype(dtype))


@lru_cache(maxsize=8)
def _kernels(cupy: Any, dtype: str, device: int) -> Kernels:
    return Kernels(cupy, dtype)


@lru_cache(maxsize=8)
def _products(cupy: Any, dtype: str, device: int, thread: int) -> Products:
    """A cuBLAS handle is for one thread at a time."""
    try:
        return CublasProducts(cupy, dtype)
    except (ImportError, OSError, RuntimeError) as error:
        _say(f"CUDA graphs need nvmath-python (pip install 'nvmath-python[cu13]'), and steps go without: {error}")
        return CupyProducts(cupy)


@final
class Replay:
    """A step to be made many times: launched at first, which loads what must be loaded, then captured and replayed."""

    def __init__(self, cupy: Any, step: DeviceStep, *, capture: bool = True, arrays: Any = ()) -> None:
        """arrays: kept alive, since the step's key is their identity."""
        self.step, self._cupy, self._arrays, self._capture = step, cupy, arrays, capture
        self._warm = False
        self._graph: Any = None

    def __call__(self, n: int) -> None:
        """Make n steps on the current stream."""
        if n and not self._warm:
            self.step()
            n, self._warm = n - 1, True
        if n and self._capture and self._graph is None:
            self._graph = self._captured()
        for _ in range(n):
            if self._graph is None:
                self.step()
            else:
                self._graph.launch()

    def _captured(self) -> Any:
        """A graph of one step; None, and a sentence in the log, where it cannot be had."""
        stream, failure = self._cupy.cuda.Stream(non_blocking=True), None
        with stream:
            try:
                stream.begin_capture()
                try:
                    self.step()
                finally:
                    graph = stream.end_capture()
            except Exception as error:  # whatever it is, launching one by one does the same
                failure = error
        if failure is None:
            return graph
        self._capture = False
        _say(f"A CUDA graph could not be captured, and steps are launched one by one: {failure}")
        return None
