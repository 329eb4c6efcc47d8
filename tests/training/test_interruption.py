"""Signals are noted where they are caught, and do what they did before everywhere else."""

import signal
import subprocess
import sys
import threading

import pytest

from regnet.training.interruption import Interrupted, catch_signals, requested, stop_if_requested

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@pytest.fixture(autouse=True)
def python_s_own_handlers():
    """A shell's background jobs ignore SIGINT, and so would a test run in one."""
    before = [signal.signal(one, signal.SIG_DFL) for one in SIGNALS]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_asked_for(number):
    with catch_signals(*SIGNALS):
        assert requested() is None
        stop_if_requested()
        signal.raise_signal(number)
        assert requested() == number
        with pytest.raises(Interrupted, match=number.name) as caught:
            stop_if_requested()
        assert caught.value.number == number
        assert isinstance(caught.value, KeyboardInterrupt)
    assert requested() is None
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_of_the_kind_acts_at_once():
    seen = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    with catch_signals(*SIGNALS):
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGINT)
        assert seen == []
        signal.raise_signal(signal.SIGUSR1)
        assert seen == [signal.SIGUSR1]
        with pytest.raises(Interrupted, match="SIGINT"):
            signal.raise_signal(signal.SIGINT)
        assert requested() == signal.SIGUSR1  # the first of all


def test_a_second_one_that_kills_does_so():
    code = (
        "import signal\nfrom regnet.training.interruption import catch_signals\n"
        "with catch_signals(signal.SIGTERM):\n    signal.raise_signal(15)\n    print('alive', flush=True)\n"
        "    signal.raise_signal(15)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "alive\n"
    assert done.returncode == -15


def test_nested_contexts_are_one():
    with catch_signals(signal.SIGTERM):
        with catch_signals(signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
        assert requested() == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # no longer caught
    assert requested() is None


def test_ignored_signals_stay_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with catch_signals(signal.SIGINT):
        signal.raise_signal(signal.SIGINT)
        assert requested() is None
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_catch_nothing_and_see_what_was_noted():
    seen = []

    def work():
        with catch_signals(signal.SIGUSR1):
            seen.append((signal.getsignal(signal.SIGUSR1), requested()))

    with catch_signals(signal.SIGTERM):
        signal.raise_signal(signal.SIGTERM)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [(signal.SIG_DFL, signal.SIGTERM)]


def test_handlers_come_back_after_an_error():
    with pytest.raises(ZeroDivisionError), catch_signals(signal.SIGTERM):
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
