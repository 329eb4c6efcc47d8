"""The picture of a selection: what is drawn where, read back from the figure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from conftest import need
from figures import bars, drawn_at, legend_texts, line_named, png, selection, strengths

from regnet.display.plots import OKABE_ITO, norms_figure, stability_figure


@pytest.fixture(autouse=True)
def _matplotlib(request: pytest.FixtureRequest) -> None:
    if "missing" not in request.node.name:
        need("matplotlib")


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
