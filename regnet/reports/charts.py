"""Charts of a report, made with altair: they fit the page's width, take its colours, and answer the pointer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.display.plots import OKABE_ITO

__all__ = ["confusion_chart", "gap_chart", "norms_chart", "predictions_chart", "score_chart", "training_chart"]

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = OKABE_ITO[:6]
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY)
"""Of lines that are told apart; dashes tell them apart too, in print and for whoever sees no colours."""

DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [1, 3], [4, 1])

SHOWN_LINES, NAMED_LINES = 60, 6
"""Inputs that are drawn, those with the largest norms, and how many of these have a colour of their own."""

Rows = Sequence[Mapping[str, Any]]


def score_chart(rows: Rows, marks: Mapping[str, int], *, score: str, counted: str, penalty: str) -> Any:
    """The held-out score with its standard error against the strength.

    rows: by strength: strength, mean, se, used; marks: what a rule chose, by its name, as numbers of rows.
    """
    import altair as alt

    places = _places([row["strength"] for row in rows])
    data = [
        {"at": at, "strength": _number(row["strength"]), "score": row["mean"], "used": row["used"],
         "error": _finite(row["se"]), "low": _finite(row["mean"] - row["se"]), "high": _finite(row["mean"] + row["se"])}
        for at, row in zip(places, rows, strict=True) if np.isfinite(row["mean"])
    ]  # fmt: skip
    x = _strength_axis(places, rows, f"{penalty} strength (log scale)")
    tooltip = [
        alt.Tooltip("strength:N"), alt.Tooltip("score:Q", format=".4f", title=score),
        alt.Tooltip("error:Q", format=".4f", title="standard error"), alt.Tooltip("used:Q", title=f"{counted} used"),
    ]  # fmt: skip
    base = alt.Chart(alt.Data(values=data)).encode(x=x, tooltip=tooltip)
    near = alt.selection_point(on="pointerover", nearest=True, fields=["at"], empty=False, clear="pointerout")
    bars = base.mark_rule(color=SKY, strokeWidth=1.5).encode(y=alt.Y("low:Q", title=f"held-out {score}"), y2="high:Q")
    points = base.mark_circle(color=BLUE, opacity=1).encode(
        y=alt.Y("score:Q", scale=alt.Scale(zero=False)), size=alt.condition(near, alt.value(160), alt.value(45))
    ).add_params(near)  # fmt: skip
    chosen = [
        {"at": places[number], "rule": f"{name}: {_number(rows[number]['strength'])}"} for name, number in marks.items()
    ]
    rules = alt.Chart(alt.Data(values=chosen)).mark_rule(strokeWidth=1.5).encode(
        x=x, **_told_apart("rule", [str(one["rule"]) for one in chosen], colours=(VERMILION, GREEN, PURPLE))
    )  # fmt: skip
    return _finished(alt.layer(rules, bars, points))


def norms_chart(strengths: Sequence[float], norms: NDArray[Any], names: Sequence[str], chosen: int, what: str) -> Any:
    """Each input's norm against the strength. norms: (strengths, inputs); chosen: the number of the chosen strength."""
    import altair as alt

    norms = np.nan_to_num(np.asarray(norms, dtype=np.float64))
    order = np.lexsort((-norms.max(axis=0), -norms[chosen]))[:SHOWN_LINES]
    places = _places(strengths)
    named = [names[number] for number in order[:NAMED_LINES] if norms[chosen, number] > 0]
    data = [
        {"at": at, "strength": _number(strength), "norm": float(f"{norms[row, number]:.4g}"), "name": names[number],
         "line": names[number] if names[number] in named else "others"}
        for number in order for row, (at, strength) in enumerate(zip(places, strengths, strict=True))
    ]  # fmt: skip
    x = _strength_axis(places, [{"strength": one} for one in strengths], "strength (log scale)")
    tooltip = [alt.Tooltip("name:N", title=what), alt.Tooltip("strength:N"), alt.Tooltip("norm:Q", format=".3g")]
    over = alt.selection_point(on="pointerover", fields=["name"], empty=False, clear="pointerout")
    lines = alt.Chart(alt.Data(values=data)).mark_line(interpolate="linear").encode(
        x=x, y=alt.Y("norm:Q", title=f"norm of the {what}'s weights"), detail="name:N", tooltip=tooltip,
        strokeWidth=alt.condition(over, alt.value(4), alt.value(1.6)),
        **_told_apart("line", [*named, "others"], colours=(*COLOURS[: len(named)], "#8c959f")),
    ).add_params(over)  # fmt: skip
    rule = alt.Chart(alt.Data(values=[{"at": places[chosen]}])).mark_rule(
        color="currentColor", strokeDash=[4, 4], strokeWidth=1.2
    ).encode(x=x)  # fmt: skip
    return _finished(alt.layer(rule, lines))


