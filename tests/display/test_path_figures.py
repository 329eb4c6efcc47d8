"""Pictures of norms and frequencies along a path, read back from the figures."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import need
from figures import colours_by_name, drawn_at, is_grey, legend_texts, line_named, paths, png, selection, strengths

from regnet.display.plots import norms_figure, stability_figure, training_figure


@pytest.fixture(autouse=True)
def _matplotlib(request: pytest.FixtureRequest) -> None:
    if "missing" not in request.node.name:
        need("matplotlib")


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
    monkeypatch.delitem(sys.modules, "regnet.display.shown_figure", raising=False)
    lambdas, table = np.array([0.1, 1.0]), np.ones((2, 1))
    draw = {
        "training": lambda: training_figure({}, np.arange(2), "title"),
        "selection": lambda: selection(lambdas),
        "norms": lambda: norms_figure(lambdas, table, ("a",), 0, title="", ylabel=""),
        "stability": lambda: stability_figure(lambdas, table, ("a",), 0.6),
    }[which]
    with pytest.raises(ImportError, match="Plots need matplotlib: pip install matplotlib"):
        draw()
