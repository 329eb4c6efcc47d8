"""Worker processes: what comes back from them, and when they end."""

from __future__ import annotations

import os
import time
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from regnet.sweep import processes
from regnet.sweep.engine import _share_of_threads
from regnet.sweep.processes import map_unordered


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def one_pid():
    """Of the worker that a map asks next; local functions go to it by value, and import nothing of the tests."""

    def pid(_):
        import os

        return os.getpid()

    (found,) = map_unordered(pid, [0], 1)
    return found


def test_results_of_all_arguments_come_once():
    assert sorted(map_unordered(int, ["3", "1", "2", "0"], 2)) == [0, 1, 2, 3]
    assert list(map_unordered(int, [], 2)) == []


def test_arrays_are_handed_over_whatever_their_kind():
    """Each process has its own, as far as it writes to them."""
    rng = np.random.default_rng(0)
    arrays = [
        rng.normal(size=(300, 500)), np.asfortranarray(rng.normal(size=(7, 5))), np.zeros((0, 3)), np.arange(9)[::2],
        rng.random(3) < 0.5, np.asarray(["a", None], dtype=object), np.asarray(2.0, dtype=np.float32),
    ]  # fmt: skip

    def changed(arrays, factor):
        arrays[0] *= factor
        return arrays, [one.flags.writeable for one in arrays]

    before = arrays[0].copy()
    found, writeable = next(map_unordered(partial(changed, arrays), [3.0], 2))
    assert np.array_equal(arrays[0], before)
    assert np.array_equal(found[0], 3 * before)
    for one, other in zip(found[1:], arrays[1:], strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert all(writeable)


def test_errors_come_back_with_their_place():
    def fails(number):
        class OnlyHereError(Exception):
            def __init__(self, one, other):
                super().__init__("text")

        if number == 1:
            raise OnlyHereError(1, 2)
        raise {2: SystemExit(3), 3: KeyboardInterrupt(), 4: ValueError(lambda: None)}[number]

    with pytest.raises(ValueError, match="invalid literal") as raised:
        list(map_unordered(int, ["1", "x"], 1))
    assert "In a worker process:\nTraceback" in raised.value.__notes__[0]
    with pytest.raises(RuntimeError, match="OnlyHereError: text"):  # it cannot be made again
        list(map_unordered(fails, [1], 1))
    for number, kind in ((2, SystemExit), (3, KeyboardInterrupt), (4, ValueError)):
        with pytest.raises(kind):
            list(map_unordered(fails, [number], 1))

    class Unreadable:
        def __reduce__(self):
            return int, ("no number",)

    with pytest.raises(ValueError, match="no number"):
        list(map_unordered(partial(print, Unreadable()), [1], 1))


def test_what_is_printed_and_read_there_disturbs_nothing(capfd):
    def talks(_):
        import sys

        print("printed", flush=True)
        return sys.stdin.read()

    assert list(map_unordered(talks, [0], 1)) == [""]
    out, err = capfd.readouterr()
    assert out == ""
    assert "printed" in err


def test_a_worker_waits_for_the_next_map_and_then_ends(monkeypatch):
    monkeypatch.setattr(processes, "IDLE", 1000.0)
    first = one_pid()
    assert one_pid() == first
    monkeypatch.setenv("REGNET_OF_A_TEST", "1")
    second = one_pid()
    assert second != first
    assert is_gone(first)
    processes._end_idle(time.monotonic() - 1000)  # it has not waited so long
    assert not is_gone(second)
    processes._end_idle()
    assert is_gone(second)


def test_an_early_end_ends_the_workers():
    def waits(seconds):
        import os
        import time

        time.sleep(seconds)
        return os.getpid()

    found = map_unordered(waits, [0, 1000, 0, 1000], 2)
    pid = next(found)
    assert not is_gone(pid)
    found.close()
    assert is_gone(pid)
    with pytest.raises(ValueError, match="non-negative"):
        list(map_unordered(waits, [1000, -1], 2))


def test_threads_are_a_share_and_no_more_than_were_given():
    def most():
        return max([one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"], default=1)

    with _share_of_threads(10**6):
        assert most() == 1
    with threadpool_limits(1), _share_of_threads(1):
        assert most() == 1
