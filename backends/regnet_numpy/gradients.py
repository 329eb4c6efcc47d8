"""A step's loss and gradient: tiles of rows, and parts of the parameters, over the threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, final

from regnet.arrays.types import Array
from regnet_numpy.buffers import Buffers, aligned_empty
from regnet_numpy.passes import find_pass
from regnet_numpy.threads import parallel_map, thread_count
from regnet_numpy.tiles import TILE_ELEMENTS, tile_rows, tile_width
from regnet_numpy.types import Network

__all__ = ["SUM_ELEMENTS", "THREADED_PARAMETERS", "Gradients", "Implementation", "cuts_of"]

Function: TypeAlias = Callable[..., Any]

SUM_ELEMENTS = 2**21
"""Elements of tiles' gradients that are kept until they are added: to wait for all threads after a few tiles costs as
much as a tile (100,000 rows x 100 -> 700: with numba half of the step if after every two)."""

THREADED_PARAMETERS = 2**16
"""Parameters from which an update is shared by the threads: waking one takes as long as some 2^14 of them."""

CHUNK = 2**17
"""Parameters that an update goes through its passes with at once, at most: with their slots and gradient they stay near
a core, and NumPy's passes need no more memory than that."""


class Implementation(NamedTuple):
    """What a loop over steps is made of.

    make_pass, make_update: constructors; threaded_work: products of a tile's rows and weights (rows times parameters)
    from which tiles go over the threads; tile_elements: see `tile_rows`.
    """

    make_pass: Function
    make_update: Any
    threaded_work: int
    tile_elements: int = TILE_ELEMENTS

    def tile_rows(self, network: Network, rows: int) -> int:
        """Rows of a tile."""
        return tile_rows(tile_width(network), rows, parameters=network.layout.size, elements=self.tile_elements)


def cuts_of(point: Array, /) -> list[slice]:
    """The entries of a point in an even number of parts, whatever the threads, if they are many and of one network."""
    size = point.shape[-1]
    if point.ndim > 2 or size < THREADED_PARAMETERS:
        return [slice(None)]
    each = -(-size // (2 * -(-size // (2 * CHUNK))))
    return [slice(start, min(start + each, size)) for start in range(0, size, each)]


@final
class Gradients:
    """A step's loss and gradient: tiles of rows over the threads, added from the first to the last.

    `at` leaves the last sum to `finish`, which does it for some of the parameters: the thread that steps them next has
    them in its cache then.
    """

    def __init__(
        self, implementation: Implementation, buffers: Buffers, network: Network, point: Array, count: int, static: bool
    ) -> None:
        size = implementation.tile_rows(network, count)
        self._make_pass, self._buffers, self._static = implementation.make_pass, buffers, static
        self._network = network
        self._tiles = [slice(start, min(start + size, count)) for start in range(0, count, size)]
        self._leading, self._dtype = point.shape[:-2], point.dtype
        enough = size * point.shape[-1] >= implementation.threaded_work
        tiles, threads = len(self._tiles), thread_count() if enough else 1
        # Tiles of a round are computed side by side, each thread some of them, and added when all are there.
        together = min(tiles, max(1, SUM_ELEMENTS // point.size // threads) * threads)
        each = -(-together // threads)
        self._rounds = [
            [range(start, min(start + each, stop)) for start in range(begin, stop, each)]
            for begin in range(0, tiles, together)
            for stop in [min(begin + together, tiles)]
        ]
        self._cuts, self._now = cuts_of(point), range(tiles)
        shape = (together, *point.shape)
        self._slots = buffers.get(("slots", shape, point.dtype), lambda: aligned_empty(shape, point.dtype))
        self._total = self._slots[0]
        if together < tiles:
            self._total = buffers.get(
                ("total", point.shape, point.dtype), lambda: aligned_empty(point.shape, point.dtype)
            )
        self._first = self._pass(0)
        self._slot_views = [self._first.views(slot) for slot in self._slots]
        self._point_views: dict[int, Any] = {}
        self._prepared: Any = None

    def _pass(self, tile: int) -> Any:
        rows = self._tiles[tile].stop - self._tiles[tile].start
        return find_pass(self._buffers, self._make_pass, self._network, self._leading, rows, self._dtype)

    def at(self, point: Array, x: Array, y: Array, weight: Array) -> Array:
        """The loss (..., 1, 1) at a point."""
        params = self._point_views.get(id(point))
        if params is None:
            params = self._point_views[id(point)] = self._first.views(point)
        if len(self._tiles) == 1:
            if self._prepared is None or not self._static:
                self._prepared = self._first.prepare(x)
            return self._first.gradient(self._prepared, y, weight, params, self._slot_views[0])
        losses: list[Any] = [None] * len(self._tiles)
        slots, views = self._slots, self._slot_views

        def work(numbers: range) -> None:
            for number in numbers:
                one, rows = self._pass(number), self._tiles[number]
                own_x, own_y, own_weight = (array[..., rows, :] for array in (x, y, weight))
                grads = views[number % len(slots)]
                losses[number] = one.gradient(one.prepare(own_x), own_y, own_weight, params, grads)

        for number, shares in enumerate(self._rounds):
            if number:
                parallel_map(self.finish, self._cuts)
            self._now = range(shares[0].start, shares[-1].stop)
            parallel_map(work, shares)
        loss = losses[0]
        for other in losses[1:]:
            loss = loss + other
        return loss

    def finish(self, cut: slice) -> Array:
        """The gradient of some entries of the point, in an array that may be overwritten until the next `at`."""
        total = self._total[..., cut]
        for number in self._now:
            slot = self._slots[number % len(self._slots)][..., cut]
            if number:
                total += slot
            elif self._rounds[1:]:
                total[...] = slot
        return total
