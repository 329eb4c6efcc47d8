"""What the README and the pages of docs/ show runs, and what they link to is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import typed, write_csv
from conftest import need

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
BLOCKS = {page: re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL) for page, text in PAGES.items()}
LONG = ("MLPRegressorCV(random_state=0)", "from distributed import", '("tanh", Huber')
"""What marks a block as searches of networks that take many seconds: 50 strengths in five folds, twice; three tanh."""


def python_blocks():
    return [
        pytest.param(
            code, id=f"{page}-{number}", marks=[pytest.mark.slow] if any(mark in code for mark in LONG) else []
        )
        for page, blocks in BLOCKS.items()
        for number, code in enumerate(code for kind, code in blocks if kind == "python")
    ]


@pytest.mark.parametrize("code", python_blocks())
def test_a_python_block_of_a_page_runs(code, tmp_path, monkeypatch):
    if "from distributed import" in code:
        need("distributed")
    if "as_frame=True" in code or "import pandas" in code:
        need("pandas")
    if "skl2onnx" in code:
        need("skl2onnx")
        need("onnxruntime")
    monkeypatch.chdir(tmp_path)
    if "__main__" not in code:
        exec(compile(code, "a page", "exec"), {"__name__": "page"})
        return
    (tmp_path / "example.py").write_text(code)  # it starts processes, which read the file again
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 150, "move it into a page of docs/guide"


@pytest.mark.filterwarnings("ignore")  # of few epochs
def test_the_commands_of_the_pages_run(tmp_path, monkeypatch):
    """Every command of a console block, in this process, since it is many.

    With two epochs where it trains, and six strengths where it selects.
    """
    blocks = [block for own in BLOCKS.values() for block in own]
    assert {kind for kind, _ in blocks} <= {"python", "console", "toml"}
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "table.csv")
    write_csv(tmp_path / "new.csv")
    ran = 0
    for kind, code in blocks:
        if kind == "console":
            for line in code.splitlines():
                if line.startswith("$ regnet "):
                    words = shlex.split(line.removeprefix("$ regnet ").split("  #")[0])
                    # The last one given counts; standard output has no descriptor here.
                    more = {"predict": ["--output", "predicted.csv"], "show": [], "backends": []}
                    more["study"] = ["--epochs", "2", "--seeds", "2"]
                    more["select"] = ["--epochs", "2", "--n-lambdas", "6"]
                    typed(*words, *more.get(words[0], ["--epochs", "2"]))
                    ran += 1
    assert ran


def anchors(text):
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_generated(page):
    """Whether Sphinx makes it: of the gallery, from an example that is there."""
    parts = page.resolve().relative_to(ROOT / "docs").parts
    example = ROOT / "docs" / "examples" / Path(*parts[1:]).with_suffix(".py")
    return parts[0] == "gallery" and (example.exists() or parts[1:] == ("index.rst",))


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_project_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://")):
            path, _, anchor = target.partition("#")
            found = (ROOT / page).parent / path if path else ROOT / page
            assert found.exists() or is_generated(found), target
            assert not anchor or anchor in anchors(found.read_text()), target
    for name in re.findall(r"`((?:docs|benchmarks|tests|regnet|backends)/[\w/]+\.\w+)`", text):
        assert (ROOT / name).exists(), name
