"""What the README shows runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import typed, write_csv
from conftest import need

README = re.findall(r"```(\w+)\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
LONG = ("MLPRegressorCV(random_state=0)", "from distributed import")
"""What marks a block as a search with its default of 50 strengths in five folds, twice, on networks of 64 neurons."""


def python_blocks():
    codes = [code for kind, code in README if kind == "python"]
    return [
        pytest.param(code, id=str(number), marks=[pytest.mark.slow] if any(mark in code for mark in LONG) else [])
        for number, code in enumerate(codes)
    ]


@pytest.mark.parametrize("code", python_blocks())
def test_a_python_block_of_the_readme_runs(code, tmp_path, monkeypatch):
    if "from distributed import" in code:
        need("distributed")
    if "as_frame=True" in code or "import pandas" in code:
        need("pandas")
    if "skl2onnx" in code:
        need("skl2onnx")
        need("onnxruntime")
    monkeypatch.chdir(tmp_path)
    if "__main__" not in code:
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
        return
    (tmp_path / "example.py").write_text(code)  # it starts processes, which read the file again
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore")  # of few epochs
def test_the_commands_of_the_readme_run(tmp_path, monkeypatch):
    """Every command of a console block, in this process, since it is many.

    With two epochs where it trains, and six strengths where it selects.
    """
    assert {kind for kind, _ in README} <= {"python", "console", "toml"}
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "table.csv")
    ran = 0
    for kind, code in README:
        if kind == "console":
            for line in code.splitlines():
                if line.startswith("$ regnet "):
                    words = shlex.split(line.removeprefix("$ regnet ").split("  #")[0])
                    # The last one given counts; standard output has no descriptor here.
                    more = {"predict": ["--output", "predicted.csv"], "backends": []}
                    more["select"] = ["--epochs", "2", "--n-lambdas", "6"]
                    typed(*words, *more.get(words[0], ["--epochs", "2"]))
                    ran += 1
    assert ran
