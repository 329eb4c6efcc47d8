"""Sweeps: a cell is what the estimator alone would be, whatever it was trained beside, where, after which accident."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from conftest import need
from joblib import Parallel
from sklearn.base import clone
from sklearn.datasets import load_iris, make_friedman1
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit, cross_val_score
from sklearn.preprocessing import StandardScaler

from regnet import (
    SGD,
    DivergenceWarning,
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    config_context,
    path,
)
from regnet.sweep import engine, screening

IRIS = load_iris(return_X_y=True)
FRIEDMAN = make_friedman1(150, n_features=12, noise=1.0, random_state=1)
GRID = (0.001, 0.01, 0.1)


def small(**settings):
    """A warm sweep in two passes, quickly."""
    given = {"hidden_layer_sizes": (8,), "lambdas": np.geomspace(1e-3, 0.1, 6), "cv": 3, "max_iter": 30}
    return MLPRegressorCV(**{**given, "random_state": 0, **settings})


def cold(**settings):
    """All strengths at once, in batches, with restarts."""
    given = {"penalty": "weight_l2", "warm_start": False, "lambdas": GRID, "cv": 3, "restarts": 2, "max_iter": 4}
    return MLPClassifierCV(**{**given, "batch_size": 32, "hidden_layer_sizes": (6,), "random_state": 0, **settings})


def same(a, b):
    """Bit for bit."""
    assert np.array_equal(a.cv_scores_, b.cv_scores_, equal_nan=True)
    for one, other in zip(a.best_estimator_.coefs_, b.best_estimator_.coefs_, strict=True):
        assert np.array_equal(one, other)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def fast(request):
    """With numba's loops and without."""
    if request.param:
        need("numba")
    with config_context(fast=request.param):
        yield request.param


@pytest.mark.parametrize("penalty", ["weight_l2", "alpha", "weight_l1"])
def test_a_cold_cell_is_the_estimator_alone(penalty, fast):
    """First weights, batches and penalties are those of `MLPClassifier` on the fold's rows."""
    X, y = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    sweep = cold(penalty=penalty, cv=cv, standardize=False, restarts=1, refit=False).fit(X, y)
    for strength, scores in zip(GRID, sweep.cv_scores_[:, :, 0], strict=True):
        alone = MLPClassifier(
            (6,), batch_size=32, max_iter=4, n_iter_no_change=100, random_state=0, **{penalty: strength}
        )
        with pytest.warns(match="Maximum iterations"):
            expected = cross_val_score(alone, X, y, cv=cv, scoring="neg_log_loss")
        np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_a_refit_is_the_estimator_alone(fast):
    X, y = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
    sweep = cold(standardize=False, restarts=1).fit(X, y)
    with pytest.warns(match="Maximum iterations"):
        alone = MLPClassifier((6,), batch_size=32, max_iter=4, random_state=0, weight_l2=sweep.lambda_).fit(X, y)
    for one, other in zip(sweep.best_estimator_.coefs_, alone.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_size", [32, 200])
def test_a_device_with_its_own_memory_trains_all_folds_as_one_stack(batch_size, monkeypatch):
    """A launch costs a GPU more than the networks that it is for, and the numbers are the same."""
    counts, made = [], engine.train_lanes

    def count(spec, lanes, known):
        counts.append(len(lanes))
        return made(spec, lanes, known)

    monkeypatch.setattr(engine, "train_lanes", count)
    apart = cold(batch_size=batch_size, refit=False).fit(*IRIS)
    assert counts == [3] * 6
    monkeypatch.setattr("regnet_numpy.backend.NumpyBackend.free_bytes", lambda self, device: 2**34)
    together = cold(batch_size=batch_size, refit=False).fit(*IRIS)
    assert counts[6:] == [18]
    np.testing.assert_array_equal(together.cv_scores_, apart.cv_scores_)
    monkeypatch.setattr("regnet_numpy.backend.NumpyBackend.free_bytes", lambda self, device: 2**18)
    cold(batch_size=batch_size, refit=False).fit(*IRIS)
    assert 18 > max(counts[7:]) >= 1


@pytest.mark.parametrize("make", [small, cold])
def test_blocks_change_nothing(make, fast):
    data = FRIEDMAN if make is small else IRIS
    whole = make().fit(*data)
    same(whole, make(memory_limit=1).fit(*data))
    same(whole, make(memory_limit=60_000).fit(*data))


def test_tables_of_few_epochs_change_nothing(fast, monkeypatch):
    """Batches are drawn for some epochs at once, as many as memory allows."""
    whole = cold(max_iter=7).fit(*IRIS)
    for elements in (1, 700):
        monkeypatch.setattr("regnet.sweep.stack.TABLE_ELEMENTS", elements)
        same(whole, cold(max_iter=7).fit(*IRIS))
        same(whole, cold(max_iter=7, memory_limit=1).fit(*IRIS))


def test_one_thread_changes_nothing(fast):
    from threadpoolctl import threadpool_limits

    whole = cold().fit(*IRIS)
    with threadpool_limits(1):
        same(whole, cold().fit(*IRIS))


@pytest.mark.parametrize("make", [small, cold])
def test_executors_change_nothing(make, tmp_path):
    data = FRIEDMAN if make is small else IRIS
    whole = make().fit(*data)
    with ThreadPoolExecutor(2) as pool:
        same(whole, make(executor=pool).fit(*data))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same(whole, make(executor=pool, sweep_dir=tmp_path / "sweep").fit(*data))


def test_n_jobs_are_processes_and_change_nothing(monkeypatch):
    asked = []

    class Spy(Parallel):
        def __init__(self, **given):
            asked.append(given["n_jobs"])
            super().__init__(**given)

    whole = small().fit(*FRIEDMAN)
    monkeypatch.setattr("regnet.sweep.engine.Parallel", Spy)
    same(whole, small(n_jobs=2).fit(*FRIEDMAN))
    assert asked == [2, 2]  # the first path and the second


def test_one_way_to_say_where_networks_are_trained():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="give one of them"):
        small(executor=pool, n_jobs=2).fit(*FRIEDMAN)


