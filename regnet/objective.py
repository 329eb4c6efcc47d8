"""The whole objective as a function of one vector per network, for solvers that look at all rows at once.

    smooth(w) + penalty(w):    smooth = mean data loss + L2 terms;    penalty = L1 and group terms, through their prox

Points are (K, d): every parameter array of network k, laid flat one after the other, in row k.
"""

from __future__ import annotations

import math
from typing import Any, final

from regnet.namespace import array_namespace
from regnet.network import Network, Rows
from regnet.penalties import Strengths, add_penalty_grad, penalty_prox, penalty_residual, penalty_terms
from regnet.registry import Placement
from regnet.tree import leaves, rebuild, tree_map
from regnet.types import Array, Tree

__all__ = ["Objective"]


@final
class Objective:
    """`network` on `rows` under `strengths`, one per parameter array; everything on the device of `placement`.

    rows: weights sum to 1, no dropout; params: of the shape that points unpack to, with or without a leading axis K.
    """

    def __init__(
        self, network: Network, placement: Placement, rows: Rows, strengths: tuple[Strengths, ...], params: Tree
    ) -> None:
        """Compiles the gradient where the backend can."""
        self._network, self._placement, self._rows = network, placement, rows
        # Here a subgradient L1 is what it stands for: the same penalty.
        self._strengths = tuple(
            one if one.l1_subgradient is None else one._replace(l1=one.l1_subgradient, l1_subgradient=None)
            for one in strengths
        )
        self._template = params
        self._gradient = placement.backend.compile(self._smooth)

    def pack(self, params: Tree, /) -> Array:
        """Parameters as points (K, d); one network without a leading axis gives K = 1."""
        arrays = leaves(params)
        xp = array_namespace(arrays[0])
        return xp.concat([xp.reshape(leaf, (-1, math.prod(leaf.shape[-2:]))) for leaf in arrays], axis=-1)

    def unpack(self, points: Array, /) -> Tree:
        """Points (K, d) as parameters with a leading axis K."""
        xp = array_namespace(points)
        parts, start = [], 0
        for leaf in leaves(self._template):
            size = math.prod(leaf.shape[-2:])
            parts.append(xp.reshape(points[:, start : start + size], (points.shape[0], *leaf.shape[-2:])))
            start += size
        return rebuild(self._template, parts)

    def smooth(self, points: Array, /) -> tuple[Array, Array]:
        """Mean data loss plus L2 terms, (K,), and its gradient, (K, d)."""
        value, grad = self._gradient(points, self._rows, self._strengths)
        return value, grad

    def _smooth(self, points: Array, rows: Rows, strengths: tuple[Strengths, ...]) -> tuple[Array, Array]:
        params = self.unpack(points)
        value, grads = self._placement.backend.sum_rows(self._network.loss_and_grads, rows, params, None)
        total = []
        for w, grad, one in zip(leaves(params), leaves(grads), strengths, strict=True):
            for kind, term in penalty_terms(w, one).items():
                value = value + term if kind in ("l2", "alpha") else value
            total.append(add_penalty_grad(grad, w, one))
        xp = array_namespace(points)
        return xp.reshape(value, (-1,)), self.pack(rebuild(params, total))

    def prox(self, points: Array, step_size: Array, /) -> Array:
        """The proximal step of the L1 and group terms; step_size: (K, 1)."""
        if not any(one.l1 is not None or one.group is not None for one in self._strengths):
            return points
        params = self.unpack(points)
        size = step_size[..., None]
        moved = [penalty_prox(w, size, one) for w, one in zip(leaves(params), self._strengths, strict=True)]
        return self.pack(rebuild(params, moved))

    def penalty(self, points: Array, /) -> Array:
        """The value of the L1 and group terms, (K,)."""
        xp = array_namespace(points)
        total = xp.sum(points * 0.0, axis=-1)
        for w, one in zip(leaves(self.unpack(points)), self._strengths, strict=True):
            for kind, term in penalty_terms(w, one).items():
                total = total + xp.reshape(term, (-1,)) if kind in ("l1", "group") else total
        return total

    def residual(self, params: Tree, /) -> Any:
        """How far `params` are from optimal: the largest entry, in absolute value, of the smallest subgradient, (K,).

        0 at a stationary point (with a convex loss and no hidden layer: at the minimum). On the host, float64.
        """
        points = self.pack(params)
        xp = array_namespace(points)
        with self._placement.backend.session(self._placement.device):
            _, grad = self.smooth(points)
            pairs = zip(leaves(self.unpack(points)), leaves(self.unpack(grad)), self._strengths, strict=True)
            rest = self.pack(rebuild(self._template, [penalty_residual(w, g, one) for w, g, one in pairs]))
        return self._placement.backend.to_numpy(xp.max(xp.abs(rest), axis=-1)).astype("float64")

    def lone(self, points: Array, /) -> Tree:
        """The parameters of the only network, without a leading axis."""
        return tree_map(lambda leaf: leaf[0, ...], self.unpack(points))
