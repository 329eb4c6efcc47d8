"""Pictures of a path of strengths: what is drawn where, read back from the figures."""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import need

from regnet.display.plots import OKABE_ITO, norms_figure, selection_figure, stability_figure, training_figure

STRENGTHS = {
    "fifty": np.geomspace(1e-3, 1.0, 50),
    "falling": np.geomspace(1e-3, 1.0, 50)[::-1],
    "three": np.array([0.1, 0.2, 0.3]),
    "zero": np.array([0.0, 0.01, 0.1, 1.0]),
    "one": np.array([0.02]),
    "only-zero": np.array([0.0]),
}
strengths = pytest.mark.parametrize("lambdas", STRENGTHS.values(), ids=STRENGTHS.keys())


@pytest.fixture(autouse=True)
def _matplotlib(request: pytest.FixtureRequest) -> None:
    if "missing" not in request.node.name:
        need("matplotlib")


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


@strengths
def test_selection_draws_means_bars_and_both_lines(lambdas):
    mean, se = np.linspace(0.3, 0.5, len(lambdas)), np.linspace(0.01, 0.04, len(lambdas))
    best, one_se = len(lambdas) // 3, len(lambdas) // 2
    figure = selection(lambdas)
    assert png(figure).startswith(b"\x89PNG")
    axis = figure.axes[0]
    x = drawn_at(lambdas)
    points = axis.containers[0].lines[0]
    np.testing.assert_array_equal(points.get_xdata(), x)
    np.testing.assert_array_equal(points.get_ydata(), mean)
    ends = bars(axis)
    np.testing.assert_allclose(ends[:, 0, 1], mean - se)
    np.testing.assert_allclose(ends[:, 1, 1], mean + se)
    for name, index in (("best", best), ("1 SE", one_se)):
        line = line_named(axis, name)
        np.testing.assert_array_equal(line.get_xdata(), x[index])
        assert line.is_dashed()
        assert line.get_label() == f"{name}: {lambdas[index]:.3g}"
    assert legend_texts(figure) == ["mean ± 1 SE", f"best: {lambdas[best]:.3g}", f"1 SE: {lambdas[one_se]:.3g}"]
    assert axis.get_xscale() == "log"
    assert axis.get_xlim()[0] < x.min() <= x.max() < axis.get_xlim()[1]
    assert axis.get_ylabel() == "held-out log loss"
    assert "group L1" in axis.get_xlabel()


@strengths
@pytest.mark.parametrize("scale", [1, 1000])
def test_top_axis_counts_inputs_where_they_were_counted(lambdas, scale):
    counts = (np.arange(len(lambdas)) * 37 + 5) * scale
    figure = selection(lambdas, counts=counts)
    png(figure)
    axis, top = figure.axes
    x = drawn_at(lambdas)
    by_place = dict(zip(x.tolist(), counts.tolist(), strict=True))
    ticks, labels = top.get_xticks(), [label.get_text() for label in top.get_xticklabels()]
    assert labels == [str(by_place[tick]) for tick in ticks]
    assert x[len(lambdas) // 3] in ticks
    assert min(len(lambdas), 3) <= len(ticks) <= 15
    assert top.get_xlim() == axis.get_xlim()
    assert top.get_xscale() == "log"
    assert top.get_xlabel() == "inputs used"


@strengths
def test_tick_labels_do_not_overlap(lambdas):
    figure = selection(lambdas, counts=np.arange(len(lambdas)) + 10_000)
    png(figure)
    for axis in figure.axes:
        boxes = sorted((label.get_window_extent() for label in axis.get_xticklabels()), key=lambda box: box.x0)
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@strengths
def test_bottom_axis_says_what_stands_there(lambdas):
    axis = selection(lambdas).axes[0]
    places = drawn_at(lambdas)
    for tick, label in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True):
        text = label.get_text()
        power = text.removeprefix("$10^{").removesuffix("}$")
        value = 10.0 ** int(power) if power != text else float(text)
        if value == 0:
            assert tick == places[lambdas == 0][0]
        else:
            np.testing.assert_allclose(tick, value, rtol=5e-3)
    assert any(label.get_text() == "0" for label in axis.get_xticklabels()) == (0 in lambdas)


