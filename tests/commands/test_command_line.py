"""The command as a user types it: results, files, and errors that leave nothing behind."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import missing, need

import regnet
from regnet import Network, datasets, fit
from regnet.networks import checkpoint
from regnet.tables.columns import FileError
from regnet.tables.files import read_features, read_table


def run(*arguments, cwd, **environment):
    env = {key: value for key, value in os.environ.items() if not key.startswith("REGNET_")} | environment
    command = [sys.executable, "-m", "regnet", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


def write_csv(path, *, target=True, rows=60):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 3))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "c", *(["kind"] if target else [])])
        for row in x:
            writer.writerow([*row, *(["yes" if row[0] > 0 else "no"] if target else [])])
    return path


def test_fit_and_predict_a_csv(tmp_path):
    write_csv(tmp_path / "train.csv")
    write_csv(tmp_path / "new.csv", target=False)
    options = ["--hidden", "16", "--epochs", 60, "--seed", 3, "--weight-l1", "1e-4,0"]
    outputs = ["--save", "m.safetensors", "--plot", "p.png", "--json", "j.json"]
    done = run("fit", "train.csv", "--target", "kind", *options, *outputs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch ") == 11
    assert "held out: accuracy" in done.stdout
    assert "\x1b" not in done.stdout  # no bar where there is no terminal
    figures = json.loads((tmp_path / "j.json").read_text())
    wanted = "backend device dtype seed epochs metric train_score test_score data_loss penalty_loss seconds"
    assert set(wanted.split()) <= figures.keys()
    assert (figures["backend"], figures["dtype"], figures["seed"], figures["epochs"]) == ("numpy", "float32", 3, 60)
    assert figures["train_score"] > 0.9
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    predicted = run("predict", "m.safetensors", "new.csv", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    rows = list(csv.DictReader(predicted.stdout.splitlines()))
    truth = [
        "yes" if float(row["a"]) > 0 else "no"
        for row in csv.DictReader((tmp_path / "new.csv").read_text().splitlines())
    ]
    assert np.mean([row["kind"] == t for row, t in zip(rows, truth, strict=True)]) > 0.9
    assert float(rows[0]["p(yes)"]) + float(rows[0]["p(no)"]) == pytest.approx(1, abs=1e-4)


def test_groups_from_the_command_line(tmp_path):
    options = ["--hidden", "8", "--epochs", 400, "--learning-rate", 0.01, "--input-l1", 0.05, "--neuron-l1", "1e-3"]
    write_csv(tmp_path / "t.csv", rows=200)
    done = run("fit", "t.csv", *options, "--weight-l2", "0,0.01", "--dropout", 0.1, "--json", "j.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "inputs used: 1 of 3 (a)" in done.stdout
    penalty = json.loads((tmp_path / "j.json").read_text())["penalty"]
    assert penalty.keys() == {"0.weight.group", "1.weight.group", "1.weight.l2"}


def test_regression_predicts_in_the_targets_own_units(tmp_path):
    x = np.random.default_rng(0).standard_normal((200, 2))
    np.savez(tmp_path / "t.npz", x=x, y=1000 + 300 * x[:, 0])
    np.savez(tmp_path / "new.npz", x=x)
    assert run("fit", "t.npz", "--save", "m.st", "--epochs", 80, cwd=tmp_path).returncode == 0
    done = run("predict", "m.st", "new.npz", "--output", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    values = np.array([float(row["y"]) for row in csv.DictReader((tmp_path / "out.csv").read_text().splitlines())])
    assert np.corrcoef(values, x[:, 0])[0, 1] > 0.97
    assert values.mean() == pytest.approx(1000 + 300 * x[:, 0].mean(), abs=40)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_digits_end_with_the_same_score_on_every_backend(backend, tmp_path):
    if missing(backend):
        pytest.skip(missing(backend))
    scores = {}
    for name in {"numpy", backend}:
        done = run("fit", "digits", "--epochs", 20, "--json", "j.json", cwd=tmp_path, REGNET_BACKEND=name)
        assert done.returncode == 0, done.stderr
        figures = json.loads((tmp_path / "j.json").read_text())
        assert figures["backend"] == name
        scores[name] = figures["test_score"]
    assert scores[backend] == pytest.approx(scores["numpy"], abs=0.005)
    assert scores["numpy"] > 0.95


def test_cupy_without_a_gpu_is_one_sentence(tmp_path):
    if missing("cupy") is None:
        pytest.skip("there is a GPU here")
    done = run("fit", "spiral", cwd=tmp_path, REGNET_BACKEND="cupy")
    assert done.returncode == 2
    assert done.stderr.startswith("regnet: error: CuPy")
    assert done.stderr.count("\n") == 1


def test_backends_lists_them_all(tmp_path):
    done = run("backends", cwd=tmp_path, COLUMNS="200")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("numpy", "cupy", "torch", "jax", "kernels"))
    if missing("cupy"):
        assert "cupy-cuda13x" in done.stdout


def test_version_agrees_with_the_distribution(tmp_path):
    from importlib.metadata import version

    assert regnet.__version__ == version("regnet-xp")
    assert run("--version", cwd=tmp_path).stdout == f"regnet {regnet.__version__}\n"


def test_a_class_of_one_row_is_learnt(tmp_path):
    """Wherever the split would put it."""
    rng = np.random.default_rng(0)
    lines = [f"{a},{b},{'yes' if a > 0 else 'no'}" for a, b in rng.standard_normal((30, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,kind", *lines, "9,9,rare", "-9,9,odd"]) + "\n")
    for seed in range(3):
        done = run("fit", "t.csv", "--epochs", 1, "--seed", seed, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "network 2-512-4" in done.stdout


BAD = {
    "missing file": (["none.csv"], "There is no file 'none.csv'"),
    "unknown name": (["irises"], "There is no file 'irises', and no data set of that name \\(spiral, digits"),
    "a folder": (["folder"], "'folder' is a folder"),
    "picture": (["t.csv", "--plot", "p.bmpp"], "--plot 'p.bmpp': .bmpp is no kind of picture: choose one of"),
    "rate": (["t.csv", "--learning-rate", "-1"], "--learning-rate -1: give a positive number"),
    "decay": (["t.csv", "--decay", "-1"], "--decay -1: give a number of 0 or more"),
    "width": (["t.csv", "--hidden", "8,0"], "--hidden 8,0: widths must be at least 1"),
    "strength": (["t.csv", "--weight-l1", "much"], "--weight-l1 'much': give numbers .* such as 1e-3,0"),
    "fractions": (["real.csv", "--task", "classification"], "holds 3 different numbers.* Use --task regression"),
    "missing target": (["t.csv", "--target", "colour"], "no column 'colour'.*a, b, c, kind"),
    "text feature": (["text.csv"], "column 'b' holds text \\('red' in line 3; 1 of 2"),
    "nan": (["nan.csv"], "column 'b' has 1 of 2 cells without a value \\('', the first in line 3\\): drop"),
    "infinity": (["inf.csv"], "column 'a' has 1 of 2 cells that are infinite \\('inf', the first in line 2\\)"),
    "one class": (["one.csv"], "one class only \\('yes'\\)"),
    "ragged": (["ragged.csv"], "line 3 has 2 cells, but there are 3 columns"),
    "empty": (["empty.csv"], "is empty"),
    "header only": (["header.csv"], "has no rows"),
    "save folder": (["t.csv", "--save", "nowhere/m.st"], "--save .* there is no folder 'nowhere'"),
    "save is a folder": (["t.csv", "--save", "folder"], "--save 'folder' cannot be written"),
    "option": (["t.csv", "--weight-l3", "1"], "No such option"),
    "backend": (["t.csv"], "There is no backend 'abacus'"),
    "dtype": (["t.csv"], "dtype 'float8'"),
    "device": (["t.csv"], "no device 'moon'"),
    "strengths": (["t.csv", "--weight-l1", "1,2,3"], "3 values, but the network has 2 layers"),
    "negative": (["t.csv", "--weight-l2", "-1"], "--weight-l2 -1: a strength must be"),
    "optimizer": (["t.csv", "--optimizer", "lion"], "--optimizer 'lion' is unknown"),
    "activation": (["t.csv", "--activation", "gelu"], "--activation 'gelu' is unknown: choose one of identity, relu"),
    "neurons": (["t.csv", "--hidden", "", "--neuron-l1", "0.1"], "--neuron-l1: the network has no hidden layer"),
    "l1 step": (["t.csv", "--l1-step", "sub"], "--l1-step 'sub' is unknown: choose one of proximal, subgradient"),
    "hidden": (["t.csv", "--hidden", "big"], "--hidden 'big'"),
    "parquet": (["bad.parquet"], "bad.parquet"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_writes_nothing(case, tmp_path):
    write_csv(tmp_path / "t.csv")
    for name, text in {
        "text": "a,b,kind\n1,2,x\n2,red,y\n",
        "nan": "a,b,kind\n1,2,x\n2,,y\n",
        "inf": "a,b,kind\ninf,2,x\n2,1,y\n",
        "one": "a,b,kind\n1,2,yes\n2,3,yes\n",
        "real": "a,b,kind\n1,2,0.5\n2,3,1.5\n3,4,2.25\n",
        "ragged": "a,b,kind\n1,2,x\n2,3\n",
        "empty": "",
        "header": "a,b,kind\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "bad.parquet").write_bytes(b"nothing of the kind")
    (tmp_path / "folder").mkdir()
    before = sorted(path.name for path in tmp_path.rglob("*"))
    environment = {"backend": "abacus"} if case == "backend" else {}
    environment = {f"REGNET_{key.upper()}": value for key, value in environment.items()}
    if case in ("dtype", "device"):
        environment = {f"REGNET_{case.upper()}": {"dtype": "float8", "device": "moon"}[case]}
    arguments, message = BAD[case]
    done = run("fit", *arguments, "--epochs", 1, cwd=tmp_path, COLUMNS="300", **environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search(message, done.stderr, re.DOTALL), done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_predict_with_the_wrong_columns(tmp_path):
    write_csv(tmp_path / "t.csv")
    assert run("fit", "t.csv", "--epochs", 1, "--save", "m.st", cwd=tmp_path).returncode == 0
    (tmp_path / "two.csv").write_text("a,b\n1,2\n")
    done = run("predict", "m.st", "two.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "has 2 columns (a, b), but the model was trained on 3; missing: c" in done.stderr
    (tmp_path / "junk.st").write_text("junk")
    done = run("predict", "junk.st", "t.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "not a model that regnet saved" in done.stderr


def test_every_kind_of_file_gives_the_same_table(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    from pyarrow import parquet

    x, y = np.random.default_rng(0).standard_normal((40, 2)), np.arange(40) % 3
    np.save(tmp_path / "t.npy", np.column_stack([x, y]))
    np.savez(tmp_path / "t.npz", x=x, y=y)
    parquet.write_table(pyarrow.table({"u": x[:, 0], "v": x[:, 1], "y": y}), tmp_path / "t.parquet")
    lines = [f"{a!r};{b!r};{c}" for (a, b), c in zip(x.tolist(), y, strict=True)]
    (tmp_path / "t.csv").write_text("u;v;y\n" + "\n".join(lines) + "\n")
    for kind in ("npy", "npz", "parquet", "csv"):
        table = read_table(str(tmp_path / f"t.{kind}"))
        np.testing.assert_array_equal(table.x, x)
        np.testing.assert_array_equal(table.y, y)
        assert table.task == "classification"
    assert read_table(str(tmp_path / "t.csv"), "u").task == "regression"
    np.testing.assert_array_equal(read_features(str(tmp_path / "t.csv"), ("v",))[0], x[:, 1:])
    (tmp_path / "bare.csv").write_text("1,2,0\n3,4,1\n")
    assert read_table(str(tmp_path / "bare.csv")).x.tolist() == [[1, 2], [3, 4]]
    (tmp_path / "t.xls").write_text("x")
    with pytest.raises(FileError, match="of no kind"):
        read_table(str(tmp_path / "t.xls"))


def test_a_saved_model_predicts_the_same(tmp_path):
    x, y = datasets.spiral(samples=40)
    network = Network.mlp([2, 8, 3], loss="categorical_crossentropy", activation="tanh", dropout=0.2)
    model = fit(network, x, y, epochs=5, progress=False).model
    checkpoint.save(tmp_path / "m.st", model, classes=["a", "b", "c"], mean=np.array([1.0, 2.0]))
    loaded, extra = checkpoint.load(tmp_path / "m.st")
    assert loaded.network == network
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert extra["classes"] == ["a", "b", "c"]
    assert extra["mean"].tolist() == [1.0, 2.0]
    assert [path.name for path in tmp_path.iterdir()] == ["m.st"]
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none.st")
    with pytest.raises(OSError):
        checkpoint.save(tmp_path / "no" / "m.st", model)


def test_the_spiral_is_the_stated_one():
    x, y = datasets.spiral(samples=2000, seed=1)
    assert x.shape == (6000, 2)
    assert np.bincount(y).tolist() == [2000] * 3
    radius = np.hypot(*x.T)
    for c in range(3):
        r = radius[y == c]
        np.testing.assert_allclose(np.sort(r), np.linspace(0, 1, 2000), atol=1e-6)
        points = x[y == c][(r > 0.5)]
        r = r[r > 0.5]
        noise = np.angle(np.exp(1j * (np.arctan2(points[:, 0], points[:, 1]) - 2.5 * (4 * c + 4 * r)))) / 2.5
        assert noise.mean() == pytest.approx(0, abs=0.03)
        assert noise.std() == pytest.approx(0.2, abs=0.015)


README = re.findall(r"```(\w+)\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text(), re.DOTALL)
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
