"""The whole objective as a function of one vector per network, for solvers that look at all rows at once.

    smooth(w) + penalty(w):    smooth = mean data loss + L2 terms;    penalty = L1 and group terms, through their prox

Vectors are (K, d): network k's point in row k. One network's point (1, d) is such a stack of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
from array_api_compat import device as device_of

from regnet.arrays.namespace import array_namespace
from regnet.arrays.types import Array
from regnet.backend.memo import compile_once
from regnet.backend.placement import Placement
from regnet.backend.protocol import Backend
from regnet.networks.kernels import kernels_of
from regnet.networks.network import Network, Rows
from regnet.networks.regularizer import add_penalty_grad, penalty_prox, penalty_residual, penalty_terms
from regnet.networks.strengths import Strengths, total_l1

__all__ = ["Objective"]


def _smooth(
    backend: Backend, network: Network, gradient: Callable[..., Any], vectors: Array, rows: Rows, strengths: Strengths
) -> tuple[Array, Array]:
    """Mean data loss plus L2 terms, (K,), and its gradient, (K, d)."""
    xp, point = array_namespace(vectors), _points(vectors)
    value, grad = gradient(backend, network, rows, point, None)
    terms = penalty_terms(point, strengths, network.layout)
    total = sum((terms[kind] for kind in ("l2", "alpha") if kind in terms), start=value)
    grad = add_penalty_grad(grad, point, strengths)
    return xp.reshape(total, (-1,)), xp.reshape(grad, vectors.shape)


@final
class Objective:
    """`network` on `rows` under `strengths`; everything on the device of `placement`.

    rows: weights sum to 1; dropout is off.
    """

    def __init__(self, network: Network, placement: Placement, rows: Rows, strengths: Strengths) -> None:
        """Compiles the gradient where the backend can."""
        self._network, self._placement, self._rows = network, placement, rows
        # An L1 that acts by its subgradient is here what it stands for: the same penalty.
        self._strengths = strengths._replace(l1=total_l1(strengths), l1_subgradient=None)
        backend = placement.backend
        self._gradient = compile_once(backend, _smooth, backend, network, kernels_of(backend).gradient)

    def smooth(self, vectors: Array, /) -> tuple[Array, Array]:
        """Mean data loss plus L2 terms, (K,), and its gradient, (K, d)."""
        value, grad = self._gradient(vectors, self._rows, self._strengths)
        return value, grad

    def prox(self, vectors: Array, step_size: Array, /) -> Array:
        """The proximal step of the L1 and group terms; step_size: (K, 1)."""
        xp = array_namespace(vectors)
        moved = penalty_prox(_points(vectors), _points(step_size), self._strengths, self._network.layout)
        return xp.reshape(moved, vectors.shape)

    def penalty(self, vectors: Array, /) -> Array:
        """The value of the L1 and group terms, (K,)."""
        xp = array_namespace(vectors)
        terms = penalty_terms(_points(vectors), self._strengths, self._network.layout)
        zero = xp.zeros((vectors.shape[0], 1, 1), dtype=vectors.dtype, device=device_of(vectors))
        return xp.reshape(sum((terms[kind] for kind in ("l1", "group") if kind in terms), start=zero), (-1,))

    def units(self) -> Array | None:
        """How large a change of each parameter is a change at all, (1 or K, d), or None where it is 1 for all.

        A weight of the first layer counts by what it does to a neuron: its unit is 1 / sqrt(mean x_i^2), as if the
        inputs had been scaled; of a group of several inputs the smallest of theirs, since its proximal step has one
        step size. Powers of 2, so that the arithmetic in these units rounds as it does without them.
        """
        placement, layout = self._placement, self._network.layout
        backend, xp = placement.backend, array_namespace(self._rows.x)
        with backend.session(placement.device):
            largest = xp.max(xp.abs(self._rows.x), axis=-2, keepdims=True)
            ratio = self._rows.x / xp.where(largest > 0, largest, xp.ones_like(largest))  # whose squares are numbers
            spread = xp.sqrt(xp.sum(ratio * ratio * self._rows.weight, axis=-2, keepdims=True))
            host = [backend.to_numpy(one).astype("float64")[..., 0, :] for one in (largest, spread)]
        log2 = [np.log2(np.where(one > 0, one, 1.0)) for one in host]
        room = np.finfo(placement.dtype).maxexp // 2 - 4  # the square of a unit must be a number too
        power = np.clip(-np.rint(log2[0] + log2[1]), -room, room).reshape(-1, self._network.in_features)
        if self._strengths.members:
            power = self._least_within(power)
        if not power.any():
            return None
        units = np.ones((len(power), layout.size))
        units[:, : power.shape[1] * layout.shapes[0][1]] = np.repeat(np.exp2(power), layout.shapes[0][1], axis=1)
        return placement.put(units)

    def _least_within(self, values: Any) -> Any:
        """The least value of each input's group, (1 or K, inputs), of values for each input."""
        members = self._strengths.members[0]
        if members is None:
            return values
        source = self._placement.backend.to_numpy(members.source).reshape(-1, values.shape[-1])
        values, source = np.broadcast_arrays(values, source)
        result = np.empty_like(values)
        for own, numbers, out in zip(values, source, result, strict=True):
            least = np.full(int(numbers.max()) + 1, np.inf)
            np.minimum.at(least, numbers, own)
            out[:] = least[numbers]
        return result

    def residual(self, vectors: Array, /) -> Any:
        """How far `vectors` are from optimal: the largest entry, in absolute value, of the smallest subgradient, (K,).

        0 at a stationary point (with a convex loss and no hidden layer: at the minimum). On the host, float64.
        """
        xp, backend = array_namespace(vectors), self._placement.backend
        with backend.session(self._placement.device):
            _, grad = self.smooth(vectors)
            rest = penalty_residual(_points(vectors), _points(grad), self._strengths, self._network.layout)
            largest = xp.max(xp.abs(xp.reshape(rest, vectors.shape)), axis=-1)
        return backend.to_numpy(largest).astype("float64")


def _points(vectors: Array) -> Array:
    """Vectors (K, d) as points: (K, 1, d), or (1, d) for one network, which is the faster way through it."""
    return vectors if vectors.shape[0] == 1 else vectors[:, None, :]
