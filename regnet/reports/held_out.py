"""What was predicted for rows that a network did not see, against what they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from regnet.reports.charts import confusion_chart, predictions_chart
from regnet.reports.page import Figure

__all__ = ["held_out_figure"]

DOTS = 2000
"""Rows that are drawn at most: a page of a million would not open."""

CLASSES = 30
"""Classes up to which a table of them can be read."""


def held_out_figure(
    y: NDArray[Any],
    predicted: NDArray[Any],
    classes: Sequence[Any] | None,
    target: str,
    told: str,
    class_names: Sequence[str] | None = None,
) -> Figure | None:
    """A confusion matrix, or predicted against actual values; None where a page has no picture of it.

    y: (n,); predicted: probabilities (n, classes), or values (n,), NaN in rows that nothing was predicted for; classes:
    in the order of the probabilities, None for values; told: what the rows are, in words; class_names: for the reader.
    """
    if y.ndim != 1 or predicted.shape != (y.shape if classes is None else (len(y), len(classes))):
        return None
    known = np.isfinite(predicted if classes is None else predicted.sum(axis=-1))
    y, predicted = y[known], predicted[known]
    if not len(y):
        return None
    if classes is None:
        return _values(np.asarray(y, dtype=np.float64), predicted, target, told)
    if len(classes) > CLASSES:
        return None
    guessed = np.asarray(classes)[predicted.argmax(axis=-1)]
    counts = confusion_matrix(y, guessed, labels=classes)
    right = np.trace(counts) / counts.sum()
    return Figure(
        "Right and wrong",
        f"{told}: {counts.sum():,} rows, {right:.1%} of them right. A row of the table is a true class.",
        confusion_chart(counts, [str(one) for one in (classes if class_names is None else class_names)]),
    )


def _values(y: NDArray[Any], predicted: NDArray[Any], target: str, told: str) -> Figure:
    count, error = len(y), float(np.sqrt(np.mean((y - predicted) ** 2)))
    drawn = np.sort(np.random.default_rng(0).permutation(count)[:DOTS])
    some = f", {DOTS:,} of them drawn" if count > DOTS else ""
    return Figure(
        "Predicted and actual",
        f"{told}: {count:,} rows{some}, root of the mean squared error {error:.4g}. On the dashed line both agree.",
        predictions_chart(y[drawn], predicted[drawn], target),
    )
