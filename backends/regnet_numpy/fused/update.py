"""How the arguments of `networks.kernels.update` reach the compiled loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from regnet.backend.protocol import Updated
from regnet.mathematics.optimizers import SGD, Adam, AdamW
from regnet_numpy.fused import update_loops
from regnet_numpy.fused.parts import part_of, row_of, row_strengths
from regnet_numpy.threads import parallel_map
from regnet_numpy.updates import decay_of

__all__ = ["NetworkPart", "fuse_update", "penalty_of", "scalars_of", "update_one"]

Function: TypeAlias = Callable[..., Any]


def _bias_correction(beta: float, t: float) -> float:
    return -math.expm1(math.log(beta) * (t + 1.0)) if beta else 1.0


def _adam_scalars(optimizer: Any, t: float, learning_rate: float, share: float) -> tuple[float, ...]:
    """beta1, 1 - beta1, beta2, 1 - beta2; factors of m / metric, 1 / metric; epsilon; AdamW's decay; 2, 2 / share."""
    root = math.sqrt(_bias_correction(optimizer.beta2, t))
    scale = learning_rate * root
    epsilon = optimizer.epsilon if optimizer.epsilon_hat else optimizer.epsilon * root
    kept = 1.0 - learning_rate * decay_of(optimizer)
    beta1, beta2 = optimizer.beta1, optimizer.beta2
    rate = scale / _bias_correction(beta1, t)
    return beta1, 1.0 - beta1, beta2, 1.0 - beta2, rate, scale, epsilon, kept, 2.0, 2.0 / share


def _sgd_scalars(optimizer: Any, t: float, learning_rate: float, share: float) -> tuple[float, ...]:
    """Momentum m, 1 - m, what multiplies u (1, or m for Nesterov's), step size, 2, 2 / share."""
    m = optimizer.momentum
    return m, 1.0 - m, m if optimizer.nesterov else 1.0, learning_rate / (1.0 - m), 2.0, 2.0 / share


@lru_cache(maxsize=4)
def _smallest_normal(dtype: Any) -> float:
    return float(np.finfo(dtype).smallest_normal)


_SCALARS: dict[type, Function] = {Adam: _adam_scalars, AdamW: _adam_scalars, SGD: _sgd_scalars}


class NetworkPart(NamedTuple):
    """One network's share of an update, arrays as rows (size,).

    arrays: point, gradient, slots; terms: l1, l1_subgradient, l2, batch_l2, or None each; groups: per parameter array
    its rows' strengths (rows,) or None; () for no groups.
    """

    t: float
    learning_rate: float
    share: float
    arrays: tuple[Any, ...]
    terms: tuple[Any, ...]
    groups: tuple[Any, ...]


def update_one(network: NetworkPart, optimizer: Any, layout: Any, scalars: Any) -> None:
    """Update one network in place. scalars: of `adam_step` or `sgd_step`."""
    arrays = network.arrays
    if type(optimizer) is SGD:
        momentum = arrays if len(arrays) > 2 else (*arrays, None)
        update_loops.sgd_step(*momentum, *network.terms, scalars)
        return
    if not network.groups:
        update_loops.adam_step(*arrays, *network.terms, scalars)
        return
    for part, shape, group in _by_array(layout, network.groups):
        cut = [None if array is None else array[part] for array in (*arrays, *network.terms)]
        if group is None:
            update_loops.adam_step(*cut, scalars)
        else:
            rows = [None if array is None else array.reshape(shape) for array in cut]
            update_loops.adam_group_step(*rows, scalars, group)


def penalty_of(network: NetworkPart, layout: Any, two_by_share: Any) -> Any:
    """The penalty at the point; two_by_share: 2 / share, of the point's type."""
    point = network.arrays[0]
    value = update_loops.penalty_value(point, *network.terms, two_by_share)
    for part, shape, group in _by_array(layout, network.groups):
        if group is not None:
            value += update_loops.group_norms(point[part].reshape(shape), group)
    return value


def _by_array(layout: Any, groups: tuple[Any, ...]) -> Iterator[tuple[slice, tuple[int, int], Any]]:
    """Where each parameter array lies in a row, its shape, its group strengths; nothing without groups."""
    start = 0
    for (rows, columns), group in zip(layout.shapes[: len(groups)], groups, strict=True):
        yield slice(start, start := start + rows * columns), (rows, columns), group


def scalars_of(optimizer: Any, t: float, learning_rate: float, share: float, dtype: Any) -> Any:
    """What the loops of this optimizer need to know of step t."""
    numbers = _SCALARS[type(optimizer)](optimizer, t, learning_rate, share)
    return np.array((*numbers, _smallest_normal(dtype)), dtype)


def fuse_update(reference: Function) -> Function:
    """`networks.kernels.update`, for Adam, AdamW and SGD."""

    def update(
        optimizer: Any,
        layout: Any,
        point: Any,
        grad: Any,
        slots: Any,
        strengths: Any,
        t: Any,
        learning_rate: Any,
        row_share: Any = None,
        with_penalty: bool = False,
    ) -> Any:
        kind = type(optimizer)
        if kind not in _SCALARS or (strengths.group and kind is SGD):
            return reference(
                optimizer, layout, point, grad, slots, strengths, t, learning_rate, row_share, with_penalty
            )
        point, *slots = (np.array(array, order="C") for array in (point, *slots))  # updated in place
        count, terms = point.shape[0] if point.ndim > 2 else 1, strengths[:4]
        networks = [
            NetworkPart(
                float(t),
                float(part_of(learning_rate, k).item()),
                1.0 if row_share is None else float(part_of(row_share, k).item()),
                tuple([part_of(array, k)[0] for array in (point, grad, *slots)]),
                tuple([None if array is None else row_of(array, k, point.shape[-1]) for array in terms]),
                row_strengths(layout, strengths.group, k),
            )
            for k in range(count)
        ]

        def update_network(network: NetworkPart) -> Any:
            scalars = scalars_of(optimizer, network.t, network.learning_rate, network.share, point.dtype)
            value = penalty_of(network, layout, scalars[-2]) if with_penalty else None
            update_one(network, optimizer, layout, scalars)
            return value

        values = [update_network(networks[0])] if count == 1 else parallel_map(update_network, networks)
        penalty = np.asarray(values, point.dtype).reshape(*point.shape[:-1], 1) if with_penalty else None
        return Updated(point, tuple(slots), penalty)

    return update
