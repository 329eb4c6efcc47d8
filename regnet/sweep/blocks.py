"""A sweep's lanes in blocks: of one shape, of a size that fits the memory, enough for every worker."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from regnet.backend.registry import get_backend
from regnet.sweep.fold import Fold
from regnet.sweep.spec import Lane, SweepSpec

__all__ = ["blocks_of", "filled_rows", "group_lanes", "half_of_free"]

BLOCKS_PER_WORKER = 4
"""Blocks for each worker, so that none waits long for the last one."""


SMALL_STACK = 8
"""Lanes that take a step hardly longer together than one alone: they are not cut for the sake of even work."""


def blocks_of(spec: SweepSpec, lanes: Sequence[Lane], memory_limit: int | None, workers: int) -> list[list[Lane]]:
    """Lanes in blocks that take no more than `memory_limit` bytes together on all workers, a few for every worker."""
    free = get_backend(spec.backend).free_bytes(spec.device)
    own_memory = free is not None
    limit = (half_of_free() if free is None else free // 2) if memory_limit is None else memory_limit
    limit, blocks = limit // workers, []
    for group in group_lanes(spec, lanes, across_folds=own_memory):
        size = max(1, int(limit // _bytes_of_lane(spec, group[0])))
        if workers > 1:
            share = -(-len(lanes) // workers)
            size = min(size, max(-(-share // BLOCKS_PER_WORKER), min(share, SMALL_STACK)))
        size = -(-len(group) // -(-len(group) // size))  # as many blocks, of equal size
        blocks += [group[start : start + size] for start in range(0, len(group), size)]
    return blocks


def _bytes_of_lane(spec: SweepSpec, lane: Lane) -> int:
    """About what a network takes while it is trained: parameters, slots and strengths, rows, activations."""
    rows = spec.folds[lane.fold].n_rows
    batch = rows if spec.batch_rows is None else min(spec.batch_rows, rows)
    inputs, outputs = spec.network.in_features, spec.network.out_features
    table = batch * (inputs + outputs + 2)
    activations = 4 * batch * sum(layer.out_features for layer in spec.network.dense_layers)
    return (16 * spec.network.layout.size + 2 * table + activations) * np.dtype(spec.dtype).itemsize


def half_of_free() -> int:
    """Bytes: half of the host's memory that nothing uses."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):  # not known on this system
        return 2**31


FEW_ROWS = 512
"""Rows up to which a step's time is in its calls."""


def group_lanes(spec: SweepSpec, lanes: Sequence[Lane], *, across_folds: bool = False) -> list[list[Lane]]:
    """Lanes that may be trained as one stack: those whose steps have the same shape.

    How they are cut further changes nothing: a network in a stack has the bits that it has alone.
    across_folds: for a GPU, to which a step of five times the networks is hardly more than a step. Elsewhere folds of a
    large table are trained one after another, so that there is one fold's copy of its rows at a time.
    """
    groups: dict[Any, list[Lane]] = {}
    for lane in lanes:
        fold = spec.folds[lane.fold]
        rows, apart = fold.n_rows, fold.inputs.is_large and not across_folds
        if spec.batch_rows is not None:
            # Cold lanes of a fold and restart differ in strength only: they read the same batches, which saves a
            # processor as much time as a larger stack would.
            own: tuple[int, ...] = () if spec.warm_start or across_folds else (lane.fold, lane.restart)
            own = (lane.fold,) if spec.warm_start and apart else own
            key: Any = (min(spec.batch_rows, rows), -(-rows // spec.batch_rows), own)
        else:
            # Here every network of a stack of several folds has a copy of its rows, which many rows have no room for.
            together = not apart if spec.warm_start else across_folds and rows <= FEW_ROWS
            key = (filled_rows(spec, fold), -1 if together else lane.fold)
        groups.setdefault(key, []).append(lane)
    return list(groups.values())


def filled_rows(spec: SweepSpec, fold: Fold) -> int:
    """How many rows a fold has in a stack: the largest fold's, so that all may be one stack.

    The fold of all rows stays apart where it would make the others' steps a quarter longer.
    """
    largest = max(one.n_rows for one in spec.folds)
    if largest <= FEW_ROWS:
        return largest
    return max(one.n_rows for one in spec.folds if len(one.test)) if len(fold.test) else fold.n_rows
