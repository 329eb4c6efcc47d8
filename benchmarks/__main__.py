"""`python -m benchmarks [--workload W1 ...] [--gpu] [--backend numpy] [--quick] [--out FOLDER] [--readme]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import describe_machine
from benchmarks.report import headline, markdown, print_results, save_picture, save_results
from benchmarks.runner import run_workload
from benchmarks.workload import GPU_NAMES, NAMES, Contestant, find_workload

HERE = Path(__file__).parent
MARKS = ("<!-- benchmarks -->", "<!-- /benchmarks -->")
GPU_MARKS = ("<!-- gpu benchmarks -->", "<!-- /gpu benchmarks -->")
PAGES = (HERE.parent / "README.md", HERE.parent / "docs" / "guide" / "speed.md")


def main() -> None:
    """Run workloads, print a table each, write the file and the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--workload", action="append", choices=NAMES + GPU_NAMES, help="may be given again; default: all"
    )
    parser.add_argument("--gpu", action="store_true", help="the workloads of a GPU, on CuPy's first device")
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
    parser.add_argument("--device", help="the name of the files; default: the processor's or the GPU's")
    parser.add_argument(
        "--readme",
        action="store_true",
        help="only write saved figures into README.md and docs/guide/speed.md: of the processor --device (or the "
        "latest one), and on the latter page of every GPU",
    )
    asked = parser.parse_args()
    folder = asked.out or HERE / "results"
    if asked.readme:
        for page in PAGES:
            write_tables(page, folder, asked.device)
        return

    def only(contestant: Contestant) -> bool:
        if contestant.kind == "ours":
            return asked.backend is None or asked.backend in contestant.name
        return contestant.kind == "floor" or not asked.ours

    console, writes = Console(), not asked.quick or asked.out is not None
    machine = describe_machine(gpu=asked.gpu)
    console.print(headline(machine), highlight=False)
    saved = folder / f"{asked.device or file_name(machine)}.json"
    workloads = [find_workload(name) for name in asked.workload or (GPU_NAMES if asked.gpu else NAMES)]
    left_out = [workload.name for workload in workloads if asked.quick and workload.slow and not asked.workload]
    disagree = []
    for workload in workloads:
        name = workload.name
        if name in left_out:
            continue
        at_once = 4 if asked.gpu else 1
        try:
            with console.status(name) as status:
                results = run_workload(workload, quick=asked.quick, only=only, tell=status.update, at_once=at_once)
        except RuntimeError as error:  # the other workloads' figures are no worse for it
            disagree.append(str(error))
            continue
        print_results(f"{name}: {workload.title}", workload.unit, results, console)
        found = {"title": workload.title, "unit": workload.unit, "quick": asked.quick, "contestants": results}
        if writes:
            save_results(saved, machine, {name: found})
    if left_out:
        console.print(f"not in a quick run: {', '.join(left_out)}; --workload {left_out[0]} runs one", highlight=False)
    if writes and saved.exists():
        save_picture(saved.with_suffix(".png"), json.loads(saved.read_text())["workloads"])
        console.print(f"written: {saved}, {saved.with_suffix('.png').name}", highlight=False)
    if disagree:
        sys.exit("\n".join(disagree))


def file_name(machine: dict[str, Any]) -> str:
    """Of the results: the GPU's name, or the processor's, with its vector instructions."""
    name = machine["gpu"]["name"] if "gpu" in machine else machine["processor"]
    plain = re.sub(r"\((R|TM)\)", "", str(name), flags=re.IGNORECASE).lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-") or platform.machine()


def write_tables(path: Path, folder: Path, processor: str | None = None) -> None:
    """Put the tables of a processor and of every GPU that was measured between a page's marks, with their pictures.

    processor: the name of its file, default the one that was measured last.
    """
    files = {one.stem: json.loads(one.read_text()) for one in sorted(folder.glob("*.json"))}
    gpus = [name for name, one in files.items() if "gpu" in one["machine"]]
    processors = sorted(files.keys() - set(gpus), key=lambda name: (files[name]["machine"]["date"], name))
    if processor is not None and processor not in processors:
        sys.exit(f"There is no {folder / processor}.json of a processor; there are: {', '.join(processors) or 'none'}.")
    text, pictures = path.read_text(), Path(os.path.relpath(folder, path.parent)).as_posix()
    for (start, stop), names in ((MARKS, [processor] if processor else processors[-1:]), (GPU_MARKS, gpus)):
        tables = "\n\n".join(
            f"{markdown(files[name])}\n\n![The same figures as bars]({pictures}/{name}.png)" for name in names
        )
        tables = tables or "Nothing has been measured yet."
        text = re.sub(f"{start}.*?{stop}", lambda _, s=start, t=tables, e=stop: f"{s}\n{t}\n{e}", text, flags=re.DOTALL)
    path.write_text(text)


if __name__ == "__main__":
    main()