def confusion_chart(counts: NDArray[Any], classes: Sequence[str]) -> Any:
    """How many rows of each class were predicted as which. counts: (true, predicted)."""
    import altair as alt

    totals = np.maximum(counts.sum(axis=1), 1e-300)
    data = [
        {"true": classes[i], "predicted": classes[j], "rows": float(count), "share": float(count / totals[i])}
        for (i, j), count in np.ndenumerate(counts)
    ]  # fmt: skip
    order = list(classes)
    base = alt.Chart(alt.Data(values=data)).encode(
        x=alt.X("predicted:N", sort=order, axis=alt.Axis(labelAngle=0 if len(order) <= 12 else -90)),
        y=alt.Y("true:N", sort=order),
        tooltip=["true:N", "predicted:N", alt.Tooltip("rows:Q", format=",.6~g"), alt.Tooltip("share:Q", format=".1%")],
    )
    cells = base.mark_rect(color=BLUE).encode(
        opacity=alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1]), legend=None)
    )
    text = base.mark_text(fontSize=13 if len(order) <= 12 else 9).encode(
        text=alt.Text("rows:Q", format=",.4~g"),
        color=alt.condition("datum.share > 0.55", alt.value("white"), alt.value("currentColor")),
    )
    return _finished(alt.layer(cells, text), height=min(520, 60 + 34 * len(order)))


def predictions_chart(true: NDArray[Any], predicted: NDArray[Any], target: str) -> Any:
    """What was predicted for each row against what it has; on the line both agree."""
    import altair as alt

    data = [{"actual": _rounded(a), "predicted": _rounded(b)} for a, b in zip(true, predicted, strict=True)]
    ends = [float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))]
    points = alt.Chart(alt.Data(values=data)).mark_circle(color=BLUE, opacity=0.45, size=28).encode(
        x=alt.X("actual:Q", title=f"{target}, actual", scale=alt.Scale(zero=False)),
        y=alt.Y("predicted:Q", title=f"{target}, predicted", scale=alt.Scale(zero=False)),
        tooltip=[alt.Tooltip("actual:Q", format=".4~g"), alt.Tooltip("predicted:Q", format=".4~g")],
    )  # fmt: skip
    line = alt.Chart(alt.Data(values=[{"actual": one, "predicted": one} for one in ends])).mark_line(
        color="currentColor", strokeDash=[5, 4], strokeWidth=1
    ).encode(x="actual:Q", y="predicted:Q")  # fmt: skip
    return _finished(alt.layer(line, points), height=380)


def training_chart(epochs: Sequence[int], lines: Mapping[str, Sequence[float]], title: str) -> Any:
    """What was measured while a network was trained, by epoch."""
    import altair as alt

    data = [
        {"epoch": int(epoch), "value": _rounded(value), "line": name}
        for name, values in lines.items() for epoch, value in zip(epochs, values, strict=True) if np.isfinite(value)
    ]  # fmt: skip
    near = alt.selection_point(on="pointerover", nearest=True, fields=["epoch"], empty=False, clear="pointerout")
    base = alt.Chart(alt.Data(values=data)).encode(
        x=alt.X("epoch:Q"), y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=False)),
        tooltip=["line:N", "epoch:Q", alt.Tooltip("value:Q", format=".4~g", title=title)],
        **_told_apart("line", list(lines)),
    )  # fmt: skip
    points = base.mark_circle().encode(
        strokeDash=alt.value([1, 0]), opacity=alt.condition(near, alt.value(1), alt.value(0)), size=alt.value(70)
    ).add_params(near)  # fmt: skip
    return _finished(alt.layer(base.mark_line(strokeWidth=1.8), points))


