"""What a terminal is told: no escapes of a table's own, no name lost for want of a character, few names."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import numpy as np
import pytest
from command_line import called, run

from regnet.commands.terminal import plain

EVIL = "a\x1b[31mRED\x1b]0;mine\x07"
CLASSES = ("=1+1\x1b[31m", "é\u202e")

SWEEP = ("select", "t.csv", "--hidden", "2", "--epochs", "3", "--lambdas", "0.01,0.1", "--save", "s.st")
SHOW = ("show", "m.st")


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([EVIL, "b\u202e", "t\x1b[5m"])
        for row in rng.standard_normal((60, 2)):
            writer.writerow([*row, CLASSES[int(row[0] > 0)]])
    assert called("fit", "t.csv", "--hidden", "3", "--epochs", "2", "--save", "m.st", cwd=tmp_path).returncode == 0
    return tmp_path


def controls(text):
    return [one for one in text if one != "\n" and not one.isprintable()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "t.csv", "--hidden", "3", "--epochs", "2", "--input-l1", "0.01"),
        ("select", "t.csv", "--hidden", "2", "--epochs", "3", "--lambdas", "0.01,0.1"),
        ("show", "m.st"),
        ("fit", "t.csv", "--target", "zz"),
        ("fit", "t.csv", "--columns", "zz"),
        ("predict", "m.st", "other.csv"),
        ("fit", "\x1b[31m.csv"),
    ],
)
def test_names_are_shown_as_text(arguments, table):
    (table / "other.csv").write_text("x,y\n1,2\n3,4\n")
    done = called(*arguments, cwd=table)
    assert controls(done.stdout + done.stderr) == []
    assert "\\x1b" in done.stdout + done.stderr


def test_what_is_plain():
    assert plain("a\tb\né, 日本") == "a\tb\né, 日本"
    assert plain("\r\x00\x9b\u2066\u2028\ud800") == "\\r\\x00\\x9b\\u2066\\u2028\\ud800"


def test_files_have_the_classes_as_they_are(table):
    assert called("predict", "m.st", "t.csv", "--output", "p.csv", cwd=table).returncode == 0
    with (table / "p.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert {row[0] for row in rows[1:]} <= set(CLASSES)
    piped = run("predict", "m.st", "t.csv", cwd=table, PYTHONIOENCODING="ascii")
    assert list(csv.reader(piped.stdout.splitlines())) == rows


@pytest.mark.parametrize(
    ("encoding", "command", "told"),
    [("ascii", SWEEP, "chosen by"), ("cp1252", SWEEP, "chosen by"), ("latin-1", SHOW, "by")],
)
def test_a_terminal_without_the_characters_loses_nothing(encoding, command, told, table):
    given = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": "20", "NO_COLOR": "1"}
    called_as = [sys.executable, "-m", "regnet", *command]
    done = subprocess.run(called_as, cwd=table, env=given, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert told in " ".join(done.stdout.decode(encoding).split())
    assert (table / "s.st").exists() == (command == SWEEP)


def test_a_target_that_is_not_there(tmp_path):
    names = [f"column{number}" for number in range(3000)]
    (tmp_path / "w.csv").write_text(",".join(names) + "\n" + "\n".join(",".join(["1"] * 3000) for _ in range(3)) + "\n")
    said = called("fit", "w.csv", "--target", "colunm7", cwd=tmp_path).stderr
    assert "did you mean 'column7'" in said
    assert "3000 columns" in said
    assert len(said) < 300


def test_a_reader_that_is_gone(table):
    """The sweep goes on, and is saved."""
    read, write = os.pipe()
    os.close(read)
    command = [
        sys.executable,
        "-m",
        "regnet",
        "select",
        "t.csv",
        "--hidden",
        "2",
        "--epochs",
        "3",
        "--lambdas",
        "0.1,1",
    ]
    done = subprocess.run([*command, "--save", "s.st"], cwd=table, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (table / "s.st").exists()
