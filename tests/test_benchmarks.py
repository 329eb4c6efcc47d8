"""The benchmarks run, check what they time, and write what they say."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import __main__ as main_module
from benchmarks import gpu_machine
from benchmarks.__main__ import GPU_MARKS, MARKS, file_name, write_tables
from benchmarks.peers.ours import Regnet
from benchmarks.peers.scikit import ScikitLearn
from benchmarks.peers.textbook import Textbook
from benchmarks.report import markdown, save_results, slope
from benchmarks.runner import run_workload
from benchmarks.same_numbers import arrays_of, compare, print_compared, read, write
from benchmarks.select_problems import FIGURES, NEW, PROBLEMS, print_found
from benchmarks.tasks import make_exponential_task, make_task, objective
from benchmarks.workload import GPU_NAMES, NAMES, Contestant, Workload, find_workload


def test_every_workload_can_be_found():
    for name in NAMES + GPU_NAMES:
        workload = find_workload(name)
        assert workload.name == name
        names = [one.name for one in workload.contestants]
        assert len(set(names)) == len(names)
        assert any(one.kind == "ours" for one in workload.contestants)


@pytest.mark.parametrize(
    "task",
    [
        make_task(200, [2, 30, 3], batch=50, l2=0.05),
        make_task(200, [20, 16, 8, 4], batch=50, l2=0.05),
        make_task(200, [20, 16, 4], batch=50, l2=0.05, activation="tanh"),
        make_task(200, [5, 16, 1], batch=50, l2=0.05),
        make_exponential_task(200),
    ],
    ids=["spiral", "deep", "tanh", "one output", "exponential"],
)
def test_peers_compute_the_same(task):
    peers = [Textbook(task), ScikitLearn(task), Regnet(task)]
    for peer in peers:
        peer.advance(12)
    values = [objective(task, peer.params()) for peer in peers]
    np.testing.assert_allclose(values, values[0], rtol=1e-4)
    assert values[0] < objective(task, [a for pair in zip(task.weights, task.biases, strict=True) for a in pair])


def test_a_quick_run_writes_a_file_and_a_picture(tmp_path, monkeypatch, capsys):
    """Two contestants, each in a process that takes seconds to begin; the third is asked for a round in this one."""
    whole = find_workload("W6")
    estimator = next(one for one in whole.contestants if one.name == "regnet MLPClassifier")
    assert estimator.make(True).run() > 0
    two = replace(whole, contestants=tuple(one for one in whole.contestants if one != estimator))
    monkeypatch.setattr(main_module, "find_workload", lambda name: two)
    asked = ["benchmarks", "--workload", "W6", "--ours", "--quick", "--out", str(tmp_path), "--device", "here"]
    monkeypatch.setattr(sys, "argv", asked)
    main_module.main()
    assert "regnet Model" in capsys.readouterr().out
    saved = json.loads((tmp_path / "here.json").read_text())
    model = saved["workloads"]["W6"]["contestants"]["regnet Model"]
    assert model["median"] > 0
    assert model["peak_bytes"] > 1e7
    assert saved["machine"]["versions"]["numpy"] == np.__version__
    assert (tmp_path / "here.png").stat().st_size > 1000
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nthen\n{GPU_MARKS[0]}\nold\n{GPU_MARKS[1]}\nafter\n")
    write_tables(page, tmp_path)
    assert "| W6: " in page.read_text()
    assert "Nothing has been measured yet." in page.read_text()
    assert "(../here.png)" in page.read_text()
    older = json.loads((tmp_path / "here.json").read_text())
    older["machine"] |= {"processor": "Old(R) Chip(TM) 7, AVX2", "date": "2020-01-01"}
    (tmp_path / f"{file_name(older['machine'])}.json").write_text(json.dumps(older))
    write_tables(page, tmp_path)
    assert "Old(R) Chip" not in page.read_text()
    write_tables(page, tmp_path, "old-chip-7-avx2")
    assert "cores of Old(R) Chip(TM) 7, AVX2" in page.read_text()
    with pytest.raises(SystemExit, match="there are: old-chip-7-avx2, here"):
        write_tables(page, tmp_path, "another")
    gpu = {"name": "Some GPU", "memory_gib": 80, "driver": "CUDA 13.0", "copy_gb_per_s": 3000, "float32_tflops": 50}
    saved["machine"]["gpu"] = gpu
    assert file_name(saved["machine"]) == "some-gpu"
    (tmp_path / "some-gpu.json").write_text(json.dumps(saved))
    write_tables(page, tmp_path)
    assert "Some GPU, 80 GiB, CUDA 13.0, copy 3000 GB/s, product 50 TFLOP/s in float32" in page.read_text()
    assert page.read_text().count("| W6: ") == 2
    assert "old" not in page.read_text()
    assert page.read_text().endswith("after\n")


def test_every_table_has_a_place_in_the_pages():
    readme, figures = (page.read_text() for page in main_module.PAGES)
    assert [readme.count(mark) for mark in (*MARKS, *GPU_MARKS)] == [1, 1, 0, 0]
    assert [figures.count(mark) for mark in (*MARKS, *GPU_MARKS)] == [1, 1, 1, 1]


def test_contestants_that_disagree_are_not_timed(monkeypatch):
    """A child answers with its check; here the children are played."""

    class Child:
        def __init__(self, workload, contestant, quick):
            self.contestant = contestant

        def read(self):
            return {"check": [1.0 if self.contestant.name == "a" else 1.1], "prepared": 0.0, "first": 0.0}

        def end(self):
            pass

    monkeypatch.setattr("benchmarks.runner._Child", Child)
    two = Workload("W", "", "s", (Contestant("a", "ours", print), Contestant("b", "peer", print)))
    with pytest.raises(RuntimeError, match="b computes"):
        run_workload(two, quick=True)


def test_a_contestant_that_dies_while_it_is_timed_is_left_out(monkeypatch):
    class Child:
        def __init__(self, workload, contestant, quick):
            self.contestant = contestant

        def read(self):
            return {"check": [], "prepared": 0.0, "first": 0.0}

        def round(self):
            if self.contestant.name == "b":
                raise RuntimeError("b: died")
            return {"time": 1.0, "peak": 1}

        def end(self):
            pass

    monkeypatch.setattr("benchmarks.runner._Child", Child)
    two = Workload("W", "", "s", (Contestant("a", "ours", print), Contestant("b", "peer", print)))
    results = run_workload(two, quick=True)
    assert results["a"]["times"] == [1.0, 1.0]
    assert (results["b"]["left_out"], results["b"].get("times")) == ("b: died", None)


def test_a_workload_that_fails_leaves_the_others_their_figures(monkeypatch, tmp_path):
    def run(one, **kwargs):
        if one.name == "W1":
            raise RuntimeError("W1: a computes 1, but b 2.")
        return {}

    monkeypatch.setattr(main_module, "run_workload", run)
    monkeypatch.setattr(main_module, "save_picture", lambda *args: None)
    machine = {"processor": "?", "cores": 1, "copy_gb_per_s": 1, "date": "2026-11-28"}
    monkeypatch.setattr(main_module, "describe_machine", lambda gpu: machine)
    asked = ["benchmarks", "--workload", "W1", "--workload", "W4", "--device", "here", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", asked)
    with pytest.raises(SystemExit, match="W1: a computes"):
        main_module.main()
    assert list(json.loads((tmp_path / "here.json").read_text())["workloads"]) == ["W4"]


@pytest.mark.parametrize("gone", ["nvmath", "cupy"])
def test_a_machine_for_the_gpu_says_what_it_lacks(gone, monkeypatch, capsys):
    monkeypatch.setattr(gpu_machine, "find_spec", lambda name: None if name == gone else "there")
    if gone == "cupy":
        with pytest.raises(SystemExit, match=r"^Missing: cupy\."):
            gpu_machine.main()
    else:
        gpu_machine.main()
        assert capsys.readouterr().out.startswith("nvmath is not installed: without CUDA graphs")


def test_slope():
    assert slope({"10": 1.0, "100": 10.0, "1000": 100.0}) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["--quick"], ["W1", "W4", "W6"]),
        (["--quick", "--workload", "W3"], ["W3"]),
        (["--out", "elsewhere"], list(NAMES)),
        (["--gpu", "--out", "elsewhere"], list(GPU_NAMES)),
    ],
)
def test_a_quick_run_leaves_slow_workloads_out_and_says_so(asked, expected, monkeypatch, capsys, tmp_path):
    ran = []

    def run(one, **kwargs):
        ran.append(one.name)
        return {}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main_module, "run_workload", run)
    monkeypatch.setattr(main_module, "save_picture", lambda *args: None)
    machine = {"processor": "?", "cores": 1, "copy_gb_per_s": 1, "date": "2026-11-28"}
    device = {"name": "GPU", "memory_gib": 80, "driver": "CUDA 13.0", "copy_gb_per_s": 3000, "float32_tflops": 50}
    monkeypatch.setattr(main_module, "describe_machine", lambda gpu: {**machine, "gpu": device} if gpu else machine)
    monkeypatch.setattr(sys, "argv", ["benchmarks", *asked])
    main_module.main()
    assert ran == expected
    assert ("not in a quick run: W2" in capsys.readouterr().out) == (asked == ["--quick"])


def test_problems_of_selection_are_drawn_from_their_seed():
    for draw in PROBLEMS.values():
        one, again, other = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
        assert len(one.X) == len(one.y) > NEW
        assert max(one.real) < one.X.shape[1]
        np.testing.assert_array_equal(one.y, again.y)
        assert not np.array_equal(one.X, other.X)


def test_a_problem_that_is_selected_worse_is_said(capsys):
    """Scores fall by .1 on every table, which is far beyond the error of the differences; other inputs stay as many."""
    before = [dict.fromkeys(FIGURES, level) for level in (0.2, 0.5, 0.9)]
    after = [one | {"score": one["score"] - 0.1 + 0.001 * number} for number, one in enumerate(before)]
    print_found({"wide_linear": after}, None)
    assert "worse" not in capsys.readouterr().out
    print_found({"wide_linear": after}, {"wide_linear": before, "transforms": before})
    said = capsys.readouterr().out
    assert said.count("worse") == 1
    assert "-0.099 ± 0.001 worse" in said


def test_numbers_are_taken_out_of_what_a_fit_returns(tmp_path):
    history = [{"loss": 1.0, "zeros": {"0": 0.5}}, {"loss": 0.5, "zeros": {"0": 0.75}}]
    found = arrays_of({"params": [[np.eye(2), np.ones(2)]], "history": history, "best": None, "name": "x"})
    assert list(found) == ["params.0.0", "params.0.1", "history.loss", "history.zeros.0"]
    assert found["history.zeros.0"].tolist() == [0.5, 0.75]
    write(tmp_path / "found.npz", {"a [numpy]": found, "b [jax]": {"x": np.zeros(3)}})
    again, machine = read(tmp_path / "found.npz")
    assert list(again) == ["a [numpy]", "b [jax]"]
    assert compare(found, again["a [numpy]"]) == (0.0, "")
    assert np.__version__ in machine


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ([1.0, np.nan, -0.0], [1.0, np.nan, 0.0], 0.0),
        ([4.0, 1e-9], [4.0, 2e-9], 2.5e-10),
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, np.inf], [1.0, -np.inf], np.inf),
        ([1.0, 2.0], [1.0], np.inf),
        ([1, 2], [1.0, 2.0], np.inf),
        ([True, False], [True, True], 1.0),
        (["a"], ["b"], np.inf),
    ],
)
def test_a_difference_of_numbers_is_that_of_the_largest(old, new, difference):
    found = compare({"same": np.ones(1), "x": np.asarray(old)}, {"same": np.ones(1), "x": np.asarray(new)})
    assert found == (pytest.approx(difference), "x" if difference else "")


def test_problems_that_differ_are_counted(capsys):
    class Allowing:
        rtol = 1e-6

    def numbers(value):
        return {"x": np.asarray([1.0, value])}

    old = {"a [numpy]": numbers(0.5), "a [jax]": numbers(0.5), "b [numpy]": numbers(0.5)}
    new = {"a [numpy]": numbers(0.5 + 1e-9), "a [jax]": numbers(0.6), "b [numpy]": numbers(0.5), "b [jax]": numbers(0)}
    problems = {"a": Allowing, "b": Allowing, "c": Allowing}
    assert print_compared(old, new, problems, rtol=0.0) == 1
    said = capsys.readouterr().out
    assert "1.0e-01" in said
    assert "1.0e-09" in said
    assert "new" in said
    assert print_compared(old, new, problems, rtol=0.2) == 0
    assert compare(numbers(1), {}) == (np.inf, "no x")
    assert compare({}, numbers(1)) == (np.inf, "x is new")


def test_a_workload_keeps_the_date_on_which_it_was_run(tmp_path):
    """Those that were not run again stood in the table under the date of those that were."""
    machine = {"processor": "P", "cores": 2, "system": "S", "python": "3", "versions": {"numpy": "2"}}
    one = {"title": "a step", "unit": "ms", "contestants": {"regnet numpy": {"kind": "ours", "median": 1.0}}}
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"machine": machine | {"date": "2026-11-01"}, "workloads": {"W1": one, "W2": one}}))
    save_results(path, machine | {"date": "2026-11-02"}, {"W2": one})
    save_results(path, machine | {"date": "2026-11-03"}, {"W3": one})
    lines = markdown(json.loads(path.read_text())).splitlines()
    assert lines[0].endswith("2026-11-03.")
    assert [line.split(" | ")[0] for line in lines[4:]] == [
        "| W1: a step (2026-11-01)", "| W2: a step (2026-11-02)", "| W3: a step",
    ]  # fmt: skip
