"""Blocks of lanes, trained in halves where the memory does not suffice for a whole one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import final

from regnet.backend.registry import get_backend
from regnet.sweep.journal import Journal
from regnet.sweep.lanes import train_lanes
from regnet.sweep.spec import Cell, Lane, Outcome, SweepSpec

__all__ = ["BlockTrainer"]


@final
class BlockTrainer:
    """Trains blocks one after another. What was too large for the memory once is not tried again, nor is its size."""

    def __init__(self, spec: SweepSpec, journal: Journal | None, tell: Callable[[str], None]) -> None:
        """tell: is given one line when a block does not fit for the first time."""
        self._spec, self._journal, self._tell = spec, journal, tell
        self._most: int | None = None

    def train(self, lanes: Sequence[Lane]) -> Iterator[Outcome]:
        """Every cell of a block, once. Raises MemoryError where one lane alone does not fit."""
        known = _Known(lanes, self._journal)
        todo = [list(lanes)]
        while todo:
            block = todo.pop()
            size = len(block) if self._most is None else min(self._most, len(block))
            if size < len(block):
                todo += [block[start : start + size] for start in range(0, len(block), size)][::-1]
                continue
            try:
                for outcome in train_lanes(self._spec, block, known.look_up):
                    if outcome.cell not in known:
                        if self._journal is not None:
                            self._journal.put(outcome)
                        known.note(outcome)
                        yield outcome
            except Exception as error:
                if not get_backend(self._spec.backend).is_out_of_memory(error):
                    raise
                self._halve(len(block), error)
                todo.append(block)
            else:
                continue
            gc.collect()  # arrays of the stack that failed, which its exception may have left in a circle

    def _halve(self, size: int, error: Exception) -> None:
        if size == 1:
            raise MemoryError(
                f"The memory does not suffice for one network of the sweep alone ({error}): give a smaller batch_size, "
                "narrower layers, or X in float32."
            ) from error
        told, self._most = self._most is not None, -(-size // 2)
        if not told:
            self._tell(
                f"The memory does not suffice for {size} networks at once ({error}): {self._most} are trained at once, "
                "or fewer. A smaller memory_limit does so from the start."
            )


@final
class _Known:
    """What is known of a block's cells: by the journal, and by those of its lanes that an attempt has come past."""

    def __init__(self, lanes: Sequence[Lane], journal: Journal | None) -> None:
        self._journal = journal
        self._lanes = {Cell(strength, lane.fold, lane.restart): lane for lane in lanes for strength in lane.strengths}
        self._past: set[Cell] = set()
        self._last: dict[Lane, Outcome] = {}

    def __contains__(self, cell: Cell) -> bool:
        """Whether an attempt has come past it."""
        return cell in self._past

    def note(self, outcome: Outcome) -> None:
        """An attempt has come past this one."""
        self._past.add(outcome.cell)
        self._last[self._lanes[outcome.cell]] = outcome

    def look_up(self, cell: Cell) -> Outcome | None:
        """See `train_lanes`. Of cells that are past, a lane needs no more than to know where the last one has ended."""
        if cell in self._past:
            return self._last[self._lanes[cell]]._replace(cell=cell)
        return None if self._journal is None else self._journal.get(cell)
