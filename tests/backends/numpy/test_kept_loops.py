"""Compiled loops are kept in the user's cache folder, and are those of the sources as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import need

from regnet.backend.registry import get_backend
from regnet_numpy.compiled.place import cache_folder


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/regnet"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/regnet"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "home/Library/Caches/regnet"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/regnet/Cache"),
        ("linux", {"NUMBA_CACHE_DIR": "/own"}, "/own"),
    ],
)
def test_a_folder_for_every_system(platform, variables, expected, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert cache_folder() == Path(expected)


def test_a_change_of_any_source_compiles_again(tmp_path, monkeypatch):
    """A loop that is called may be in another file than the one that calls it."""
    numba = need("numba")
    from regnet_numpy.compiled import jit

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def half(values):
        return values[0] / 2

    def hits():
        loop = jit._compiled()(half)
        assert loop(np.ones(1)) == 0.5
        return loop.stats.cache_hits.total()

    assert [hits(), hits()] == [0, 1]
    assert list(tmp_path.rglob("*.nbc"))
    monkeypatch.setattr(jit, "_sources", lambda: "others")
    assert [hits(), hits()] == [0, 1]


def test_without_a_place_to_write_to_loops_are_compiled(tmp_path, monkeypatch):
    numba = need("numba")
    from regnet_numpy.compiled import jit

    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
    assert jit._compiled()(lambda values: values[0] * 2)(np.ones(1)) == 2


FITS = """
import warnings, numpy as np
from regnet import MLPClassifier, MLPRegressor, MLPRegressorCV
warnings.simplefilter("ignore")
rng = np.random.RandomState(1)
X = rng.randn(300, 7).astype("float32")
MLPRegressor(max_iter=2).fit(X, X[:, 0])
MLPRegressor(activation="tanh", loss="huber", max_iter=2).fit(X, X[:, 0])
MLPClassifier(hidden_layer_sizes=(5, 6), input_l1=0.1, max_iter=2).fit(X, X[:, 0] > 0)
MLPRegressorCV(n_lambdas=2, cv=2, max_iter=2).fit(X, X[:, 0])
"""


@pytest.mark.slow
def test_regnet_compile_leaves_a_first_fit_nothing_to_compile(tmp_path):
    need("numba")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    run = {"check": True, "env": environment, "capture_output": True, "text": True}
    command = [sys.executable, "-m", "regnet", "compile", "--dtype", "float32"]
    told = subprocess.run(command, **run).stdout
    made = set(tmp_path.rglob("*.nbc"))
    assert f"{len(made)} loops compiled in " in told
    assert told.rstrip().endswith(str(tmp_path))
    subprocess.run([sys.executable, "-c", FITS], **run)
    assert set(tmp_path.rglob("*.nbc")) == made
    assert "0 loops compiled in " in subprocess.run(command, **run).stdout


def test_the_backend_says_where():
    need("numba")
    assert get_backend("numpy").code_folder() == cache_folder()
