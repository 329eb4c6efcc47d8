"""The compiled pass of one network, and the compiled update, for the loop in `regnet_numpy.run`."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from regnet_numpy.fused import gradient_loops
from regnet_numpy.fused.parts import part_of, row_of, row_strengths
from regnet_numpy.fused.plan import plan
from regnet_numpy.fused.update import NetworkPart, penalty_of, scalars_of, update_one

COMPILED_TILE = 2**16
"""Elements of the widest activation in a tile: with no interpreter between the products, smaller tiles cost nothing."""

__all__ = ["COMPILED_TILE", "CompiledPass", "CompiledUpdate"]


@final
class CompiledPass:
    """`regnet_numpy.passes.Pass` of a network that the loops can do."""

    takes_tiles = True

    def __init__(self, network: Any, leading: tuple[int, ...], rows: int, dtype: Any) -> None:
        """leading: ()."""
        found = plan(network, dtype)
        if found is None:
            raise ValueError(f"{network} has an activation or a loss that has no loop.")
        self.network, self._plan, widths = network, found, found.widths
        self._memory = (
            np.empty(rows * int(widths[1:].sum()), dtype),
            np.empty((rows, widths[-1]), dtype),
            np.empty((2, rows * int(widths[:-1].max())), dtype),
        )

    def views(self, point: Any) -> Any:
        """A point as a row."""
        return point[0]

    def prepare(self, x: Any) -> Any:
        """Rows as they are."""
        return x

    def gradient(self, x: Any, y: Any, row_weight: Any, params: Any, grads: Any) -> Any:
        """See `Pass.gradient`."""
        widths, slopes, loss = self._plan
        total = gradient_loops.tile_gradient(x, y, row_weight, params, widths, slopes, loss, *self._memory, grads)
        return np.full((1, 1), total, params.dtype)

    def gradients(
        self, x: Any, y: Any, row_weight: Any, params: Any, slots: Any, first: int, stop: int, size: int
    ) -> list[Any]:
        """The losses of tiles number first to stop, of `size` rows; their gradients go to slots (s, 1, parameters)."""
        widths, slopes, loss = self._plan
        losses = np.empty((stop - first, 1, 1), params.dtype)
        gradient_loops.tiles_gradient(
            x, y, row_weight, params, widths, slopes, loss, *self._memory, slots[:, 0], losses[:, 0, 0], first, size
        )
        return list(losses)


@final
class CompiledUpdate:
    """`regnet_numpy.updates.Update`, one network of a stack after another: each has the bits that it has alone."""

    spares = 0

    def __init__(self, optimizer: Any, layout: Any, arrays: tuple[Any, ...], strengths: Any, spare: Any) -> None:
        """See `Update`; spare is not needed."""
        self._optimizer, self._layout, self._shape = optimizer, layout, arrays[0].shape
        self._dtype, size = arrays[0].dtype, arrays[0].shape[-1]
        self._parts = [
            NetworkPart(
                0,
                0.0,
                1.0,
                tuple([part_of(array, k)[0] for array in arrays]),
                tuple([None if term is None else row_of(term, k, size) for term in strengths[:4]]),
                row_strengths(layout, strengths.group, k),
            )
            for k in range(arrays[0].size // size)
        ]

    def step(self, t: int, rate: Any, grad: Any, share: Any) -> None:
        """Step number t."""
        for k, part in enumerate(self._parts):
            number, (point, *slots) = _share_of(share, k), part.arrays
            scalars = scalars_of(self._optimizer, t, part_of(rate, k).item(), number, self._dtype)
            own = part._replace(arrays=(point, part_of(grad, k)[0], *slots))
            update_one(own, self._optimizer, self._layout, scalars)

    def penalty(self, share: Any) -> Any:
        """The penalty at the point as it is, (..., 1, 1)."""
        values = [
            penalty_of(part, self._layout, self._dtype.type(2.0 / _share_of(share, k)))
            for k, part in enumerate(self._parts)
        ]
        return np.asarray(values, self._dtype).reshape(*self._shape[:-1], 1)


def _share_of(share: Any, k: int) -> float:
    """Of all rows, in network k's batch; None: all of them."""
    return 1.0 if share is None else float(part_of(share, k).item())
