"""The project's own files agree with one another: what is said twice is said alike."""

import re
import tomllib
from pathlib import Path

import regnet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_workflow_tests_every_python_that_the_package_names():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    (matrix,) = re.findall(r"^ +python: \[(.*)\]$", workflow, re.MULTILINE)
    tested = re.findall(r'"(3\.\d+)"', matrix)
    named = [re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", one) for one in PROJECT["classifiers"]]
    assert tested == [match[1] for match in named if match]
    assert PROJECT["requires-python"] == f">={tested[0]}"


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {regnet.__version__}\n" in citation
    assert f"license: {PROJECT['license']}\n" in citation
    assert f"repository-code: {PROJECT['urls']['Source']}\n" in citation
    assert f"abstract: {PROJECT['description']}.\n" in citation


def test_the_hooks_are_targets_of_the_makefile():
    hooks = re.findall(r"entry: make --silent (\w+)", (ROOT / ".pre-commit-config.yaml").read_text())
    (checks,) = re.findall(r"^test: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert hooks
    assert set(hooks) <= set(checks.split())
