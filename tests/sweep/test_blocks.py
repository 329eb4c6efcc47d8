"""Memory, threads and executors: how a sweep is cut changes no bit."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from joblib import Parallel, parallel_config
from sweeps import FRIEDMAN, IRIS, cold, same, small
from threadpoolctl import threadpool_limits

from regnet.sweep.processes import map_unordered


@pytest.mark.parametrize("make", [small, cold])
def test_blocks_change_nothing(make, fast):
    data = FRIEDMAN if make is small else IRIS
    whole = make().fit(*data)
    same(whole, make(memory_limit=1).fit(*data))
    same(whole, make(memory_limit=60_000).fit(*data))


def test_tables_of_few_epochs_change_nothing(fast, monkeypatch):
    """Batches are drawn for some epochs at once, as many as memory allows."""
    whole = cold(max_iter=7).fit(*IRIS)
    for elements in (1, 700):
        monkeypatch.setattr("regnet.sweep.stack.TABLE_ELEMENTS", elements)
        same(whole, cold(max_iter=7).fit(*IRIS))
        same(whole, cold(max_iter=7, memory_limit=1).fit(*IRIS))


def test_one_thread_changes_nothing(fast, two_threads):
    whole = cold().fit(*IRIS)
    with threadpool_limits(1):
        same(whole, cold().fit(*IRIS))


@pytest.mark.parametrize("make", [small, cold])
def test_threads_of_an_executor_change_nothing(make, tmp_path):
    data = FRIEDMAN if make is small else IRIS
    whole = make().fit(*data)
    with ThreadPoolExecutor(2) as pool:
        same(whole, make(executor=pool, sweep_dir=tmp_path).fit(*data))


@pytest.mark.parametrize("make", [small, pytest.param(cold, marks=pytest.mark.slow)])
def test_processes_change_nothing(make, tmp_path):
    """One, which takes seconds to begin, with several blocks; there are two below."""
    data = FRIEDMAN if make is small else IRIS
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        same(make().fit(*data), make(executor=pool, sweep_dir=tmp_path, memory_limit=60_000).fit(*data))


def test_n_jobs_are_processes_and_change_nothing(monkeypatch):
    asked = []

    def spy(function, arguments, n_workers):
        asked.append(n_workers)
        return map_unordered(function, arguments, n_workers)

    whole = small().fit(*FRIEDMAN)
    monkeypatch.setattr("regnet.sweep.engine.map_unordered", spy)
    same(whole, small(n_jobs=2).fit(*FRIEDMAN))
    assert asked == [2, 2]  # the first path and the second


def test_joblib_may_name_other_workers(monkeypatch, tmp_path):
    asked = []

    class Spy(Parallel):
        def __init__(self, **given):
            asked.append(given["n_jobs"])
            super().__init__(**given)

    whole = small().fit(*FRIEDMAN)
    monkeypatch.setattr("regnet.sweep.engine.Parallel", Spy)
    with parallel_config("threading", n_jobs=3):
        same(whole, small().fit(*FRIEDMAN))
        same(whole, small(n_jobs=2, sweep_dir=tmp_path).fit(*FRIEDMAN))
    assert asked == [3, 3, 2, 2]


def test_one_way_to_say_where_networks_are_trained():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="give one of them"):
        small(executor=pool, n_jobs=2).fit(*FRIEDMAN)


def test_a_failure_ends_what_has_not_begun(tmp_path):
    def fails(*_):
        raise RuntimeError("scorer")

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="scorer"):
        small(executor=pool, sweep_dir=tmp_path, scoring=fails, memory_limit=1, cv=10).fit(*FRIEDMAN)
    assert len(list(tmp_path.glob("*/*.safetensors"))) < 6 * 11