def test_diverged_networks_are_left_out_of_the_selection():
    lambdas = np.geomspace(1e-3, 1.0, 10)
    mean, se, counts = np.full(10, np.nan), np.full(10, 0.1), np.arange(10.0)
    mean[[2, 5, 6]], mean[9], se[5] = (0.4, 0.3, 0.5), np.inf, np.nan
    figure = selection(lambdas, mean=mean, se=se, counts=counts, best=5, one_se=6)
    png(figure)
    axis, top = figure.axes
    np.testing.assert_array_equal(axis.containers[0].lines[0].get_xdata(), lambdas[[2, 5, 6]])
    ends = bars(axis)
    np.testing.assert_array_equal(ends[:, :, 0], lambdas[[[2, 2], [6, 6]]])
    np.testing.assert_allclose(ends[:, 1, 1] - ends[:, 0, 1], 0.2)
    assert [label.get_text() for label in top.get_xticklabels()] == ["2", "5", "6"]


def test_nothing_but_diverged_networks_still_gives_a_picture():
    lambdas, missing = np.geomspace(1e-3, 1.0, 5), np.full(5, np.nan)
    assert png(selection(lambdas, mean=missing, se=missing, counts=missing, reference=missing))
    table, names = np.full((5, 3), np.nan), ("a", "b", "c")
    assert png(norms_figure(lambdas, table, names, 2, title="", ylabel=""))
    assert png(stability_figure(lambdas, table, names, 0.6))


def test_pilot_path_is_a_thin_grey_line():
    lambdas = np.geomspace(1e-3, 1.0, 20)
    reference = np.linspace(0.6, 0.4, 20)
    reference[3] = np.nan
    figure = selection(lambdas, reference=reference)
    line = line_named(figure.axes[0], "pilot path")
    np.testing.assert_array_equal(line.get_xdata(), np.delete(lambdas, 3))
    np.testing.assert_array_equal(line.get_ydata(), np.delete(reference, 3))
    assert line.get_linewidth() <= 1
    assert line.get_color() not in OKABE_ITO
    assert legend_texts(figure)[-1] == "pilot path"
    assert "pilot path" not in legend_texts(selection(lambdas))


@strengths
def test_norms_colour_exactly_the_inputs_used_where_chosen(lambdas, rng):
    norms, names = paths(len(lambdas), 8, rng)
    chosen = len(lambdas) // 2
    norms[chosen, [1, 4, 6]] = 0.0
    figure = norms_figure(lambdas, norms, names, chosen, title="weights", ylabel="norm")
    assert png(figure).startswith(b"\x89PNG")
    axis = figure.axes[0]
    colours = colours_by_name(axis, names)
    assert {name for name, colour in colours.items() if is_grey(colour)} == {"input 1", "input 4", "input 6"}
    ranked = [f"input {index}" for index in np.argsort(-norms[chosen]) if norms[chosen, index] > 0]
    assert legend_texts(figure) == [*ranked, "3 not used", f"chosen: {lambdas[chosen]:.3g}"]
    assert len({colours[name] for name in ranked}) == len(ranked)
    line = line_named(axis, names[3])
    np.testing.assert_array_equal(line.get_xdata(), drawn_at(lambdas))
    np.testing.assert_array_equal(line.get_ydata(), norms[:, 3])
    upright = [line for line in axis.get_lines() if line.get_label() not in names]
    np.testing.assert_array_equal([line.get_xdata() for line in upright], [[drawn_at(lambdas)[chosen]] * 2])
    assert upright[0].is_dashed()
    assert (axis.get_title(), axis.get_ylabel()) == ("weights", "norm")


def test_legend_names_the_twelve_largest_and_counts_the_rest(rng):
    lambdas = np.geomspace(1e-3, 1.0, 20)
    norms, names = paths(20, 100, rng)
    norms[7, 40:] = 0.0
    figure = norms_figure(lambdas, norms, names, 7, title="", ylabel="")
    largest = [names[index] for index in np.argsort(-norms[7])[:12]]
    assert legend_texts(figure) == [*largest, "28 more", "60 not used", f"chosen: {lambdas[7]:.3g}"]
    axis = figure.axes[0]
    assert {name for name, colour in colours_by_name(axis, names).items() if not is_grey(colour)} == set(names[:40])
    lines = [line_named(axis, name) for name in largest]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 12
    rest = {line_named(axis, name).get_color() for name in names[:40] if name not in largest}
    assert len(rest) == 1
    assert rest.isdisjoint({line.get_color() for line in lines})