def gap_chart(gaps: NDArray[Any], penalties: Sequence[str], intervals: Sequence[Any], metric: str, scale: float) -> Any:
    """Training minus held-out metric of every seed, times scale, with means and intervals. gaps: (penalties, seeds)."""
    import altair as alt

    data = [
        {"penalty": name, "gap": _rounded(scale * gap), "seed": seed}
        for name, own in zip(penalties, gaps, strict=True) for seed, gap in enumerate(own)
    ]  # fmt: skip
    means = [
        {"penalty": name, **{of: _rounded(scale * getattr(one, of)) for of in ("mean", "low", "high")}}
        for name, one in zip(penalties, intervals, strict=True)
    ]  # fmt: skip
    y = alt.Y("penalty:N", sort=list(penalties), title=None)
    title = f"training minus held-out {metric}" + (", %" if scale != 1.0 else "")
    seeds = alt.Chart(alt.Data(values=data)).mark_tick(color=SKY, opacity=0.9, thickness=2).encode(
        x=alt.X("gap:Q", title=title, scale=alt.Scale(padding=12)), y=y,
        tooltip=["penalty:N", "seed:Q", alt.Tooltip("gap:Q", format=".3f")],
    )  # fmt: skip
    zero = alt.Chart(alt.Data(values=[{"gap": 0}])).mark_rule(color="currentColor", strokeDash=[4, 4]).encode(x="gap:Q")
    tooltip = ["penalty:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("mean", "low", "high"))]
    base = alt.Chart(alt.Data(values=means)).encode(y=y, tooltip=tooltip)
    bars = base.mark_rule(color=VERMILION, strokeWidth=3).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(color=VERMILION, filled=True, size=110, shape="diamond", opacity=1).encode(x="mean:Q")
    return _finished(alt.layer(zero, seeds, bars, points), height=60 + 44 * len(penalties))


def _finished(chart: Any, *, height: int = 300) -> Any:
    """As wide as the page, in its colours: text and lines that are none of the data's are of the text's colour."""
    ink = {"labelColor": "currentColor", "titleColor": "currentColor"}
    return (
        chart.properties(width="container", height=height, background="transparent")
        .configure(font="system-ui, sans-serif", autosize={"type": "fit-x", "contains": "padding"})
        .configure_axis(
            **ink, gridColor="currentColor", gridOpacity=0.13, domainColor="currentColor", tickColor="currentColor",
            labelFontSize=12, titleFontSize=13, titleFontWeight="normal", labelLimit=140,
        )
        .configure_view(stroke=None)
        .configure_legend(
            **ink, orient="bottom", title=None, labelFontSize=12, labelLimit=220, columns=3, symbolStrokeWidth=2,
            symbolType="stroke",
        )
    )  # fmt: skip


def _told_apart(field: str, names: Sequence[str], colours: Sequence[str] = COLOURS) -> dict[str, Any]:
    """A colour and dashes for each name."""
    import altair as alt

    count = len(names)
    return {
        "color": alt.Color(f"{field}:N", scale=alt.Scale(domain=list(names), range=list(colours[:count])), sort=None),
        "strokeDash": alt.StrokeDash(
            f"{field}:N", scale=alt.Scale(domain=list(names), range=[list(one) for one in (*DASHES, [1, 0])[:count]]),
            sort=None,
        ),
    }  # fmt: skip


def _places(strengths: Sequence[float]) -> list[float]:
    """Where strengths lie on a logarithmic axis: 0 at a tenth of the smallest other one."""
    positive = [one for one in strengths if one > 0]
    zero = min(positive, default=1.0) / 10
    return [float(one) if one > 0 else float(zero) for one in strengths]


def _strength_axis(places: Sequence[float], rows: Rows, title: str) -> Any:
    """Decades, and between few of them 1, 2 and 5; the place of a strength of 0 says 0."""
    import altair as alt

    zero = next((at for at, row in zip(places, rows, strict=True) if not row["strength"] > 0), 0.0)
    low, high = min(places) / 1.1, max(places) * 1.1
    if high < 4 * low:
        low, high = low / 2, high * 2
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    digits = (1,) if len(decades) > 5 else (1, 2, 5)
    ticks = [float(f"{digit}e{power}") for power in decades for digit in digits]
    kept = [tick for tick in ticks if max(low, 2 * zero) <= tick <= high]
    return alt.X(
        "at:Q", title=title, scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(
            grid=False, values=[zero, *kept] if zero else kept, labelOverlap=True,
            labelExpr=f"datum.value <= {1.5 * zero:.6g} ? '0' : format(datum.value, '~g')",
        ),
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.3g}"


def _finite(value: float) -> float | None:
    """Of one fold there is no standard error: a point then has no bar."""
    return value if np.isfinite(value) else None


def _rounded(value: Any) -> float | None:
    """Five digits are more than a chart shows; what is no number is absent."""
    return float(f"{float(value):.5g}") if np.isfinite(value) else None
