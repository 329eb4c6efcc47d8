"""The commands fit, predict and backends: files in, one sentence a mistake."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from command_line import called, run, write_csv
from conftest import missing

import regnet
from regnet.commands import app as cli

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_too_little_memory_is_one_line_on_the_command_line(monkeypatch, capsys):
    def full():
        raise MemoryError("A step of 9 rows takes about 9 GiB: give a smaller batch_size.")

    monkeypatch.setattr(cli, "app", full)
    monkeypatch.setattr(cli.warnings, "showwarning", cli.warnings.showwarning)  # main sets it
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "regnet: error: A step of 9 rows takes about 9 GiB: give a smaller batch_size.\n"


def test_fit_and_predict_a_csv(tmp_path):
    write_csv(tmp_path / "train.csv")
    write_csv(tmp_path / "new.csv", target=False)
    options = ["--hidden", "16", "--epochs", 60, "--seed", 3, "--weight-l1", "1e-4,0"]
    outputs = ["--save", "m.safetensors", "--plot", "p.png", "--json", "j.json"]
    done = called("fit", "train.csv", "--target", "kind", *options, *outputs, cwd=tmp_path)
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
    done = called("fit", "t.csv", *options, "--weight-l2", "0,0.01", "--dropout", 0.1, "--json", "j.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "inputs used: 1 of 3 (a)" in done.stdout
    penalty = json.loads((tmp_path / "j.json").read_text())["penalty"]
    assert penalty.keys() == {"0.weight.group", "1.weight.group", "1.weight.l2"}


def test_the_report_of_a_training_is_in_the_tables_own_units(tmp_path):
    options = ["--hidden", 8, "--input-l1", 0.05, "--epochs", 60, "--report", "r"]
    done = called("fit", "diabetes", *options, "--json", "f.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert json.loads((tmp_path / "r" / "figures.json").read_text()) == figures
    assert {path.name for path in (tmp_path / "r").iterdir()} == {
        "report.html", "figures.json", "model.safetensors", "training.png", "training.svg",
    }  # fmt: skip
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    told = (
        f"has r2 {figures['train_score']:.4f} on the rows that it was trained on and {figures['test_score']:.4f} on 89"
    )
    assert told in page
    actual = [float(number) for number in re.findall(r'"actual":([-\d.]+),"predicted":[-\d.]+', page)]
    assert min(actual) < 80  # of 25 to 346
    assert max(actual) > 250


def test_regression_predicts_in_the_targets_own_units(tmp_path):
    x = np.random.default_rng(0).standard_normal((200, 2))
    np.savez(tmp_path / "t.npz", x=x, y=1000 + 300 * x[:, 0])
    np.savez(tmp_path / "new.npz", x=x)
    assert called("fit", "t.npz", "--save", "m.st", "--epochs", 80, cwd=tmp_path).returncode == 0
    done = called("predict", "m.st", "new.npz", "--output", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    values = np.array([float(row["y"]) for row in csv.DictReader((tmp_path / "out.csv").read_text().splitlines())])
    assert np.corrcoef(values, x[:, 0])[0, 1] > 0.97
    assert values.mean() == pytest.approx(1000 + 300 * x[:, 0].mean(), abs=40)


def test_digits_end_with_the_same_score_on_every_backend(tmp_path):
    scores = {}
    for backend in ("numpy", "torch", "jax"):
        if missing(backend):
            print(missing(backend))
            continue
        options = ["--hidden", 64, "--epochs", 20, "--json", "j.json"]
        done = called("fit", "digits", *options, cwd=tmp_path, REGNET_BACKEND=backend)
        assert done.returncode == 0, done.stderr
        figures = json.loads((tmp_path / "j.json").read_text())
        assert figures["backend"] == backend
        scores[backend] = figures["test_score"]
    assert list(scores.values()) == pytest.approx([scores["numpy"]] * len(scores), abs=0.005)
    assert scores["numpy"] > 0.93


def test_cupy_without_a_gpu_is_one_sentence(tmp_path):
    if missing("cupy") is None:
        pytest.skip("there is a GPU here")
    done = called("fit", "spiral", cwd=tmp_path, REGNET_BACKEND="cupy")
    assert done.returncode == 2
    assert done.stderr.startswith("regnet: error: CuPy")
    assert done.stderr.count("\n") == 1


def test_backends_lists_them_all(tmp_path):
    done = called("backends", cwd=tmp_path, COLUMNS="200")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("numpy", "cupy", "torch", "jax", "kernels"))
    if missing("cupy"):
        assert "cupy-cuda13x" in done.stdout


def test_version_agrees_with_the_distribution(tmp_path):
    from importlib.metadata import version

    assert regnet.__version__ == version("regnet-xp")
    assert called("--version", cwd=tmp_path).stdout == f"regnet {regnet.__version__}\n"


def test_a_class_of_one_row_is_learnt(tmp_path):
    """Wherever the split would put it."""
    rng = np.random.default_rng(0)
    lines = [f"{a},{b},{'yes' if a > 0 else 'no'}" for a, b in rng.standard_normal((30, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,kind", *lines, "9,9,rare", "-9,9,odd"]) + "\n")
    for seed in range(3):
        done = called("fit", "t.csv", "--epochs", 1, "--seed", seed, cwd=tmp_path)
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
    "text feature": (["text.csv"], "column 'b' holds text \\('red' in line 3; 2 of 3"),
    "nan": (["nan.csv"], "'b' \\(1 of 2 cells, '' in line 3 the first\\). --missing impute"),
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
    "per cent": (["t.csv", "--test-size", "20"], "--test-size 20: give a share .* from 0 to 0.95: for 20 % 0.2"),
    "no share": (["t.csv", "--test-size", "-0.1"], "--test-size -0.1: give a share of the rows from 0 to 0.95\\."),
    "parquet": (["bad.parquet"], "bad.parquet"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_writes_nothing(case, tmp_path):
    write_csv(tmp_path / "t.csv")
    for name, text in {
        "text": "a,b,kind\n1,2,x\n2,red,y\n3,4,x\n",
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
    done = called("fit", *arguments, "--epochs", 1, cwd=tmp_path, COLUMNS="300", **environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search(message, done.stderr, re.DOTALL), done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("predict", ["t.csv", "m.safetensors"], "comes first: regnet predict m.safetensors t.csv"),
        ("predict", ["r", "t.csv"], "'r' is no file: take 'r/model.safetensors'"),
        ("show", ["r"], "'r' is no file: take 'r/model.safetensors'"),
    ],
)
def test_other_names_than_were_meant(command, arguments, message, tmp_path):
    write_csv(tmp_path / "t.csv")
    (tmp_path / "r").mkdir()
    for name in ("m.safetensors", "r/model.safetensors"):
        (tmp_path / name).write_bytes(b"a model")
    done = called(command, *arguments, cwd=tmp_path, COLUMNS="300")
    assert done.returncode == 2
    assert message in done.stderr


def test_predict_with_the_wrong_columns(tmp_path):
    write_csv(tmp_path / "t.csv")
    assert called("fit", "t.csv", "--epochs", 1, "--save", "m.st", cwd=tmp_path).returncode == 0
    (tmp_path / "two.csv").write_text("a,b\n1,2\n")
    done = called("predict", "m.st", "two.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "has 2 columns (a, b), but the model needs 3; missing: c" in done.stderr
    (tmp_path / "junk.st").write_text("junk")
    done = called("predict", "junk.st", "t.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "not a model that regnet saved" in done.stderr
