"""Text files of known columns."""

from __future__ import annotations

import csv
import io

import numpy as np

from regnet.tables.encoding import EncodedColumn, encode
from regnet.tables.trained import open_inputs

ROWS = 60
X = np.random.default_rng(0).standard_normal((ROWS, 2)).round(3)
Y = (10 * X[:, 0] + np.arange(ROWS) / 8).round(2)
KINDS = np.where(X[:, 0] > 0, "yes", "no").tolist()


def write(path, columns, *, delimiter=",", header=True):
    """A text file of these columns, by name; its rows start in line 2 if there is a header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([list(columns), *zip(*columns.values(), strict=True)][0 if header else 1 :])
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def table(**changes):
    return {"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "y": Y.tolist()} | changes


def with_cell(values, row, cell):
    return [*values[:row], cell, *values[row + 1 :]]


def comma(values):
    return [str(value).replace(".", ",") for value in values]


def inputs_of(path, columns, **settings):
    """The inputs that a model needs of a file, a matrix, and what is said of them; columns: names, or as encoded."""
    known = [one if isinstance(one, EncodedColumn) else EncodedColumn(one, "number") for one in columns]
    with open_inputs(path, known, **settings) as (frame, notes):
        return np.concatenate([encode(one, frame[one.name]) for one in known], axis=1), notes
