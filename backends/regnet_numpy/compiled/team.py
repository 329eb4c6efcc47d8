"""Threads that share the tasks of a compiled loop, without the interpreter.

One thread leads: it opens as many tasks as there are, takes its own share of them, and goes on when all are done. The
others take tasks while there are any, and look for new ones in between. Nobody is waited for who has not taken a task:
a thread that comes late, or never, costs time only. Which thread does a task does not matter to what comes out.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from regnet.arrays.types import Array
from regnet_numpy.compiled.jit import loop

__all__ = [
    "LEAD", "OVER", "all_done", "dismiss", "finish", "is_over", "open_tasks", "opened", "rest", "take", "team_board",
]  # fmt: skip

TAKEN, OPEN, DONE, OVER, YIELD = range(0, 40, 8)
"""Places on the board, a cache line each: tasks taken, opened and done so far, and whether there will be no more; the
address of the system's function that lets another thread run."""

LEAD = 0
"""The number of the thread that leads."""

LOOKS = 2000
"""Times that a waiting thread looks before it lets others have its core, about 50 microseconds."""

PATIENCE = 200_000
"""Times that a thread finds nothing to do, before it goes home: some seconds."""


def team_board() -> Array:
    """An empty board; int64."""
    board = np.zeros(40, np.int64)
    board[YIELD] = _let_run()
    return board


@lru_cache(maxsize=1)
def _let_run() -> int:
    """The address of the system's function that lets another thread run."""
    library = ctypes.WinDLL("kernel32") if os.name == "nt" else ctypes.CDLL(None)  # type: ignore[attr-defined,unused-ignore]
    function = library.SwitchToThread if os.name == "nt" else library.sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _place(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The address of board[place], from the arguments of an intrinsic."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


@intrinsic
def _load(typingctx: Any, board: Any, place: Any) -> Any:
    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, args), "acquire", 8)

    return types.int64(board, types.intp), say


@intrinsic
def _add(typingctx: Any, board: Any, place: Any, value: Any) -> Any:
    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _place(context, builder, signature, args), args[2], "seq_cst")

    return types.int64(board, types.intp, types.int64), say


@intrinsic
def _replace(typingctx: Any, board: Any, place: Any, old: Any, new: Any) -> Any:
    """Whether board[place] was `old`, and is `new` now."""

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        where = _place(context, builder, signature, args)
        return builder.extract_value(builder.cmpxchg(where, args[2], args[3], "seq_cst", "acquire"), 1)

    return types.boolean(board, types.intp, types.int64, types.int64), say


@intrinsic
def _let_others_run(typingctx: Any, board: Any) -> Any:
    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index = context.get_constant(types.intp, YIELD)
        address = builder.load(_place(context, builder, signature, [args[0], index]))
        function = builder.inttoptr(address, ir.FunctionType(ir.IntType(32), []).as_pointer())
        builder.call(function, [])
        return context.get_dummy_value()

    return types.none(board), say


@loop
def rest(board: Any, looks: Any) -> None:
    """Between two looks; looks: how often there was nothing so far."""
    if looks > LOOKS:
        _let_others_run(board)


@loop
def opened(board: Any) -> Any:
    """The number of the next task that is opened."""
    return _load(board, OPEN)


@loop
def open_tasks(board: Any, count: Any) -> None:
    """So many more tasks. What they are must have been said before."""
    _add(board, OPEN, count)


@loop
def take(board: Any) -> Any:
    """The number of a task that nobody else has, or -1: there is none just now."""
    while True:
        number = _load(board, TAKEN)
        if number >= _load(board, OPEN):
            return -1
        if _replace(board, TAKEN, number, number + 1):
            return number


@loop
def finish(board: Any) -> None:
    """A task is done."""
    _add(board, DONE, 1)


@loop
def all_done(board: Any) -> Any:
    """Whether what is open is done; for the leader."""
    return _load(board, DONE) == _load(board, OPEN)


@loop
def dismiss(board: Any) -> None:
    """No more tasks."""
    _add(board, OVER, 1)


@loop
def is_over(board: Any, looks: Any) -> Any:
    """Whether a thread that found nothing so many times in turn goes home."""
    return _load(board, OVER) > 0 or looks > PATIENCE
