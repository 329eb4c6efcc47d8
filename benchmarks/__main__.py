"""`python -m benchmarks [--workload W1 ...] [--backend numpy] [--quick] [--out FOLDER] [--readme]`."""

from __future__ import annotations

import argparse
import json
import platform
import re
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import describe_machine
from benchmarks.report import markdown, print_results, save_picture, save_results
from benchmarks.runner import run_workload
from benchmarks.workload import NAMES, Contestant, find_workload

HERE = Path(__file__).parent
MARKS = ("<!-- benchmarks -->", "<!-- /benchmarks -->")


def main() -> None:
    """Run workloads, print a table each, write the file and the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--workload", action="append", choices=NAMES, help="may be given again; default: all")
    parser.add_argument("--backend", help="only ours on this backend, beside the peers (numpy, jax, torch)")
    parser.add_argument("--ours", action="store_true", help="without the peers")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="under a minute: fewer steps, rounds, contestants and workloads; nothing is written unless --out is given",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for <device>.json and <device>.png; default: benchmarks/results"
    )
    parser.add_argument("--device", default=f"cpu-{platform.machine()}", help="the name of the files")
    parser.add_argument("--readme", action="store_true", help="only write the saved figures into README.md")
    asked = parser.parse_args()
    folder = asked.out or HERE / "results"
    saved = folder / f"{asked.device}.json"
    if asked.readme:
        write_readme(HERE.parent / "README.md", json.loads(saved.read_text()))
        return

    def only(contestant: Contestant) -> bool:
        if contestant.kind == "ours":
            return asked.backend is None or asked.backend in contestant.name
        return contestant.kind == "floor" or not asked.ours

    console, found = Console(), {}
    machine = describe_machine()
    console.print(
        f"{machine['processor']}, {machine['cores']} cores, copy {machine['copy_gb_per_s']} GB/s", highlight=False
    )
    workloads = [find_workload(name) for name in asked.workload or NAMES]
    left_out = [workload.name for workload in workloads if asked.quick and workload.slow and not asked.workload]
    for workload in workloads:
        name = workload.name
        if name in left_out:
            continue
        with console.status(name) as status:
            results = run_workload(workload, quick=asked.quick, only=only, tell=status.update)
        print_results(f"{name}: {workload.title}", workload.unit, results, console)
        found[name] = {"title": workload.title, "unit": workload.unit, "quick": asked.quick, "contestants": results}
    if left_out:
        console.print(f"not in a quick run: {', '.join(left_out)}; --workload {left_out[0]} runs one", highlight=False)
    if asked.quick and asked.out is None:
        return
    save_results(saved, machine, found)
    save_picture(saved.with_suffix(".png"), json.loads(saved.read_text())["workloads"])
    console.print(f"written: {saved}, {saved.with_suffix('.png').name}", highlight=False)


def write_readme(path: Path, figures: dict[str, Any]) -> None:
    """Put the table between its marks."""
    start, stop = MARKS
    text = path.read_text()
    path.write_text(
        re.sub(f"{start}.*?{stop}", lambda _: f"{start}\n{markdown(figures)}\n{stop}", text, flags=re.DOTALL)
    )


if __name__ == "__main__":
    main()
