"""The examples of CONTRIBUTING.md run, with the checks that they hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
EXAMPLES = [
    (heading.split()[1], code)
    for heading, _, section in (part.partition("\n") for part in TEXT.split("\n## "))
    for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
]


def test_everything_that_has_a_place_has_an_example():
    places = re.findall(r"^\| (\w+) \| .* \| .* \| .* \|$", TEXT, re.MULTILINE)[1:]
    assert sorted(places) == sorted(name for name, _ in EXAMPLES)


@pytest.mark.parametrize(("name", "code"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_runs(name, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, f"CONTRIBUTING.md, {name}", "exec", dont_inherit=True), {"__name__": "contributing"})
