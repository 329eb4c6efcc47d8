"""Results as a table, a picture and a file."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

__all__ = ["headline", "markdown", "print_results", "save_picture", "save_results", "slope"]


def _times(own: dict[str, Any]) -> str:
    return f"{own['median']:.3g}"


def _ours(results: dict[str, Any]) -> float | None:
    """The fastest of ours."""
    medians = [own["median"] for own in results.values() if own["kind"] == "ours" and "median" in own]
    return min(medians) if medians else None


def _floor(results: dict[str, Any]) -> float | None:
    return next((own["median"] for own in results.values() if own["kind"] == "floor" and "median" in own), None)


def slope(curve: dict[str, float]) -> float:
    """Of log time against log size: 1 where twice the size takes twice the time."""
    sizes, times = np.log([float(size) for size in curve]), np.log(list(curve.values()))
    return float(np.polyfit(sizes, times, 1)[0])


def headline(machine: dict[str, Any]) -> str:
    """What was measured on, in a line."""
    gpu = machine.get("gpu")
    if gpu:
        return (
            f"{gpu['name']}, {gpu['memory_gib']} GiB, {gpu['driver']}, copy {gpu['copy_gb_per_s']} GB/s, product "
            f"{gpu['float32_tflops']} TFLOP/s in float32"
        )
    return f"{machine['processor']}, {machine['cores']} cores, copy {machine['copy_gb_per_s']} GB/s"


def print_results(title: str, unit: str, results: dict[str, Any], console: Console) -> None:
    """A line a contestant: the median and half of the rounds, ratios, memory, what came before the first round."""
    curves = {name: own["median"] for name, own in results.items() if isinstance(own.get("median"), dict)}
    if curves:
        table = Table("", *[f"{number + 1}" for number in range(max(map(len, curves.values())))], "slope", title=title)
        for name, curve in curves.items():
            cells = [f"{size}: {value:.3g}" for size, value in curve.items()]
            table.add_row(name, *cells, *[""] * (len(table.columns) - 2 - len(cells)), f"{slope(curve):.2f}")
        console.print(table)
        return
    table = Table("", unit, "half of the rounds", "x ours", "x floor", "peak MB", "prepared s", title=title)
    table.columns[0].no_wrap = True
    ours, floor = _ours(results), _floor(results)
    for name, own in results.items():
        if "left_out" in own:
            table.add_row(name, "", own["left_out"], style="dim")
            continue
        low, high = own["spread"]
        table.add_row(
            name, _times(own), f"{low:.3g} to {high:.3g}", f"{own['median'] / ours:.2f}" if ours else "",
            f"{own['median'] / floor:.2f}" if floor else "", f"{own['peak_bytes'] / 1e6:.0f}", f"{own['prepared']:.1f}",
            style={"ours": "bold", "floor": "italic"}.get(own["kind"]),
        )  # fmt: skip
    console.print(table)


def save_results(path: Path, machine: dict[str, Any], workloads: dict[str, Any]) -> None:
    """Everything, as JSON; workloads that were not run this time stay as they were, with the date of their own."""
    before = json.loads(path.read_text()) if path.exists() else {"workloads": {}}
    kept = {name: {"date": before["machine"]["date"], **one} for name, one in before["workloads"].items()}
    new = {name: {**one, "date": machine["date"]} for name, one in workloads.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "workloads": {**kept, **new}}, indent=1) + "\n")


def save_picture(path: Path, workloads: dict[str, Any]) -> None:
    """Bars for every workload that has one time a contestant."""
    from matplotlib.figure import Figure

    shown = {
        name: one for name, one in workloads.items()
        if any(isinstance(own.get("median"), float) for own in one["contestants"].values())
    }  # fmt: skip
    columns = min(3, len(shown)) or 1
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(5.2 * columns, 3.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    colours = {"ours": "#1f77b4", "peer": "#b0b0b0", "floor": "#2ca02c"}
    for ax, (name, one) in zip(axes, shown.items(), strict=False):
        found = {label: own for label, own in one["contestants"].items() if "median" in own}
        order = sorted(found, key=lambda label: -found[label]["median"])
        values = [found[label]["median"] for label in order]
        bars = ax.barh(order, values, color=[colours[found[label]["kind"]] for label in order])
        ax.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
        ax.set(title=fill(f"{name}: {one['title']}", 56), xlabel=one["unit"], xlim=(0, 1.15 * max(values)))
        ax.title.set_fontsize(9)
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    figure.savefig(path, dpi=110)


def markdown(saved: dict[str, Any]) -> str:
    """The README's table: every contestant's median, workload by workload."""
    machine = saved["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    place = headline(machine) if "gpu" in machine else f"{machine['cores']} cores of {machine['processor']}"
    lines = [
        f"{place}, {machine['system']}, Python {machine['python']}; {versions}; {machine['date']}.",
        "",
        "| workload | unit | regnet | others | floor |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, one in saved["workloads"].items():
        found = {label: own for label, own in one["contestants"].items() if "median" in own}
        if any(isinstance(own["median"], dict) for own in found.values()):
            continue
        cells = {
            kind: "; ".join(
                f"{label.removeprefix('regnet ')} {_times(own)}" for label, own in found.items() if own["kind"] == kind
            )
            for kind in ("ours", "peer", "floor")
        }
        date = one.get("date", machine["date"])
        title = one["title"] if date == machine["date"] else f"{one['title']} ({date})"
        lines.append(f"| {name}: {title} | {one['unit']} | {cells['ours']} | {cells['peer']} | {cells['floor']} |")
    return "\n".join(lines)
