"""A sweep in blocks that fit the memory, here or on an executor's workers, with a journal if one is wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from joblib import Parallel, cpu_count, delayed, effective_n_jobs
from joblib.parallel import BACKENDS, get_active_backend
from threadpoolctl import ThreadpoolController

from regnet.display.progress import progress_bar
from regnet.display.warning import warn
from regnet.sweep.blocks import blocks_of
from regnet.sweep.halving import BlockTrainer
from regnet.sweep.journal import Journal
from regnet.sweep.processes import LostWorkerError, map_unordered
from regnet.sweep.spec import Cell, Lane, Outcome, SweepSpec

__all__ = ["run_sweep"]

RETRIES = 10
"""How often a block whose worker was lost is sent again."""


LOST = ("KilledWorker", "CommClosedError", "FutureCancelledError", "CancelledError")
"""Dask's errors, by name, for a task that died with its worker."""


class _Trained(NamedTuple):
    """What a block comes to on a worker: its outcomes, why records of them could not be put, and warnings."""

    outcomes: list[Outcome]
    failure: str | None
    warnings: list[str]


def run_sweep(
    spec: SweepSpec,
    each: Callable[[Outcome], None],
    *,
    memory_limit: int | None = None,
    executor: Executor | None = None,
    n_jobs: int | None = None,
    sweep_dir: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> None:
    """Train every cell of `spec` and hand its outcome to `each`, in any order, once.

    memory_limit: bytes for a block (default: half of what is free where it is computed); executor: where blocks run;
    n_jobs: how many processes of this machine run them, as joblib counts; without either, all of them here; sweep_dir:
    the journal's folder, which workers must see too. None of them changes a number.
    """
    journal = None if sweep_dir is None else Journal(sweep_dir, spec)
    lanes = spec.lanes()
    total = sum(len(lane.strengths) for lane in lanes)
    done = 0
    title = f"{spec.name.partition('-')[0]}: networks"
    outcomes = _outcomes(spec, lanes, journal, memory_limit, executor, n_jobs, sweep_dir)
    with progress_bar(total, title, enabled=progress) as bar, closing(outcomes):
        for outcome in outcomes:
            each(outcome)
            done += 1
            bar.update(done, f"strength {spec.lambdas[outcome.cell.strength]:.3g}")
    if journal is not None:
        journal.report()


def _outcomes(
    spec: SweepSpec,
    lanes: Sequence[Lane],
    journal: Journal | None,
    memory_limit: int | None,
    executor: Executor | None,
    n_jobs: int | None,
    sweep_dir: str | os.PathLike[str] | None,
) -> Generator[Outcome, None, None]:
    if journal is not None:  # lanes that are over need no training
        open_lanes = []
        for lane in lanes:
            known = [journal.get(Cell(strength, lane.fold, lane.restart)) for strength in lane.strengths]
            if any(one is None for one in known):
                open_lanes.append(lane)
            else:
                yield from (one for one in known if one is not None)
        lanes = open_lanes
        journal.report()
    workers = effective_n_jobs(n_jobs) if executor is None else _workers(executor)
    blocks = blocks_of(spec, lanes, memory_limit, workers)
    if executor is None and workers == 1:
        trainer = BlockTrainer(spec, journal, warn)
        for block in blocks:
            yield from trainer.train(block)
        return
    if executor is not None:
        found = _train_elsewhere(spec, blocks, executor, sweep_dir)
    elif _asks_for_other_workers():
        found = _train_by_joblib(spec, blocks, workers, sweep_dir)
    else:
        found = _train_in_processes(spec, blocks, workers, sweep_dir)
    warned = False
    with closing(found) as trained:
        for outcomes, failure, warnings in trained:
            if journal is not None:
                journal.failure = failure or journal.failure
            if warnings and not warned:  # other workers have the same to say
                warn(warnings[0])
                warned = True
            yield from outcomes


def _block_task(
    spec: SweepSpec, lanes: list[Lane], sweep_dir: str | os.PathLike[str] | None, caller: int, workers: int
) -> _Trained:
    """A block on a worker. caller: the process that asked; other processes share the processors with one another."""
    journal = None if sweep_dir is None else Journal(sweep_dir, spec)
    warnings: list[str] = []
    with nullcontext() if os.getpid() == caller else _share_of_threads(workers):
        outcomes = list(BlockTrainer(spec, journal, warnings.append).train(lanes))
    return _Trained(outcomes, None if journal is None else journal.failure, warnings)


@contextmanager
def _share_of_threads(workers: int) -> Iterator[None]:
    """No more BLAS threads than a worker's share of the processors, nor than it has been given."""
    blas = ThreadpoolController().select(user_api="blas")
    given = [one["num_threads"] for one in blas.info()]
    with blas.limit(limits=min([max(1, cpu_count() // workers), *given])):
        yield


def _workers(executor: Executor) -> int:
    """How many tasks an executor runs at once, if it tells."""
    known = getattr(executor, "_max_workers", None)
    client = getattr(executor, "_client", None)
    if known is None and client is not None:
        known = len(client.scheduler_info().get("workers", ())) or None
    return int(known or 4)


def _train_elsewhere(
    spec: SweepSpec, blocks: list[list[Lane]], executor: Executor, sweep_dir: str | os.PathLike[str] | None
) -> Generator[_Trained, None, None]:
    """Blocks on an executor; one whose worker was lost is sent again, and goes on from its journal if it has one."""
    workers = _workers(executor)

    def submit(block: list[Lane]) -> Any:
        return executor.submit(_block_task, spec, block, sweep_dir, os.getpid(), workers)

    waiting = {submit(block): (block, 0) for block in blocks}
    try:
        yield from _as_they_come(waiting, submit, sweep_dir)
    finally:
        for future in waiting:
            future.cancel()


def _train_in_processes(
    spec: SweepSpec, blocks: list[list[Lane]], workers: int, sweep_dir: str | os.PathLike[str] | None
) -> Generator[_Trained, None, None]:
    """Blocks on processes of this one, which end with it."""
    folder = None if sweep_dir is None else Path(sweep_dir).absolute()  # they began where this process was then
    task = partial(_block_task, spec, sweep_dir=folder, caller=os.getpid(), workers=workers)
    try:
        yield from map_unordered(task, blocks, workers)
    except LostWorkerError as error:
        memory = " A system does so when memory runs out: ask for fewer n_jobs, or give a smaller memory_limit."
        raise _lost(sweep_dir, f": {error}.{memory if error.killed else ''}") from error


def _train_by_joblib(
    spec: SweepSpec, blocks: list[list[Lane]], workers: int, sweep_dir: str | os.PathLike[str] | None
) -> Generator[_Trained, None, None]:
    """Blocks on what `joblib.parallel_config` names: threads, or another library's workers."""
    tasks = [delayed(_block_task)(spec, block, sweep_dir, os.getpid(), workers) for block in blocks]
    try:
        yield from Parallel(n_jobs=workers, return_as="generator_unordered")(tasks)
    except BrokenExecutor as error:
        raise _lost(sweep_dir) from error


def _asks_for_other_workers() -> bool:
    """Whether joblib's backend is another one than its processes, whose place our own take."""
    return not isinstance(get_active_backend()[0], BACKENDS.get("loky", ()))


def _lost(sweep_dir: str | os.PathLike[str] | None, how: str = ".") -> BrokenExecutor:
    remedy = "Give sweep_dir=..., and the next one goes on where it stopped."
    if sweep_dir is not None:
        remedy = f"Run it again with sweep_dir={str(sweep_dir)!r}: it goes on from there."
    return BrokenExecutor(f"A worker process was lost, and the sweep with it{how} {remedy}")


def _as_they_come(
    waiting: dict[Any, tuple[list[Lane], int]],
    submit: Callable[[list[Lane]], Any],
    sweep_dir: str | os.PathLike[str] | None,
) -> Iterator[_Trained]:
    while waiting:
        future = next(as_completed(list(waiting)))
        block, tries = waiting.pop(future)
        try:
            trained = future.result()
        except BrokenExecutor as error:
            raise _lost(sweep_dir) from error
        except Exception as error:
            if type(error).__name__ not in LOST or tries >= RETRIES:
                raise
            waiting[submit(block)] = (block, tries + 1)
        else:
            yield trained
