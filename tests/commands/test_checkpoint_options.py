"""`regnet fit --checkpoint`: what a command that was ended says, how it goes on, and what it refuses."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
from pathlib import Path
from unittest import mock

import pytest
from command_line import called, run, write_csv
from interrupted import stopped_after
from signalled import heeding_interrupts

from regnet.commands.fit_report import Lines
from regnet.display.begun import is_command
from regnet.training.checkpoint import Checkpoint

WORDS = ("fit", "t.csv", "--hidden", "3", "--epochs", "4", "--dropout", "0.2", "--batch-size", "20")
KEPT = (*WORDS, "--checkpoint", "run.ckpt")


@pytest.fixture
def folder(tmp_path):
    write_csv(tmp_path / "t.csv")
    return tmp_path


@pytest.fixture
def stopped(folder):
    """A folder with a checkpoint of a training that was ended, whose bytes come with it."""
    with stopped_after(3):
        done = called(*KEPT, cwd=folder)
    assert done.returncode == 128 + signal.SIGUSR1, done.stderr
    return folder, (folder / "run.ckpt").read_bytes()


def refused(folder, *words):
    done = called(*words, cwd=folder)
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def sending(*numbers, at=1):
    """Signals come while record number `at` is printed."""
    left, record = [at], Lines.record

    def print_and_send(self, *given):
        record(self, *given)
        left[0] -= 1
        if left[0] == 0:
            for number in numbers:
                signal.raise_signal(number)

    return mock.patch.object(Lines, "record", print_and_send)


def figures(folder):
    return json.loads((folder / "figures.json").read_text()) | {"seconds": None}


def test_the_line_says_the_command_that_goes_on_with_the_same_figures(folder):
    whole = called(*WORDS, "--json", "figures.json", cwd=folder)
    expected = figures(folder)
    words, ends = (*KEPT, "--json", "figures.json"), 0
    done = whole
    while True:
        with stopped_after(2):
            done = called(*words, cwd=folder)
        if done.returncode == 0:
            break
        assert done.returncode == 128 + signal.SIGUSR1, done.stderr
        assert done.stderr.startswith("regnet: ended by SIGUSR1; to go on: regnet fit t.csv ")
        words = shlex.split(done.stderr.rpartition("to go on: ")[2])[1:]
        assert words.count("--resume") == 1
        ends += 1
    assert ends > 3
    assert figures(folder) == expected


def test_what_has_ended_well_is_there_at_once(folder):
    first = called(*KEPT, "--json", "figures.json", cwd=folder)
    expected = figures(folder)
    again = called(*KEPT, "--resume", "--json", "figures.json", cwd=folder)
    assert (first.returncode, again.returncode) == (0, 0), again.stderr
    assert figures(folder) == expected


def test_more_epochs_may_be_asked_for(stopped):
    folder, _ = stopped
    done = called(*KEPT, "--resume", "--epochs", 6, "--json", "figures.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = figures(folder)
    called(*WORDS, "--epochs", 6, "--json", "figures.json", cwd=folder)
    assert found == figures(folder)


@pytest.mark.parametrize("option", [("--resume",), ("--checkpoint-every", 2)])
def test_options_of_a_checkpoint_need_one(folder, option):
    assert f"{option[0]} is of a checkpoint: add --checkpoint PATH." in refused(folder, *WORDS, *option)


def test_a_file_is_gone_on_from_only_if_asked(stopped):
    folder, before = stopped
    assert "exists: add --resume to go on from it, or delete it." in refused(folder, *KEPT)
    assert (folder / "run.ckpt").read_bytes() == before


def test_no_file_to_go_on_from_is_said(folder):
    done = called(*KEPT, "--resume", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("note: there is no 'run.ckpt' to go on from: the training begins\n")
    assert (folder / "run.ckpt").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--seed", 1), "first weights"),
        (("--hidden", "4"), "network"),
        (("--weight-l1", "0.5"), "penalties"),
        (("--learning-rate", "0.5"), "optimizer"),
        (("--log-every", 2), "log_every (was 1, and is 2)"),
        (("--patience", 3), "early_stopping"),
    ],
)
def test_another_training_is_refused_by_name(stopped, option, said):
    folder, before = stopped
    told = refused(folder, *KEPT, "--resume", *option)
    assert "'run.ckpt' is of another training; these differ:" in told
    assert said in told
    assert (folder / "run.ckpt").read_bytes() == before


def test_another_table_is_refused(stopped):
    folder, before = stopped
    write_csv(folder / "t.csv", rows=61)
    assert "is of another training; these differ: x, y" in refused(folder, *KEPT, "--resume")
    assert (folder / "run.ckpt").read_bytes() == before


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: b"", lambda whole: b"text" * 99])
def test_a_damaged_file_is_refused_and_stays(stopped, damage):
    folder, whole = stopped
    (folder / "run.ckpt").write_bytes(damage(whole))
    told = refused(folder, *KEPT, "--resume")
    assert "cannot be gone on from" in told
    assert "Delete it, or give another file." in told
    assert (folder / "run.ckpt").read_bytes() == damage(whole)


def test_a_model_is_no_checkpoint(folder):
    called(*WORDS, "--save", "run.ckpt", cwd=folder)
    before = (folder / "run.ckpt").read_bytes()
    assert "it holds something else, such as a model" in refused(folder, *KEPT, "--resume")
    assert (folder / "run.ckpt").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--checkpoint", "t.csv"), "--checkpoint 't.csv' would replace DATA"),
        (("--checkpoint", "m.st", "--save", "m.st"), "would replace what --"),
        (("--checkpoint", "nowhere/run.ckpt"), "there is no folder 'nowhere'"),
        (("--signal", "FOO"), "--signal 'FOO' is no signal that can be caught: give a name such as USR1."),
        (("--signal", "kill"), "no signal that can be caught"),
    ],
)
def test_what_cannot_be(folder, option, said):
    assert said in refused(folder, *WORDS, *option)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_after_its_step_with_a_checkpoint(folder, number):
    before = signal.getsignal(number)
    with heeding_interrupts(), sending(number, at=3):
        done = called(*KEPT, cwd=folder)
    assert done.returncode == 128 + number
    assert done.stderr.startswith(f"regnet: ended by {number.name}; to go on: regnet fit t.csv")
    assert done.stdout.count("\nepoch ") == 3  # of 0, 1 and 2
    assert called(*KEPT, "--resume", cwd=folder).returncode == 0
    assert signal.getsignal(number) is before


def test_without_a_checkpoint_it_says_what_keeps_one(folder):
    with sending(signal.SIGTERM):
        done = called(*WORDS, "--save", "m.st", cwd=folder)
    assert done.returncode == 143
    assert done.stderr == (
        "regnet: ended by SIGTERM; nothing was saved: --checkpoint PATH keeps what has been trained\n"
    )
    assert not (folder / "m.st").exists()


@pytest.mark.parametrize("name", ["USR1", "sigusr1"])
def test_a_signal_of_ones_own(folder, name):
    with sending(signal.SIGUSR1, at=2):
        done = called(*KEPT, "--signal", name, cwd=folder)
    assert done.returncode == 128 + signal.SIGUSR1
    assert f"--signal {name} --resume" in done.stderr
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_second_signal_ends_at_once(folder):
    with sending(signal.SIGTERM, signal.SIGTERM):
        done = called(*KEPT, cwd=folder)
    assert done.returncode == 143
    assert done.stderr == "regnet: ended by SIGTERM; nothing was saved in 'run.ckpt' yet\n"
    assert not (folder / "run.ckpt").exists()


def test_a_disk_that_is_full_costs_the_checkpoint_alone(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    called(*WORDS, "--json", "figures.json", cwd=folder)
    expected = figures(folder)
    monkeypatch.setattr("regnet.training.checkpoint.write_container", full)
    done = called(*KEPT, "--checkpoint-every", 1, "--json", "figures.json", "--save", "m.st", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.count("Training goes on") == 1
    assert done.stderr.splitlines()[-1].startswith("regnet: error: The checkpoint 'run.ckpt' could not be written (No")
    assert figures(folder) == expected
    assert (folder / "m.st").exists()


def test_epochs_between_writings(folder, monkeypatch):
    epochs, write = [], Checkpoint.write

    def note(self, training, epoch):
        epochs.append(epoch)
        write(self, training, epoch)

    monkeypatch.setattr(Checkpoint, "write", note)
    called(*KEPT, "--epochs", 5, "--checkpoint-every", 2, cwd=folder)
    assert epochs == [2, 4, 5]


def test_the_options_are_told(folder):
    told = called("fit", "--help", cwd=folder).stdout
    for option in ("--checkpoint", "--checkpoint-every", "--resume", "--signal"):
        assert option in told


@pytest.mark.parametrize(
    ("argv", "original", "found"),
    [
        (["/usr/bin/regnet", "fit"], ["python", "/usr/bin/regnet", "fit"], True),
        (["-m", "fit"], ["python", "-m", "regnet", "fit"], True),
        (["-m", "fit"], ["python", "-mregnet", "fit"], True),
        (["-m", "regnet"], ["python", "-m", "pytest", "regnet"], False),
        (["script.py", "regnet"], ["python", "script.py", "regnet"], False),
        (["-c"], ["python", "-c", "import regnet"], False),
        ([], ["python"], False),
    ],
)
def test_a_process_is_the_command_by_its_first_word(argv, original, found):
    assert is_command(argv, original) == found


def test_a_signal_that_comes_when_all_is_written_changes_nothing(folder):
    """Python ends with the handlers of C: this process would be killed by it."""
    (folder / "sitecustomize.py").write_text(
        "import atexit, os, signal\n"
        "atexit.register(lambda: [os.kill(os.getpid(), one) for one in (signal.SIGINT, signal.SIGTERM)])\n"
    )
    done = run(*WORDS, "--save", "m.st", cwd=folder, PYTHONPATH=f"{folder}:{os.environ.get('PYTHONPATH', '')}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert Path(folder / "m.st").exists()
