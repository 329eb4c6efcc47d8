"""The second half of a step: values of the penalties, sums over chunks, and the optimizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from regnet_cupy.arrays import Piece, grid_of, networks_of, stride_of, term_of
from regnet_cupy.device_code import THREADS, Kernels
from regnet_cupy.plan import Plan

__all__ = ["FACTORS", "Update"]

FACTORS = 1024
"""Steps for which the factors of a schedule are made at once."""

WIDE = 32
"""Entries of a block that adds chunks up; its other threads take further chunks."""


@final
class Update:
    """The launches from the chunks' sums to the new point. factors: of a schedule, step t's at t % FACTORS, or None."""

    def __init__(
        self, xp: Any, launch: Kernels, plan: Plan, layout: Any, state: Any, hyper: Any, batches: Any, losses: Any,
        pieces: Sequence[dict[str, Piece]], now: Any, *, scheduled: bool,
    ) -> None:  # fmt: skip
        """losses: (networks, chunks); pieces: of every layer, which get their sums here; state.t: (networks,).

        now: what `all_layers` leaves for `settle`, (networks, 2), or None.
        """
        self._launch, self._plan, self._layout = launch, plan, layout
        self._state, self._hyper, self._losses, self._size = state, hyper, losses, layout.size
        self._networks, dtype = networks_of(state.point), state.point.dtype
        self._steps = 1 if batches is None else batches.rows.shape[-2]
        self._share = (None, 0) if batches is None else (batches.row_share, stride_of(batches.row_share))
        self.factors = xp.ones(FACTORS, dtype) if scheduled else None
        self.grad = xp.empty((self._networks, 1, self._size), dtype)
        self._pace = xp.empty((self._networks, 4), dtype)
        self._alive, self._now = xp.zeros(self._networks, "int32"), now
        self._lay_out_sums(xp, pieces, dtype)
        self._penalty_cut, self._penalty_blocks = max(1024, -(-self._size // 128)), 0
        if state.running_loss is not None:
            rows = sum(shape[0] for _, shape, _ in self._groups())
            self._penalty_blocks = -(-self._size // self._penalty_cut) + rows
        self._penalties = xp.empty((self._networks, max(1, self._penalty_blocks)), dtype)
        self._settles = plan.in_one and not self._groups()

    def _lay_out_sums(self, xp: Any, pieces: Sequence[dict[str, Piece]], dtype: Any) -> None:
        """One array for the chunks' sums of all pieces, one after another, and the table of where they are."""
        count, table, start, entry = self._networks, [], 0, 0
        total = sum(piece.chunks * piece.length for own in pieces for piece in own.values())
        self._sums = xp.empty(count * total, dtype)
        for own in pieces:
            for name, piece in own.items():
                stop = start + count * piece.chunks * piece.length
                own[name] = piece._replace(sums=self._sums[start:stop])
                table.append((entry, piece.chunks, piece.length, start, piece.place, piece.rows))
                start, entry = stop, entry + piece.length
        self._piece_table = xp.asarray(np.asarray(table, np.int64))
        self._entries = entry

    def _groups(self) -> list[tuple[int, tuple[int, int], Any]]:
        """Where each weight whose rows are groups begins, its shape, and its strengths."""
        groups, layout = self._hyper.strengths.group, self._layout
        found = zip(layout.starts, layout.shapes, groups, strict=True) if groups else ()
        return [one for one in found if one[2] is not None]

    def __call__(self) -> None:
        """Launch it on the current stream."""
        if self._penalty_blocks:
            self._penalty()
        if self._settles:
            self._settle()
        else:
            self._finish()
            self._update()

    def _terms(self) -> tuple[Any, ...]:
        """The penalties but for groups."""
        strengths = self._hyper.strengths
        terms = (strengths.l1, strengths.l1_subgradient, strengths.l2, strengths.batch_l2)
        return tuple(part for term in terms for part in term_of(term))

    def _penalty(self) -> None:
        """Its value at the point before the step, for a running loss."""
        state, size, blocks = self._state, self._size, -(-self._size // self._penalty_cut)
        self._launch(
            "penalty_sums", (blocks, 1, self._networks), (THREADS,), state.point, size, self._penalty_cut,
            *self._terms(), *self._share, state.t, self._steps, self._penalty_blocks, self._penalties,
        )  # fmt: skip
        for start, (rows, columns), group in self._groups():
            self._launch(
                "group_sums", (rows, 1, self._networks), (THREADS,), state.point, size, start, columns,
                *term_of(group, -2), blocks, self._penalty_blocks, self._penalties,
            )  # fmt: skip
            blocks += rows

    def _finishing(self) -> tuple[Any, ...]:
        """What the kernels are told that add chunks up and end a step."""
        plan, state = self._plan, self._state
        logs = (math.log(beta) if beta > 0 else -math.inf for beta in (plan.beta1, plan.beta2))
        return (
            self._losses, self._losses.shape[-1], self._penalties, self._penalty_blocks, state.loss, state.diverged_at,
            state.running_loss, *self._share, self._steps, state.t, self.factors, FACTORS, plan.rule, plan.beta1,
            *logs, plan.epsilon, int(plan.epsilon_hat), self._sums, self._size,
        )  # fmt: skip

    def _flush(self) -> int:
        """Whether weights end at 0 when they get below the smallest normal number, as they would under an L2."""
        strengths = self._hyper.strengths
        return int(strengths.l2 is not None or strengths.batch_l2 is not None)

    def _settle(self) -> None:
        plan, rate = self._plan, self._hyper.learning_rate
        self._launch(
            "settle", (-(-self._entries // WIDE), 1, self._networks), (WIDE, THREADS // WIDE), *self._finishing(),
            self._now, *plan.widths[-2:], self._state.point, *(*self._state.slots, None, None)[:2], *self._terms(),
            rate, stride_of(rate), plan.beta2, plan.decay, self._flush(),
        )  # fmt: skip

    def _finish(self) -> None:
        grid = (1 + -(-self._entries // WIDE), 1, self._networks)
        rest = self._piece_table, len(self._piece_table), self._alive, self._pace, self.grad
        self._launch("finish", grid, (WIDE, THREADS // WIDE), *self._finishing(), *rest)

    def _update(self) -> None:
        """One launch for all entries that lie between groups, one for every weight whose rows are groups."""
        plan, state, rate = self._plan, self._state, self._hyper.learning_rate

        def common(start: int) -> tuple[Any, ...]:
            return (
                state.point, *(*state.slots, None, None)[:2], self.grad, self._size, start, *self._terms(),
                *self._share, state.t, self._steps, rate, stride_of(rate), self._alive, self._pace, plan.rule,
                plan.beta1, 1 - plan.beta1, plan.beta2, 1 - plan.beta2, plan.decay, self._flush(),
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
