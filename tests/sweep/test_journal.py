"""A sweep's folder: it goes on where it stopped, and is refused by another problem."""

from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import need
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit
from sweeps import FRIEDMAN, HOLD_OUT, IRIS, cold, same, small

from regnet import config_context


@pytest.mark.parametrize("make", [small, cold])
def test_a_sweep_goes_on_where_it_stopped(make, tmp_path, fast):
    data = FRIEDMAN if make is small else IRIS
    whole = make(sweep_dir=tmp_path).fit(*data)
    cells = sorted(tmp_path.glob("*/*.safetensors"))
    written = {cell: cell.stat().st_mtime_ns for cell in cells}
    same(whole, make(sweep_dir=tmp_path).fit(*data))
    assert written == {
        cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("*/*.safetensors")
    }  # nothing was trained again
    for cell in cells[1::3]:
        cell.unlink()
    same(whole, make(sweep_dir=tmp_path).fit(*data))
    assert sorted(tmp_path.glob("*/*.safetensors")) == cells


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"X": FRIEDMAN[0] + 1e-9}, "data or folds"),
        ({"lambdas": (0.01, 0.1)}, "lambdas"),
        ({"max_iter": 31}, "epochs"),
        ({"random_state": 1}, "random_state"),
        ({"companion_l2": 2.0}, "penalty"),
        ({"activation": "tanh"}, "estimator"),
        ({"cv": 4}, "data or folds"),
    ],
)
def test_a_journal_of_another_problem_is_refused(change, named, tmp_path):
    small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    X = change.pop("X", FRIEDMAN[0])
    with pytest.raises(ValueError, match=f"another problem: .*{named}.* differ"):
        small(sweep_dir=tmp_path, **change).fit(X, FRIEDMAN[1])


@pytest.mark.parametrize("cv", [TimeSeriesSplit(3), HOLD_OUT], ids=["time series", "hold-out"])
@pytest.mark.parametrize("warm_start", [True, False])
def test_rows_that_no_fold_trains_on_are_part_of_the_problem(cv, warm_start, tmp_path):
    """A refit has learned from all rows: other ones, or fewer, are another problem, and so are their weights."""
    X, y = FRIEDMAN
    weight, other = np.ones(150), np.ones(150)
    other[-1] = 2.0
    small(cv=cv, warm_start=warm_start, sweep_dir=tmp_path).fit(X, y, sample_weight=weight)
    last = np.r_[np.ones(130), -np.ones(20)]
    for change in ((X, y * last, weight), (X * last[:, None], y, weight), (X, y, other), (X[:-3], y[:-3], weight[:-3])):
        with pytest.raises(ValueError, match="another problem: data or folds"):
            small(cv=cv, warm_start=warm_start, sweep_dir=tmp_path).fit(*change)


@pytest.mark.parametrize("settings", [{}, {"warm_start": False}, {"relax": True}, {"refit": False, "relax": True}])
def test_passes_share_a_folder_whatever_the_splits(settings, tmp_path):
    """Path, pilot, adaptive path, relaxed networks and refit go on, bit for bit, where no fold has all rows."""
    make = small(cv=TimeSeriesSplit(3), **settings)
    whole, first = clone(make).fit(*FRIEDMAN), clone(make).set_params(sweep_dir=tmp_path).fit(*FRIEDMAN)
    written = {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("*/*.safetensors")}
    again = clone(first).fit(*FRIEDMAN)
    assert written == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("*/*.safetensors")}
    for cell in sorted(written)[::3]:
        cell.unlink()
    for one in (first, again, clone(first).fit(*FRIEDMAN)):
        assert np.array_equal(whole.cv_scores_, one.cv_scores_)
        if make.refit:
            same(whole, one)


def test_a_search_without_a_refit_shares_its_path(tmp_path):
    make = small(cv=HOLD_OUT, sweep_dir=tmp_path)
    whole = make.fit(*FRIEDMAN)
    cells = {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.safetensors")}
    alone = clone(make).set_params(refit=False).fit(*FRIEDMAN)
    assert np.array_equal(whole.pilot_scores_, alone.pilot_scores_)
    # The adaptive path is trained anew, in a stack without the fold of all rows, to whose size rows are filled up: a
    # BLAS adds them in another order then.
    np.testing.assert_allclose(whole.cv_scores_, alone.cv_scores_, rtol=1e-10)
    assert cells == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.safetensors")}


def test_files_that_cannot_be_read(tmp_path):
    """A cell's is trained again; a description's is refused."""
    whole = small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    cells = sorted(tmp_path.glob("path/*.safetensors"))
    cells[0].write_bytes(cells[0].read_bytes()[:40])
    cells[1].write_bytes(b"")
    cells[2].write_bytes(cells[3].read_bytes())
    with pytest.warns(UserWarning, match="3 of its records cannot be used, and their networks are") as told:
        same(whole, small(sweep_dir=tmp_path).fit(*FRIEDMAN))
    assert len(told) == 1
    same(whole, small(sweep_dir=tmp_path).fit(*FRIEDMAN))  # without a warning: they are whole again
    for content in ("", "[1]", "{}", "[" * 100_000):
        (tmp_path / "path" / "sweep.json").write_text(content)
        with pytest.raises(ValueError, match="delete"):
            small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be a folder"):
        small(sweep_dir=tmp_path / "file").fit(*FRIEDMAN)
    with pytest.raises(ValueError, match="sweep_dir='' names no folder"):
        small(sweep_dir="").fit(*FRIEDMAN)


@pytest.mark.parametrize("workers", [0, 2])
def test_records_that_cannot_be_written_cost_no_sweep(workers, tmp_path, monkeypatch):
    """A disk that is full for a while: the sweep goes on, and says so once a pass, whoever could not write."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    whole = small().fit(*FRIEDMAN)
    monkeypatch.setattr("regnet.sweep.journal.replace_whole", full)
    with ThreadPoolExecutor(2) as pool:
        make = small(sweep_dir=tmp_path, executor=pool if workers else None)
        with pytest.warns(UserWarning, match="could not be written.*No space left.*Make room") as told:
            same(whole, make.fit(*FRIEDMAN))
    assert len(told) == 2
    assert [path.name for path in tmp_path.glob("path/*")] == ["sweep.json"]


def test_other_choices_go_on_from_the_same_folder(tmp_path):
    """Rule, refit and scores change nothing of what was trained."""
    make = cold(sweep_dir=tmp_path, penalty="input_l1")
    make.fit(*IRIS)
    cells = {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.safetensors")}
    for change in ({"select": "min"}, {"refit": False}, {"scoring": "accuracy"}, {"relax": True}):
        clone(make).set_params(**change).fit(*IRIS)
    assert cells == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.safetensors")}


def test_compiled_loops_are_in_the_journal(tmp_path):
    need("numba")
    small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    sheet = json.loads((tmp_path / "path" / "sweep.json").read_text())
    assert sheet["backend"].startswith("numpy")
    assert "numba" in sheet["libraries"]
    with config_context(fast=False), pytest.raises(ValueError, match="libraries"):
        small(sweep_dir=tmp_path).fit(*FRIEDMAN)
