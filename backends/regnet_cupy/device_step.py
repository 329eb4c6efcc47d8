"""One training step as launches on arrays that stay: forward, loss, backward, sums, update.

Everything that changes from step to step lies on the device, the count of steps too, so that the same launches are the
next step; nothing is allocated and nothing waits, so they may be captured.
"""

from __future__ import annotations

from typing import Any, final

from regnet.arrays.tree import tree_map
from regnet.mathematics.activations import Identity
from regnet_cupy.arrays import Piece, block_of, cut_rows, grid_of, networks_of, stride_of, tile_rows
from regnet_cupy.device_code import THREADS, Kernels
from regnet_cupy.plan import ACTIVATIONS, Plan
from regnet_cupy.products import Products
from regnet_cupy.update import Update

__all__ = ["DeviceStep"]

IDENTITY = ACTIVATIONS.index(Identity)


@final
class DeviceStep:
    """The launches of a step, for one network or K, on arrays of its own.

    Calling it launches them on the current stream. state, hyper, batches: the step's own copies of what it was made
    with, which a caller refreshes; the count of steps in the state is one a network, (K,). factors: of a schedule, step
    t's at t % FACTORS, or None.
    """

    def __init__(
        self, xp: Any, kernels: Kernels, products: Products, plan: Plan, layout: Any, state: Any, data: Any, hyper: Any,
        *, scheduled: bool,
    ) -> None:  # fmt: skip
        """xp: cupy. x, y and weight of the data are read where they are; rows must lie one after another."""
        self._xp, self._launch, self.products, self._plan, self._layout = xp, kernels, products, plan, layout
        self._networks = count = networks_of(state.point)
        self._size, dtype = layout.size, state.point.dtype
        self.state, self.hyper, self.batches = tree_map(lambda one: one.copy(), (state, hyper, data.batches))
        self._ticks = xp.zeros(count, "int32")
        self.state = self.state._replace(t=self._ticks)
        self._data, batches = data, self.batches
        self._rows = data.x.shape[-2] if batches is None else batches.rows.shape[-1]
        self._steps = 1 if batches is None else batches.rows.shape[-2]
        self._arrange(dtype)
        self._pieces = [self._pieces_of(layer) for layer in range(plan.depth)]
        self._now = xp.zeros((count, 2), "int32") if plan.in_one else None
        self._update = Update(
            xp, kernels, plan, layout, self.state, self.hyper, batches, self._losses, self._pieces, self._now,
            scheduled=scheduled,
        )  # fmt: skip
        self.factors = self._update.factors
        self._params, self._grads = self._split(self.state.point), self._split(self._update.grad)

    def _split(self, point: Any) -> list[Any]:
        """Views of a point as arrays (networks, rows, columns)."""
        pairs = zip(self._layout.split(point), self._layout.shapes, strict=True)
        return [part.reshape(self._networks, *shape) for part, shape in pairs]

    def _arrange(self, dtype: Any) -> None:
        """The rows' tiles and chunks, and the arrays between the launches."""
        plan, xp, count, widths = self._plan, self._xp, self._networks, self._plan.widths
        tile = tile_rows(plan, count, self._rows)
        self._tiles = [slice(start, min(start + tile, self._rows)) for start in range(0, self._rows, tile)]

        def room(columns: int, networks: int = count) -> Any:
            return xp.empty(networks * tile * columns, dtype)

        # A batch of rows that networks share, from a table that they share, is gathered once.
        own_rows = self.batches is not None and max(networks_of(self._data.x), networks_of(self.batches.rows))
        self._gathered = room(widths[0], own_rows) if own_rows and not plan.in_one else None
        self._gathered_networks = own_rows
        made = () if plan.in_one else widths[1 : -1 if plan.own_outputs else None]
        self._outputs = [room(columns) for columns in made]
        self._slopes = None if plan.own_outputs else self._outputs[-1] if plan.ends_linear else room(widths[-1])
        self._back = [room(columns) for columns in widths[1 : -2 if plan.own_outputs else -1]]
        self._block = block_of(widths[-2], 32)
        self._cut = cut_rows("backward", tile, count)
        self._loss_cut = cut_rows("loss_gradient", tile, count)
        if plan.own_outputs:
            self._loss_cut = cut_rows("last_layers", tile, count, self._block[1])
        self._losses = xp.empty((count, self._loss_cut.number), dtype)

    def _pieces_of(self, layer: int) -> dict[str, Piece]:
        """What is summed over chunks when the backward pass goes through a layer: its biases, and small weights."""
        plan, widths, starts = self._plan, self._plan.widths, self._layout.starts
        own = plan.own_outputs and layer >= plan.depth - 2
        chunks = (self._loss_cut if own else self._cut).number
        if layer == 0 and plan.few_inputs:
            pieces = {"sums": Piece(starts[0], (widths[0] + 1) * widths[1], chunks)}
        else:
            pieces = {"sums": Piece(starts[2 * layer + 1], widths[layer + 1], chunks)}
        if layer == plan.depth - 2 and (plan.few_outputs or plan.own_outputs):
            pieces["next"] = Piece(starts[2 * layer + 2], widths[-2] * widths[-1], chunks, widths[-2])
        return pieces

    def __call__(self) -> None:
        """Launch a step on the current stream."""
        self.products.begin()
        for number, rows in enumerate(self._tiles):
            if self._plan.in_one:
                self._last_layers(number, rows)
                continue
            x = self._x(rows)
            inputs = self._forward(x, rows)
            if self._plan.own_outputs:
                self._last_layers(number, rows)
            else:
                self._loss(number, rows, inputs)
            self._backward(number, rows, x)
        self._update()

    @property
    def tiles(self) -> int:
        """Parts of the rows, one after another."""
        return len(self._tiles)

    def _view(self, room: Any, rows: slice, columns: int, networks: int | None = None) -> Any:
        """The part of an array that a tile fills, as (networks, rows, columns)."""
        shape = (networks or self._networks, rows.stop - rows.start, columns)
        return room[: shape[0] * shape[1] * columns].reshape(shape)

    def _activation(self, layer: int) -> tuple[int, float]:
        return self._plan.activations[layer], self._plan.slopes[layer]

    def _dropout(self, layer: int, rows: slice) -> tuple[Any, ...]:
        """What the kernels are told of it; the rows' numbers are those in the batch, as in `training.step`."""
        (number, rate), seed = self._plan.dropouts[layer], self.hyper.seed
        if not rate or seed is None:
            return None, 0, None, 0, 0, 0, 1.0
        threshold = min(round(rate * 2**32) - 2**31, 2**31 - 1)
        return seed, stride_of(seed), self._ticks, number, rows.start, threshold, 1.0 / (1.0 - rate)

    def _x(self, rows: slice) -> Any:
        """A tile's inputs: a part of the table, or gathered."""
        data, count, columns = self._data, rows.stop - rows.start, self._plan.widths[0]
        if self.batches is None:
            return data.x[..., rows, :]
        x = self._view(self._gathered, rows, columns, self._gathered_networks)
        self._launch(
            "gather_rows", grid_of(count * columns, len(x)), (THREADS,), data.x, stride_of(data.x), self.batches.rows,
            stride_of(self.batches.rows), self._ticks, self._steps, self._rows, rows.start, count, columns, x,
        )  # fmt: skip
        return x

    def _forward(self, x: Any, rows: slice) -> Any:
        """The outputs, without the last biases if they come late; or the last hidden layer's sums."""
        plan, count, stride, inputs = self._plan, rows.stop - rows.start, self._size, x
        for layer, columns in enumerate(plan.widths[1 : -1 if plan.own_outputs else None]):
            weight, bias = self._params[2 * layer], self._params[2 * layer + 1]
            out = self._view(self._outputs[layer], rows, columns)
            grid = grid_of(count * columns, self._networks)
            function = (*self._activation(layer), *self._dropout(layer, rows))
            if layer == 0 and plan.few_inputs:
                self._launch(
                    "few_inputs", grid, (THREADS,), x, stride_of(x), weight, bias, stride, count, columns, *function,
                    out,
                )  # fmt: skip
            else:
                self.products.multiply(inputs, weight, out)
                if layer == plan.depth - 1 - plan.own_outputs and (plan.late_bias or plan.own_outputs):
                    return out
                self._launch("bias_activation", grid, (THREADS,), out, bias, stride, count, columns, *function)
            inputs = out
        return inputs

    def _losses_of(self, number: int, rows: slice) -> tuple[Any, ...]:
        """What a kernel is told that goes from a tile's rows to their losses."""
        data, batches, plan, cut = self._data, self.batches, self._plan, self._loss_cut
        weight = data.weight if batches is None else batches.weight
        numbers = None if batches is None else batches.rows
        return (
            data.y, stride_of(data.y), weight, stride_of(weight), numbers, 0 if numbers is None else stride_of(numbers),
            self._ticks, self._steps, self._rows, rows.start, rows.stop - rows.start, cut.each, plan.widths[-1],
            plan.loss, plan.delta, int(number > 0), cut.number, self._losses,
        )  # fmt: skip

    def _loss(self, number: int, rows: slice, outputs: Any) -> None:
        """Loss and slopes of a tile from its outputs."""
        grid = (-(-(rows.stop - rows.start) // self._loss_cut.each), 1, self._networks)
        bias = self._params[-1] if self._plan.late_bias else None
        slopes = self._view(self._slopes, rows, self._plan.widths[-1])
        self._launch(
            "loss_gradient", grid, (THREADS,), *self._losses_of(number, rows), slopes, outputs, bias, self._size
        )

    def _last_layers(self, number: int, rows: slice) -> None:
        """From the last hidden layer's sums, or few inputs, to the loss and back to their gradient."""
        plan, layer, data, in_one = self._plan, self._plan.depth - 2, self._data, self._plan.in_one
        grid = (-(-(rows.stop - rows.start) // self._loss_cut.each), 1, self._networks)
        z = None if in_one else self._view(self._outputs[layer], rows, plan.widths[-2])
        seed, seed_stride, _, place, _, threshold, kept = self._dropout(layer, rows)
        self._launch(
            "all_layers" if in_one else "last_layers", grid, self._block, *self._losses_of(number, rows), z,
            *((data.x, stride_of(data.x)) if in_one else (None, 0)), self._params[2 * layer + (not in_one)],
            self._size, plan.widths[-2], plan.slopes[layer], seed, seed_stride, place, threshold, kept,
            *(piece.sums for own in self._pieces[layer:] for piece in own.values()), self.state.diverged_at, self._now,
        )  # fmt: skip

    def _backward(self, number: int, rows: slice, x: Any) -> None:
        """Every parameter's gradient from the slopes of the loss, the products at once, the sums in chunks."""
        plan, last = self._plan, self._plan.depth - 1
        if plan.own_outputs:
            last -= 1
        dz = self._view(self._outputs[last] if plan.own_outputs else self._slopes, rows, plan.widths[last + 1])
        for layer in range(last, -1, -1):
            columns = plan.widths[layer + 1]
            inside = layer == last - 1 and plan.few_outputs  # dy is made from few slopes where it is used
            first = layer == 0 and plan.few_inputs
            if layer < last:
                dy = self._view(self._back[layer], rows, columns)
                if not inside:
                    self.products.multiply(dz, self._params[2 * layer + 2], dy, b_t=True)
            else:
                dy = dz
            if layer < last or not plan.own_outputs:
                changes = plan.activations[layer] != IDENTITY or plan.dropouts[layer][1] > 0
                keep = not first and (inside or changes)
                self._through(number, layer, dy, rows, keep=keep, slopes=dz if inside else None, x=x if first else None)
            dz = dy
            in_sums = first or (layer == last and plan.few_outputs)
            if not in_sums:
                inputs = x if layer == 0 else self._view(self._outputs[layer - 1], rows, plan.widths[layer])
                self.products.multiply(inputs, dz, self._grads[2 * layer], a_t=True, accumulate=number > 0)

    def _through(self, number: int, layer: int, dy: Any, rows: slice, *, keep: bool, slopes: Any, x: Any) -> None:
        """Through a layer's activation, and its sums over rows. slopes: of few outputs; x: few inputs; or None."""
        columns, count, cut = self._plan.widths[layer + 1], rows.stop - rows.start, self._cut
        wide = min(32, 1 << (columns - 1).bit_length())
        grid = (-(-columns // wide), -(-count // cut.each), self._networks)
        name = "backward" if x is None and slopes is None else "backward_to_few_inputs"
        name = name if slopes is None else "backward_from_few_outputs"
        pieces = self._pieces[layer]
        self._launch(
            name, grid, (wide, THREADS // wide), dy,
            self._view(self._outputs[layer], rows, columns), count, cut.each, columns, *self._activation(layer),
            *self._dropout(layer, rows), int(keep), x, 0 if x is None else stride_of(x), slopes,
            None if slopes is None else self._params[-2], self._size, int(number > 0), cut.number,
            pieces["sums"].sums, None if slopes is None else pieces["next"].sums,
        )  # fmt: skip
