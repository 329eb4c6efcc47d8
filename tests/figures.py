"""Strengths to draw at, and what a figure holds."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from regnet.display.plots import selection_figure

STRENGTHS = {
    "fifty": np.geomspace(1e-3, 1.0, 50),
    "falling": np.geomspace(1e-3, 1.0, 50)[::-1],
    "three": np.array([0.1, 0.2, 0.3]),
    "zero": np.array([0.0, 0.01, 0.1, 1.0]),
    "one": np.array([0.02]),
    "only-zero": np.array([0.0]),
}
strengths = pytest.mark.parametrize("lambdas", STRENGTHS.values(), ids=STRENGTHS.keys())


def drawn_at(lambdas: Any) -> Any:
    """Where strengths lie on the axis: a 0 at a tenth of the smallest positive one, of 1 if there is none."""
    positive = lambdas[lambdas > 0]
    return np.where(lambdas > 0, lambdas, (positive.min() if positive.size else 1.0) / 10)


def png(figure: Any) -> bytes:
    """The picture, drawn in full: layout, labels, legend."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def legend_texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def line_named(axis: Any, name: str) -> Any:
    (line,) = [line for line in axis.get_lines() if str(line.get_label()).partition(": ")[0] == name]
    return line


def bars(axis: Any) -> Any:
    """The ends of the error bars that are drawn: (n, 2 ends, 2 coordinates)."""
    _, _, (collection,) = axis.containers[0]
    return np.array([ends for ends in collection.get_segments() if len(ends) and np.isfinite(ends).all()])


def selection(lambdas: Any, **changes: Any) -> Any:
    n = len(lambdas)
    values: dict[str, Any] = {
        "mean": np.linspace(0.3, 0.5, n),
        "se": np.linspace(0.01, 0.04, n),
        "counts": np.arange(n) * 37 + 5,
        "best": n // 3,
        "one_se": n // 2,
    }
    values |= changes
    return selection_figure(lambdas, score_name="log loss", penalty="group L1", **values)


def paths(n: int, inputs: int, rng: np.random.Generator) -> tuple[Any, tuple[str, ...]]:
    return rng.uniform(0.1, 1.0, (n, inputs)), tuple(f"input {index}" for index in range(inputs))


def colours_by_name(axis: Any, names: tuple[str, ...]) -> dict[str, str]:
    colours = {line.get_label(): line.get_color() for line in axis.get_lines() if line.get_label() in names}
    assert set(colours) == set(names)
    return colours


def is_grey(colour: str) -> bool:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return red == green == blue and red > 0.7
