"""One training step as launches on arrays that stay: forward, loss, backward, sums, update.

Everything that changes from step to step lies on the device, the count of steps too, so that the same launches are the
next step; nothing is allocated and nothing waits, so they may be captured.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np

from regnet.arrays.tree import tree_map
from regnet.mathematics.activations import Identity
from regnet_cupy.arrays import KERNELS, Piece, cut_rows, grid_of, networks_of, stride_of, term_of, tile_rows
from regnet_cupy.device_code import THREADS, Kernels
from regnet_cupy.plan import ACTIVATIONS, Plan
from regnet_cupy.products import Products

__all__ = ["FACTORS", "DeviceStep"]

FACTORS = 1024
"""Steps for which the factors of a schedule are made at once."""

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
        self._alive = xp.zeros(count, "int32")
        self.factors = xp.ones(FACTORS, dtype) if scheduled else None
        self._pace = xp.empty((count, 4), dtype)
        self._grad = xp.empty((count, 1, self._size), dtype)
        self._params, self._grads = self._split(self.state.point), self._split(self._grad)
        self._arrange(dtype)

    def _split(self, point: Any) -> list[Any]:
        """Views of a point as arrays (networks, rows, columns)."""
        pairs = zip(self._layout.split(point), self._layout.shapes, strict=True)
        return [part.reshape(self._networks, *shape) for part, shape in pairs]

    def _arrange(self, dtype: Any) -> None:
        """Which launches there are, and the arrays between them."""
        plan, xp, count, widths = self._plan, self._xp, self._networks, self._plan.widths
        tile = tile_rows(plan, count, self._rows)
        self._tiles = [slice(start, min(start + tile, self._rows)) for start in range(0, self._rows, tile)]

        def room(columns: int, networks: int = count) -> Any:
            return xp.empty(networks * tile * columns, dtype)

        # A batch of rows that networks share, from a table that they share, is gathered once.
        own_rows = self.batches is not None and max(networks_of(self._data.x), networks_of(self.batches.rows))
        self._gathered = room(widths[0], own_rows) if own_rows else None
        self._gathered_networks = own_rows
        self._outputs = [room(columns) for columns in widths[1:]]
        self._slopes = self._outputs[-1] if plan.ends_linear else room(widths[-1])
        self._back = [room(columns) for columns in widths[1:-1]]
        if plan.few_outputs and plan.few_inputs and plan.depth == 2:
            self._back = [None]  # every sum over its entries is made where they are
        self._cuts = {kernel: cut_rows(kernel, tile, count) for kernel in KERNELS}
        self._loss_cut = self._cuts["few_outputs" if plan.own_outputs else "loss_gradient"]
        self._losses = xp.empty((count, self._loss_cut.number), dtype)
        self._pieces = [self._pieces_of(layer) for layer in range(plan.depth)]
        self._lay_out_sums(dtype)
        self._penalty_cut = max(1024, -(-self._size // 128))
        self._penalty_blocks = 0
        if self.state.running_loss is not None:
            rows = sum(shape[0] for _, shape, _ in self._groups())
            self._penalty_blocks = -(-self._size // self._penalty_cut) + rows
        self._penalties = xp.empty((count, max(1, self._penalty_blocks)), dtype)

    def _lay_out_sums(self, dtype: Any) -> None:
        """One array for the chunks' sums of all pieces, one after another, and the table that `finish` reads."""
        xp, count, table, start, entry = self._xp, self._networks, [], 0, 0
        pieces = [piece for own in self._pieces for piece in own.values()]
        self._sums = xp.empty(sum(count * piece.chunks * piece.length for piece in pieces), dtype)
        for own in self._pieces:
            for name, piece in own.items():
                stop = start + count * piece.chunks * piece.length
                own[name] = piece._replace(sums=self._sums[start:stop])
                table.append((entry, piece.chunks, piece.length, start, piece.place))
                start, entry = stop, entry + piece.length
        self._piece_table = xp.asarray(np.asarray(table, np.int64))
        self._piece_entries = entry

    def _groups(self) -> list[tuple[int, tuple[int, int], Any]]:
        """Where each weight whose rows are groups begins, its shape, and its strengths."""
        groups, layout = self.hyper.strengths.group, self._layout
        found = zip(layout.starts, layout.shapes, groups, strict=True) if groups else ()
        return [one for one in found if one[2] is not None]

    def _pieces_of(self, layer: int) -> dict[str, Piece]:
        """What is summed over chunks when the backward pass goes through a layer: its biases, and small weights."""
        widths, depth = self._plan.widths, self._plan.depth
        weights, biases = self._layout.starts[2 * layer], self._layout.starts[2 * layer + 1]
        chunks = self._cuts["backward"].number
        if layer == depth - 1 and self._plan.own_outputs:
            pieces = {"sums": Piece(biases, widths[-1], self._cuts["few_outputs"].number, None)}
        elif layer == 0 and self._plan.few_inputs:
            pieces = {"sums": Piece(weights, (widths[0] + 1) * widths[1], chunks, None)}
        else:
            pieces = {"sums": Piece(biases, widths[layer + 1], chunks, None)}
        if layer == depth - 2 and self._plan.few_outputs:
            place = self._layout.starts[2 * layer + 2]
            pieces["next"] = Piece(place, widths[-2] * widths[-1], chunks, None)
        return pieces

    def __call__(self) -> None:
        """Launch a step on the current stream."""
        self.products.begin()
        for number, rows in enumerate(self._tiles):
            x, inputs = self._forward(rows)
            self._loss(number, rows, inputs)
            self._backward(number, rows, x)
        if self._penalty_blocks:
            self._penalty()
        self._finish()
        self._update()

    def _view(self, room: Any, rows: slice, columns: int, networks: int | None = None) -> Any:
        """The part of an array that a tile fills, as (networks, rows, columns)."""
        shape = (networks or self._networks, rows.stop - rows.start, columns)
        return room[: shape[0] * shape[1] * columns].reshape(shape)

    def _activation(self, layer: int) -> tuple[int, float]:
        return self._plan.activations[layer], self._plan.slopes[layer]

    def _dropout(self, layer: int, rows: slice) -> tuple[Any, ...]:
        """What the kernels are told of it; the rows' numbers are those in the batch, as in `training.step`."""
        (number, rate), seed = self._plan.dropouts[layer], self.hyper.seed
        if not rate:
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

    def _forward(self, rows: slice) -> tuple[Any, Any]:
        """The tile's inputs, and what the loss goes by: the outputs, or the last hidden layer's."""
        plan, count, stride = self._plan, rows.stop - rows.start, self._size
        x = inputs = self._x(rows)
        for layer, columns in enumerate(plan.widths[1:]):
            if layer == plan.depth - 1 and plan.own_outputs:
                break
            weight, bias = self._params[2 * layer], self._params[2 * layer + 1]
            out = self._view(self._outputs[layer], rows, columns)
            grid = grid_of(count * columns, self._networks)
            function = (*self._activation(layer), *self._dropout(layer, rows))
            if layer == 0 and self._plan.few_inputs:
                self._launch(
                    "few_inputs", grid, (THREADS,), x, stride_of(x), weight, bias, stride, count, columns, *function,
                    out,
                )  # fmt: skip
            else:
                self.products.multiply(inputs, weight, out)
                if layer == plan.depth - 1 and plan.late_bias:
                    return x, out
                self._launch("bias_activation", grid, (THREADS,), out, bias, stride, count, columns, *function)
            inputs = out
        return x, inputs

    def _loss(self, number: int, rows: slice, inputs: Any) -> None:
        """Loss and slopes of a tile, from its outputs or from the last hidden layer."""
        data, batches, plan, cut = self._data, self.batches, self._plan, self._loss_cut
        weight = data.weight if batches is None else batches.weight
        numbers = None if batches is None else batches.rows
        count, outputs, add = rows.stop - rows.start, plan.widths[-1], int(number > 0)
        slopes = self._view(self._slopes, rows, outputs)
        losses = (
            data.y, stride_of(data.y), weight, stride_of(weight), numbers, 0 if numbers is None else stride_of(numbers),
            self._ticks, self._steps, self._rows, rows.start, count, cut.each, outputs, plan.loss, plan.delta, add,
            cut.number, slopes, self._losses,
        )  # fmt: skip
        grid = (-(-count // cut.each), 1, self._networks)
        if plan.own_outputs:
            weights, bias = self._params[-2:]
            sums = self._pieces[-1]["sums"].sums
            self._launch(
                "few_outputs", grid, (THREADS,), *losses, inputs, weights, bias, self._size, inputs.shape[-1], sums
            )
        else:
            bias = self._params[-1] if plan.late_bias else None
            self._launch("loss_gradient", grid, (THREADS,), *losses, inputs, bias, self._size)

    def _backward(self, number: int, rows: slice, x: Any) -> None:
        """Every parameter's gradient from the slopes of the loss, the products at once, the sums in chunks."""
        plan, last = self._plan, self._plan.depth - 1
        dz = self._view(self._slopes, rows, plan.widths[-1])
        for layer in range(last, -1, -1):
            columns = plan.widths[layer + 1]
            inside = layer == last - 1 and plan.few_outputs  # dy is made from few slopes where it is used
            first = layer == 0 and plan.few_inputs
            if layer < last:
                dy = None if self._back[layer] is None else self._view(self._back[layer], rows, columns)
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
        columns, count, cut = self._plan.widths[layer + 1], rows.stop - rows.start, self._cuts["backward"]
        wide = min(32, 1 << (columns - 1).bit_length())
        grid = (-(-columns // wide), -(-count // cut.each), self._networks)
        names = {(False, False): "backward", (True, False): "backward_to_few_inputs"}
        names |= {(False, True): "backward_from_few_outputs", (True, True): "backward_between_few"}
        pieces = self._pieces[layer]
        self._launch(
            names[x is not None, slopes is not None], grid, (wide, THREADS // wide), dy,
            self._view(self._outputs[layer], rows, columns), count, cut.each, columns, *self._activation(layer),
            *self._dropout(layer, rows), int(keep), x, 0 if x is None else stride_of(x), slopes,
            None if slopes is None else self._params[-2], self._size, int(number > 0), cut.number,
            pieces["sums"].sums, None if slopes is None else pieces["next"].sums,
        )  # fmt: skip

    def _shares(self) -> tuple[Any, int]:
        batches = self.batches
        return (None, 0) if batches is None else (batches.row_share, stride_of(batches.row_share))

    def _penalty(self) -> None:
        """Its value at the point before the step, for a running loss."""
        strengths, size = self.hyper.strengths, self._size
        blocks = -(-size // self._penalty_cut)
        self._launch(
            "penalty_sums", (blocks, 1, self._networks), (THREADS,), self.state.point, size, self._penalty_cut,
            *term_of(strengths.l1), *term_of(strengths.l1_subgradient), *term_of(strengths.l2),
            *term_of(strengths.batch_l2), *self._shares(), self._ticks, self._steps, self._penalty_blocks,
            self._penalties,
        )  # fmt: skip
        for start, (rows, columns), group in self._groups():
            self._launch(
                "group_sums", (rows, 1, self._networks), (THREADS,), self.state.point, size, start, columns,
                *term_of(group, -2), blocks, self._penalty_blocks, self._penalties,
            )  # fmt: skip
            blocks += rows

    def _finish(self) -> None:
        plan, state, wide = self._plan, self.state, 32
        grid = (1 + -(-self._piece_entries // wide), 1, self._networks)
        self._launch(
            "finish", grid, (wide, THREADS // wide), self._losses, self._loss_cut.number, self._penalties,
            self._penalty_blocks, state.loss, state.diverged_at, self._alive, state.running_loss, *self._shares(),
            self._steps, self._ticks, self._pace, self.factors, FACTORS, plan.rule, plan.beta1, plan.beta2,
            plan.epsilon, int(plan.epsilon_hat), self._piece_table, len(self._piece_table), self._sums, self._grad,
            self._size,
        )  # fmt: skip

    def _update(self) -> None:
        """One launch for all entries that lie between groups, one for every weight whose rows are groups."""
        plan, strengths, rate = self._plan, self.hyper.strengths, self.hyper.learning_rate
        slots = (*self.state.slots, None, None)[:2]
        flush = int(strengths.l2 is not None or strengths.batch_l2 is not None)

        def common(start: int) -> tuple[Any, ...]:
            return (
                self.state.point, *slots, self._grad, self._size, start, *term_of(strengths.l1),
                *term_of(strengths.l1_subgradient), *term_of(strengths.l2), *term_of(strengths.batch_l2),
                *self._shares(), self._ticks, self._steps, rate, stride_of(rate), self._alive, self._pace, plan.rule,
                plan.beta1, 1 - plan.beta1, plan.beta2, 1 - plan.beta2, plan.decay, flush,
            )  # fmt: skip

        def entries(start: int, stop: int) -> None:
            if stop > start:
                grid = grid_of(stop - start, self._networks)
                self._launch("update", grid, (THREADS,), *common(start), stop - start)

        start = 0
        for at, (rows, columns), group in self._groups():
            entries(start, at)
            grid = (rows, 1, self._networks)
            self._launch("update_groups", grid, (THREADS,), *common(at), columns, *term_of(group, -2))
            start = at + rows * columns
        entries(start, self._size)
