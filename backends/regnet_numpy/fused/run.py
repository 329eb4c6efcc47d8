"""How a stack of networks reaches the compiled run: each network alone, all its steps in one call, over the threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from regnet_numpy.fused import run_loops
from regnet_numpy.fused.gradient import Plan, plan
from regnet_numpy.threads import parallel_map
from regnet_numpy.tiles import tile_rows

__all__ = ["fuse_make_run"]

Function: TypeAlias = Callable[..., Any]


def _setting(optimizer: Any, learning_rate: float) -> tuple[float, ...]:
    """See `run_loops.adam_run`."""
    decay = getattr(optimizer, "weight_decay", 0.0)
    return (
        learning_rate, float(optimizer.beta1), float(optimizer.beta2), float(optimizer.epsilon),
        float(optimizer.epsilon_hat), float(decay),
    )  # fmt: skip


def fuse_make_run(reference: Function) -> Function:
    """`regnet.step.make_run`, for Adam and AdamW at a constant rate on networks that the loops can do."""

    def make_run(backend: Any, network: Any, optimizer: Any) -> Function:
        otherwise: Function = reference(backend, network, optimizer)
        if type(optimizer).__name__ not in ("Adam", "AdamW") or not isinstance(optimizer.learning_rate, (int, float)):
            return otherwise
        tile = tile_rows(network.width)

        def run(state: Any, data: Any, hyper: Any, n: int) -> Any:
            found = plan(network, state.point.dtype)
            count = data.x.shape[-2] if data.batches is None else data.batches.rows.shape[-1]
            alone = state.point.ndim == 2
            # A network alone has its tiles spread over the threads; a stack has its networks.
            if found is None or hyper.seed is not None or state.running_loss is not None or (alone and count > tile):
                return otherwise(state, data, hyper, n)
            return _run(network, optimizer, found, tile, state, data, hyper, n)

        return run

    return make_run


def _run(network: Any, optimizer: Any, found: Plan, tile: int, state: Any, data: Any, hyper: Any, n: int) -> Any:
    count = 1 if state.point.ndim == 2 else state.point.shape[0]
    point, m, v = (np.array(array, order="C") for array in (state.point, *state.slots))
    loss, diverged_at = np.array(state.loss), np.array(state.diverged_at)
    shapes = np.asarray(network.layout.shapes)
    smallest = float(np.finfo(point.dtype).smallest_normal)

    def of(array: Any, k: int) -> Any:
        """Network k's part of an array (..., rows, columns)."""
        return array if array.ndim == 2 else array[k if array.shape[0] > 1 else 0]

    def row(array: Any, k: int) -> Any:
        """Network k's strengths (size,), or None."""
        if array is None:
            return None
        found = of(array, k)[0]
        return found if found.shape[0] == point.shape[-1] else np.full(point.shape[-1], found[0], found.dtype)

    def groups(k: int) -> Any:
        """The strengths of all rows of all parameter arrays; 0: no group."""
        pairs = zip(network.layout.shapes, hyper.strengths.group, strict=True)
        return np.concatenate(
            [
                np.zeros(rows, point.dtype) if group is None else np.broadcast_to(of(group, k)[:, 0], rows)
                for (rows, _), group in pairs
            ]
        )

    def one(k: int) -> None:
        if of(diverged_at, k)[0, 0] >= 0:
            return
        batches = data.batches
        own = [None] * 3 if batches is None else [of(batches.rows, k), of(batches.weight, k)]
        if batches is not None:
            own.append(of(batches.weight_share, k)[:, 0])
        flat = [array.reshape(count, -1)[k] for array in (point, m, v)]
        *new, value, step = run_loops.adam_run(
            of(data.x, k), of(data.y, k), of(data.weight, k), *own, *(array.copy() for array in flat),
            *(row(array, k) for array in hyper.strengths[:4]), groups(k) if hyper.strengths.group else None,
            shapes, found.widths, found.slopes, found.loss, tile,
            _setting(optimizer, float(of(hyper.learning_rate, k)[0, 0])), smallest, int(state.t), n,
        )  # fmt: skip
        for array, result in zip(flat, new, strict=True):
            array[:] = result
        of(loss, k)[0, 0], of(diverged_at, k)[0, 0] = value, step

    parallel_map(one, range(count))
    return state._replace(
        point=point, slots=(m, v), t=state.t + np.asarray(n, state.t.dtype), loss=loss, diverged_at=diverged_at
    )