def wide(**more):
    """A search on 300 inputs, of which two matter."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 300))
    y = 2 * X[:, 0] - 2 * X[:, 1] + 0.1 * rng.standard_normal(60)
    return small(max_iter=100, lambdas=np.geomspace(3e-3, 0.3, 8), **more).fit(X, y)


@pytest.mark.parametrize("batch_size", ["auto", 20])
def test_wide_tables_are_screened_and_do_not_depend_on_it(batch_size, tmp_path, fast):
    """Lanes without their dead inputs: blocks and accidents change nothing, and the dead are dead."""
    whole = wide(batch_size=batch_size, sweep_dir=tmp_path)
    assert {0, 1} <= set(np.flatnonzero(whole.selected_features_))
    assert whole.selected_features_.sum() <= 3
    same(whole, wide(batch_size=batch_size, memory_limit=1))
    for cell in list(tmp_path.glob("*/*.npz"))[::2]:
        cell.unlink()
    same(whole, wide(batch_size=batch_size, sweep_dir=tmp_path))


def test_an_input_that_left_too_early_comes_back(monkeypatch):
    """Here input 0 is thrown out at every strength; the gradient asks for it again."""
    kept = screening._kept

    def without_the_first(point, shape, wanted=()):
        found = kept(point, shape, wanted)
        return found if len(wanted) else np.setdiff1d(found, [0])

    monkeypatch.setattr(screening, "_kept", without_the_first)
    assert set(np.flatnonzero(wide().selected_features_)) == {0, 1}


@pytest.mark.parametrize("make", [small, cold])
def test_a_sweep_goes_on_where_it_stopped(make, tmp_path, fast):
    data = FRIEDMAN if make is small else IRIS
    whole = make(sweep_dir=tmp_path).fit(*data)
    cells = sorted(tmp_path.glob("*/*.npz"))
    written = {cell: cell.stat().st_mtime_ns for cell in cells}
    same(whole, make(sweep_dir=tmp_path).fit(*data))
    assert written == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("*/*.npz")}  # nothing was trained again
    for cell in cells[1::3]:
        cell.unlink()
    same(whole, make(sweep_dir=tmp_path).fit(*data))
    assert sorted(tmp_path.glob("*/*.npz")) == cells


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


HOLD_OUT = [(np.arange(100), np.arange(100, 130))]
"""One split; no network trains on the last 20 rows but the refit."""


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
    written = {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("*/*.npz")}
    again = clone(first).fit(*FRIEDMAN)
    assert written == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("*/*.npz")}
    for cell in sorted(written)[::3]:
        cell.unlink()
    for one in (first, again, clone(first).fit(*FRIEDMAN)):
        assert np.array_equal(whole.cv_scores_, one.cv_scores_)
        if make.refit:
            same(whole, one)


def test_a_search_without_a_refit_shares_its_path(tmp_path):
    make = small(cv=HOLD_OUT, sweep_dir=tmp_path)
    whole = make.fit(*FRIEDMAN)
    cells = {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.npz")}
    assert np.array_equal(whole.cv_scores_, clone(make).set_params(refit=False).fit(*FRIEDMAN).cv_scores_)
    assert cells == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.npz")}


def test_files_that_cannot_be_read(tmp_path):
    """A cell's is trained again; a description's is refused."""
    whole = small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    cells = sorted(tmp_path.glob("*/*.npz"))
    cells[0].write_bytes(cells[0].read_bytes()[:40])
    cells[1].write_bytes(b"")
    np.savez(cells[2], other=np.zeros(3))
    np.savez(cells[3], point=np.zeros(3), loss=0.0, diverged_at=-1, converged=True)
    same(whole, small(sweep_dir=tmp_path).fit(*FRIEDMAN))
    for content in ("", "[1]", "{}"):
        (tmp_path / "path" / "sweep.json").write_text(content)
        with pytest.raises(ValueError, match="delete"):
            small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be a folder"):
        small(sweep_dir=tmp_path / "file").fit(*FRIEDMAN)


def test_other_choices_go_on_from_the_same_folder(tmp_path):
    """Rule, refit and scores change nothing of what was trained."""
    make = cold(sweep_dir=tmp_path, penalty="input_l1")
    make.fit(*IRIS)
    cells = {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.npz")}
    for change in ({"select": "min"}, {"refit": False}, {"scoring": "accuracy"}, {"relax": True}):
        clone(make).set_params(**change).fit(*IRIS)
    assert cells == {cell: cell.stat().st_mtime_ns for cell in tmp_path.glob("path/*.npz")}


def test_a_failure_ends_what_has_not_begun(tmp_path):
    def fails(*_):
        raise RuntimeError("scorer")

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="scorer"):
        small(executor=pool, sweep_dir=tmp_path, scoring=fails, memory_limit=1, cv=10).fit(*FRIEDMAN)
    assert len(list(tmp_path.glob("*/*.npz"))) < 6 * 11


def test_compiled_loops_are_in_the_journal(tmp_path):
    need("numba")
    small(sweep_dir=tmp_path).fit(*FRIEDMAN)
    sheet = json.loads((tmp_path / "path" / "sweep.json").read_text())
    assert sheet["backend"].startswith("numpy")
    assert "numba" in sheet["libraries"]
    with config_context(fast=False), pytest.raises(ValueError, match="libraries"):
        small(sweep_dir=tmp_path).fit(*FRIEDMAN)


def test_a_diverging_network_is_stopped_alone(fast):
    """SGD with rate r under L2 s is unstable where 2 r s > 2: only the strongest network diverges."""
    make = lambda grid: MLPRegressorCV(  # noqa: E731
        (4,), penalty="weight_l2", lambdas=grid, warm_start=False, solver=SGD(0.1), cv=3, max_iter=400, random_state=0,
        refit=False, batch_size=150,
    )  # fmt: skip
    alone = make((1e-3, 1e-2)).fit(*FRIEDMAN)
    with pytest.warns(DivergenceWarning, match=r"3 of 9 networks diverged .*strength 1e\+03, fold 0.* at step \d+"):
        beside = make((1e-3, 1e-2, 1e3)).fit(*FRIEDMAN)
    assert np.array_equal(alone.cv_scores_, beside.cv_scores_[:2])
    assert np.isnan(beside.cv_scores_[2]).all()
    assert beside.n_diverged_ == 3
    assert beside.lambda_1se_ <= 1e-2


def test_other_libraries_train_the_same_sweep():
    for name in ("torch", "jax"):
        try:
            need(name)
        except pytest.skip.Exception as reason:
            print(f"{name}: {reason}")
            continue
        reference = small(cv=2, max_iter=10).fit(*FRIEDMAN)
        with config_context(backend=name):
            other = small(cv=2, max_iter=10).fit(*FRIEDMAN)
        np.testing.assert_allclose(other.cv_scores_, reference.cv_scores_, atol=1e-8)


HERE = Path(__file__).parent

SCRIPT = """
import sys
import numpy as np
from test_sweep import FRIEDMAN, small
found = small(sweep_dir=sys.argv[1], max_iter=1500, memory_limit=1).fit(*FRIEDMAN)
np.savez(sys.argv[2], scores=found.cv_scores_, weight=found.best_estimator_.coefs_[0])
"""


@pytest.mark.slow
def test_a_killed_process_goes_on(tmp_path):
    """`kill -9` at random times (REGNET_KILLS of them, 3 if unset), each time the same command again."""
    kills = int(os.environ.get("REGNET_KILLS", "3"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent)))}
    run = [sys.executable, "-c", SCRIPT]

    def go(folder, name):
        return subprocess.Popen([*run, str(tmp_path / folder), str(tmp_path / name)], env=environment)

    started = time.monotonic()
    assert go("whole", "whole.npz").wait() == 0
    seconds, rng, killed = time.monotonic() - started, np.random.default_rng(), 0
    while killed < kills:
        process = go("killed", "killed.npz")
        try:
            process.wait(timeout=rng.uniform(0.3, 0.7) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            killed += 1
        else:
            assert process.returncode == 0  # it came to its end, which is no kill: begin again
            for cell in (tmp_path / "killed").glob("*/*.npz"):
                cell.unlink()
    assert go("killed", "killed.npz").wait() == 0
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as other:
        for name in ("scores", "weight"):
            assert np.array_equal(whole[name], other[name])


@pytest.mark.slow
def test_killed_workers_of_dask_cost_nothing(tmp_path):
    """Workers die by `kill -9` at random times (REGNET_KILLS of them, 3 if unset) while the sweep runs."""
    need("distributed")
    import threading

    from distributed import Client, LocalCluster

    kills = int(os.environ.get("REGNET_KILLS", "3"))
    whole = small(max_iter=3000).fit(*FRIEDMAN)
    done, rng = threading.Event(), np.random.default_rng()
    killed = []

    with LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:

        def reaper():
            while not done.wait(rng.uniform(0.5, 2.0)) and len(killed) < kills:
                workers = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
                if workers:
                    os.kill(int(rng.choice(workers)), signal.SIGKILL)
                    killed.append(time.monotonic())

        thread = threading.Thread(target=reaper)
        thread.start()
        try:
            executor = client.get_executor(retries=5, pure=False)
            rounds = 0
            while not killed or (len(killed) < kills and rounds < kills):
                folder = tmp_path / f"round{rounds}"
                same(whole, small(max_iter=3000, executor=executor, sweep_dir=folder).fit(*FRIEDMAN))
                rounds += 1
        finally:
            done.set()
            thread.join()
    assert len(killed) == kills


def test_path_is_the_cross_validated_estimators_path():
    estimator = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=30, random_state=0)
    lambdas = np.geomspace(1e-3, 0.1, 6)
    found = path(estimator, *FRIEDMAN, lambdas=lambdas)
    crossed = small(adaptive=False).fit(*FRIEDMAN)
    for one, other in zip(found.estimators, crossed.path_.estimators, strict=True):
        assert np.array_equal(one.coefs_[0], other.coefs_[0])
