"""What the README shows runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run, write_csv
from conftest import need

README = re.findall(r"```(\w+)\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
PYTHON = [code for kind, code in README if kind == "python"]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_a_python_block_of_the_readme_runs(number, tmp_path, monkeypatch):
    code = PYTHON[number]
    if "from distributed import" in code:
        need("distributed")
    monkeypatch.chdir(tmp_path)
    if "__main__" not in code:
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
        return
    (tmp_path / "example.py").write_text(code)  # it starts processes, which read the file again
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_commands_of_the_readme_run(tmp_path):
    """Every command of a console block, with two epochs where it trains."""
    assert {kind for kind, _ in README} <= {"python", "console", "toml"}
    write_csv(tmp_path / "table.csv")
    ran = 0
    for kind, code in README:
        if kind == "console":
            for line in code.splitlines():
                if line.startswith("$ regnet "):
                    words = shlex.split(line.removeprefix("$ regnet ").split("  #")[0])
                    extra = ["--epochs", "2"] if words[0] in ("fit", "select") and "--epochs" not in words else []
                    done = run(*words, *extra, cwd=tmp_path)
                    assert done.returncode == 0, (line, done.stderr)
                    ran += 1
    assert ran
