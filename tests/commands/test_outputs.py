"""What the commands write replaces nothing that is read, is there before anything is printed, and is whole."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from command_line import called, typed
from conftest import need
from text_files import KINDS, table, write

from regnet.networks.whole_files import whole_text, write_whole

QUICK = ("--hidden", "2", "--epochs", 1)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "t.csv", table(y=KINDS))
    typed("fit", tmp_path / "t.csv", *QUICK, "--save", tmp_path / "m.st")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("fit t.csv --save t.csv", r"--save 't.csv' would replace DATA"),
        ("fit t.csv --json ./t.csv", r"--json '(./)?t.csv' would replace DATA"),
        ("fit t.csv --save a.st --json a.st", r"--json 'a.st' would replace what --save writes"),
        ("select t.csv --save link.csv", r"--save 'link.csv' would replace DATA"),
        ("select t.csv --groups g.csv --json g.csv", r"--json 'g.csv' would replace --groups"),
        ("predict m.st t.csv --output t.csv", r"--output 't.csv' would replace DATA"),
        ("predict m.st t.csv --output hard.st", r"--output 'hard.st' would replace MODEL"),
        ("fit t.csv --save nowhere/m.st", r"--save .* there is no folder 'nowhere'"),
    ],
)
def test_what_is_read_is_not_replaced(words, message, folder, monkeypatch):
    monkeypatch.chdir(folder)
    Path("link.csv").symlink_to("t.csv")
    Path("hard.st").hardlink_to("m.st")
    Path("g.csv").write_text("a,g\nb,g\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match=message):
        typed(*words.split())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_report_replaces_no_table(folder, monkeypatch):
    need("matplotlib")
    monkeypatch.chdir(folder)
    Path("report").mkdir()
    shutil.copy("t.csv", "report/selection.json")
    Path("data.csv").symlink_to("report/selection.json")
    with pytest.raises(ValueError, match=r"--report's selection.json .* would replace DATA"):
        typed("select", "data.csv", "--report", "report")


def test_a_terminal_that_is_gone_loses_no_result(folder):
    """The table of strengths was printed first, and an ASCII terminal has no ±: nothing was saved."""
    words = ["select", "t.csv", "--hidden", "", "--n-lambdas", 3, "--save", "s.st", "--json", "s.json"]
    called(*words, cwd=folder, PYTHONIOENCODING="ascii:strict")
    assert {"s.st", "s.json"} <= {path.name for path in folder.iterdir()}


def test_a_file_keeps_its_mode_and_a_link_its_place(tmp_path):
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to("a")
    write_whole(link, b"new")
    assert (link.is_symlink(), path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (True, b"new", 0o640)

    def fails():
        with whole_text(link) as file:
            file.write("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert path.read_bytes() == b"new"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "link"]


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes by name there")
def test_a_pipe_is_written_to(tmp_path):
    """It was replaced by a file, and its reader waited for ever."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(tmp_path / "pipe", b"all of it")
        assert os.read(reader, 100) == b"all of it"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    write_whole(Path(os.devnull), b"nothing")
