"""`regnet predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from regnet.commands.options import check_writable
from regnet.networks import checkpoint
from regnet.tables import files

__all__ = ["predict"]


def predict(
    model: Annotated[str, typer.Argument(help="a file that regnet fit --save wrote")],
    data: Annotated[str, typer.Argument(help="file with the same input columns (CSV, Parquet, Excel, NPY, ...)")],
    output: Annotated[Path | None, typer.Option(help="write a CSV here instead of to standard output")] = None,
) -> None:
    """Predict: a CSV with one row per row of DATA; for classes also every class's probability."""
    check_writable("--output", output)
    trained, extra = checkpoint.load(model)
    if not {"feature_names", "target_name", "classes"} <= extra.keys():
        raise ValueError(
            f"{model!r} was saved without the names that a table needs: regnet.save(path, model, feature_names=[...], "
            "target_name=..., classes=[...] or None) writes them."
        )
    classes = [] if extra["classes"] is None else list(extra["classes"])
    factors = {name: tuple(values) for name, values in extra.get("factors", {}).items()}
    x, notes = files.read_features(data, tuple(extra["feature_names"]), factors)
    for note in notes:
        print(f"regnet: note: {note}", file=sys.stderr)
    values = np.asarray(trained.predict(x), dtype=np.float64)
    if classes:
        names = [extra["target_name"], *(f"p({name})" for name in classes)]
        if values.shape[-1] == 1:  # two classes have one output: the probability of the second
            values = np.concatenate([1 - values, values], axis=-1)
        best = values.argmax(axis=-1)
        rows = [[classes[k], *(f"{p:.6g}" for p in row)] for k, row in zip(best, values, strict=True)]
    else:
        names, rows = [extra["target_name"]], [[repr(value)] for value in values[:, 0].tolist()]
    import csv

    with output.open("w", newline="") if output else open(sys.stdout.fileno(), "w", closefd=False, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