@strengths
def test_stability_colours_exactly_the_inputs_that_reach_the_threshold(lambdas, rng):
    frequencies = rng.uniform(0.0, 0.59, (len(lambdas), 6))
    names = tuple("abcdef")
    frequencies[-1, 2], frequencies[0, 4] = 0.6, 0.95
    figure = stability_figure(lambdas, frequencies, names, 0.6)
    assert png(figure).startswith(b"\x89PNG")
    axis = figure.axes[0]
    assert {name for name, colour in colours_by_name(axis, names).items() if not is_grey(colour)} == {"c", "e"}
    assert legend_texts(figure) == ["e", "c", "4 below it throughout", "threshold: 0.6"]
    (level,) = [line for line in axis.get_lines() if line.get_label() not in names]
    np.testing.assert_array_equal(level.get_ydata(), 0.6)
    np.testing.assert_array_equal(line_named(axis, "c").get_ydata(), frequencies[:, 2])


def test_ties_at_the_top_of_the_stability_paths_go_to_the_higher_mean():
    frequencies = np.array([[1.0, 1.0, 0.8], [0.2, 0.9, 0.7]])
    figure = stability_figure(np.array([0.1, 1.0]), frequencies, ("short", "long", "low"), 0.75)
    assert legend_texts(figure) == ["long", "short", "low", "threshold: 0.75"]


def test_rows_of_diverged_networks_are_left_out_of_paths(rng):
    lambdas = np.geomspace(1e-3, 1.0, 6)
    values, names = paths(6, 3, rng)
    values[1], values[4, 0] = np.nan, np.inf
    figures = (
        norms_figure(lambdas, values, names, 2, title="", ylabel=""),
        stability_figure(lambdas, values / 2, names, 0.5),
    )
    for figure in figures:
        png(figure)
        for name in names:
            line = line_named(figure.axes[0], name)
            np.testing.assert_array_equal(line.get_xdata(), lambdas[[0, 2, 3, 5]])
            assert line.get_marker() == "o", "so few strengths need marks"


def test_names_are_shown_verbatim_and_long_ones_lose_their_middle():
    names = ("_private", "a$b$_{", "a % of $", "education_and_occupation_of_both_parents_2", "plain")
    figure = norms_figure(np.array([0.1, 1.0]), np.ones((2, 5)), names, 0, title="", ylabel="")
    assert png(figure)
    texts = legend_texts(figure)
    assert [texts[0], texts[1], texts[2], texts[4]] == ["_private", "a$b$_{", "a % of $", "plain"]
    assert texts[3] == "education_and_…h_parents_2"
    assert not any(text.get_parse_math() for text in figure.legends[0].get_texts())


def test_legends_stay_beside_the_axes(rng):
    lambdas = np.geomspace(1e-3, 1.0, 30)
    norms, _ = paths(30, 40, rng)
    names = tuple(f"education_and_occupation_of_both_parents_{index}" for index in range(40))
    figures = (
        selection(lambdas, reference=np.linspace(0.3, 0.6, 30)),
        norms_figure(lambdas, norms, names, 3, title="weights", ylabel="norm"),
        stability_figure(lambdas, norms, names, 0.6),
    )
    for figure in figures:
        png(figure)
        legend, axis = figure.legends[0].get_window_extent(), figure.axes[0].get_tightbbox()
        assert not legend.overlaps(axis)
        assert axis.width > figure.bbox.width / 2
        assert figure.bbox.x0 <= legend.x0
        assert legend.x1 <= figure.bbox.x1


@pytest.mark.parametrize("which", ["training", "selection", "norms", "stability"])
def test_missing_matplotlib_is_named(which, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lambdas, table = np.array([0.1, 1.0]), np.ones((2, 1))
    draw = {
        "training": lambda: training_figure({}, np.arange(2), "title"),
        "selection": lambda: selection(lambdas),
        "norms": lambda: norms_figure(lambdas, table, ("a",), 0, title="", ylabel=""),
        "stability": lambda: stability_figure(lambdas, table, ("a",), 0.6),
    }[which]
    with pytest.raises(ImportError, match="Plots need matplotlib: pip install matplotlib"):
        draw()
