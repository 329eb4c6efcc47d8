"""Whether two source trees compute the same numbers: small problems of every kind, through public names alone.

Usage: python benchmarks/same_numbers.py --write FILE.npz       python benchmarks/same_numbers.py --against FILE.npz

Which tree it is, PYTHONPATH says (put the tree and its backends first); it need not be the one of this file. --write
trains every problem on NumPy plain and with numba, and many on PyTorch and JAX, and keeps what comes out: parameters,
histories, predictions, strengths, scores. --against trains them again, and ends with 1 unless all have the same bits,
or differ by no more than their problem allows. A difference is the largest one within an array over the largest number
that the array had. All is done in a process with one thread for each library and with the BLAS kernels of the
processor, so that sums are added up in the same order whatever else is running. What has changed numba compiles anew,
which takes minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import subprocess
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from threadpoolctl import threadpool_info

import regnet

KINDS: dict[str, dict[str, Any]] = {
    "numpy": {"backend": "numpy", "fast": False}, "numba": {"backend": "numpy", "fast": True},
    "torch": {"backend": "torch", "device": "cpu"}, "jax": {"backend": "jax"},
}  # fmt: skip
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ENVIRONMENT = {
    **dict.fromkeys(THREADS, "1"),
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
FOREIGN = ("OPENBLAS_CORETYPE", "REGNET_BACKEND", "REGNET_DEVICE", "REGNET_DTYPE")
"""Settings that give other numbers: none of them is passed on."""

MACHINE, NOT_RUN, STARTED = "machine", "not run", "SAME_NUMBERS_STARTED"


def arrays_of(found: Any, name: str = "") -> dict[str, Any]:
    """Everything in nested dictionaries and lists as NumPy arrays by name; what is None or text alone is left out.

    Of a list of dictionaries, such as a history, each entry is one array.
    """
    if isinstance(found, (list, tuple)) and found and isinstance(found[0], dict):
        found = {key: [one[key] for one in found] for key in found[0]}
    if isinstance(found, dict):
        parts = found.items()
    elif isinstance(found, (list, tuple)) and not all(isinstance(one, (int, float, str)) for one in found):
        parts = [(str(number), one) for number, one in enumerate(found)]
    else:
        return {} if found is None or isinstance(found, str) else {name: np.asarray(found)}
    joined = [(f"{name}.{key}" if name else str(key), one) for key, one in parts]
    return {key: array for within, one in joined for key, array in arrays_of(one, within).items()}


def difference(old: Any, new: Any) -> float:
    """0 for the same bits, the sign of a zero apart; else the largest difference over the largest finite |old|."""
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        return float("inf")
    if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        return 0.0
    if old.dtype.kind not in "biuf" or not np.array_equal(np.isfinite(old), np.isfinite(new)):
        return float("inf")
    finite = np.isfinite(old)
    if not np.array_equal(old[~finite], new[~finite], equal_nan=True):
        return float("inf")
    old, new = old[finite].astype(np.float64), new[finite].astype(np.float64)
    return float(np.abs(new - old).max() / max(np.abs(old).max(), np.finfo(np.float64).tiny))


def compare(old: dict[str, Any], new: dict[str, Any]) -> tuple[float, str]:
    """The largest difference of two problems' arrays, and the name of the one that has it ('' if there is none)."""
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    if gone or come:
        return float("inf"), f"no {gone[0]}" if gone else f"{come[0]} is new"
    found = [(difference(old[name], new[name]), name) for name in old]
    largest, name = max(found, default=(0.0, ""))
    return (largest, name) if largest else (0.0, "")


def machine() -> str:
    """What may change numbers beside the source tree."""
    versions = {"python": platform.python_version()}
    for name in ("numpy", "scikit-learn", "numba", "torch", "jax", "jaxlib"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    kernels = sorted({str(info.get("architecture")) for info in threadpool_info() if info["user_api"] == "blas"})
    return ", ".join([*(f"{name} {number}" for name, number in versions.items()), f"BLAS kernels {'/'.join(kernels)}"])


def train_all(
    problems: dict[str, Any], only: list[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, str], dict[str, float]]:
    """Arrays, what went wrong, and seconds, each by 'problem [kind]'; only: those with all these words in that."""
    done: dict[str, dict[str, Any]] = {}
    failed, seconds = {}, {}
    todo = [(f"{name} [{kind}]", kind, one) for kind in KINDS for name, one in problems.items() if kind in one.on]
    todo = [one for one in todo if all(word in one[0] for word in only)]
    for name, kind, problem in track(todo, description="training", console=Console(stderr=True), transient=True):
        if find_spec(kind) is None:
            failed[name] = f"{NOT_RUN}: {kind} is not installed"
            continue
        started = time.perf_counter()
        try:
            with regnet.config_context(**KINDS[kind]):
                done[name] = arrays_of(problem.train())
        except Exception as error:  # the others can be compared all the same
            failed[name] = f"{type(error).__name__}: {error}"
        seconds[name] = time.perf_counter() - started
    return done, failed, seconds


def write(file: Path, done: dict[str, dict[str, Any]]) -> None:
    """All arrays, by 'problem [kind]|array'."""
    arrays = {f"{name}|{key}": array for name, found in done.items() for key, array in found.items()}
    with file.open("wb") as opened:
        np.savez_compressed(opened, **{MACHINE: np.asarray(machine())}, **arrays)


def read(file: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """What `write` wrote, and on what machine."""
    found: dict[str, dict[str, Any]] = {}
    with np.load(file) as saved:
        for key in saved.files:
            name, _, array = key.partition("|")
            if array:
                found.setdefault(name, {})[array] = saved[key]
        return found, str(saved[MACHINE])


def print_compared(
    old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]], problems: dict[str, Any], rtol: float
) -> int:
    """A line a problem, a column a kind; returns how many differ by more than they allow. rtol: allowed in any case."""
    table, wrong = Table("problem", "arrays", *KINDS, "allowed", "largest in"), 0
    for problem, one in problems.items():
        names = [name for kind in KINDS if (name := f"{problem} [{kind}]") in new]
        found = {name: compare(old[name], new[name]) for name in names if name in old}
        if not names:
            continue
        allowed = max(one.rtol, rtol)
        worse = [name for name, (largest, _) in found.items() if largest > allowed]
        wrong += len(worse)
        cells = [_said(f"{problem} [{kind}]", old, new, found) for kind in KINDS]
        where = max(found.values(), default=(0.0, ""))[1]
        style = "bold red" if worse else None
        table.add_row(problem, str(sum(len(new[name]) for name in names)), *cells, f"{allowed:g}", where, style=style)
    Console(width=140).print(table)
    return wrong


def _said(name: str, old: dict[str, Any], new: dict[str, Any], found: dict[str, tuple[float, str]]) -> str:
    """A cell of the table."""
    if name not in found:
        return "new" if name in new else ""
    if found[name][0]:
        return f"{found[name][0]:.1e}"
    bits = all(old[name][key].tobytes() == array.tobytes() for key, array in new[name].items())
    return "equal" if bits else "equal, signs of 0 apart"


def digest_of_sources() -> str:
    """Of every file of the packages that are imported."""
    found = hashlib.sha256()
    for folder in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        for file in sorted(Path(folder).glob("regnet*/**/*.py")):
            found.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return found.hexdigest()[:16]


def start_over() -> int:
    """Run this script in the environment that it needs, which libraries read when they are imported.

    Each state of the sources has a folder of its own for what numba compiles: a loop in numba's cache holds the loops
    of other files that it calls as they were when it was compiled, so that an edit of those would not be seen.
    """
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    cache = {"NUMBA_CACHE_DIR": str(Path.home() / ".cache" / "regnet-same-numbers" / digest_of_sources())}
    return subprocess.run([sys.executable, *sys.argv], env=kept | ENVIRONMENT | cache | {STARTED: "1"}).returncode


def main() -> None:
    """Train, then write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", metavar="word", help="only problems with all these words, such as [numba]")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE")
    what.add_argument("--against", type=Path, metavar="FILE")
    parser.add_argument("--rtol", type=float, default=0.0, help="what every problem allows at least")
    asked = parser.parse_args()
    if STARTED not in os.environ:
        sys.exit(start_over())
    from same_problems import PROBLEMS  # beside this file, whatever tree is imported

    warnings.simplefilter("ignore")  # diverged, not converged: the numbers say it
    print(f"regnet of {Path(regnet.__file__).parent}; {machine()}")
    done, failed, seconds = train_all(PROBLEMS, asked.only)
    wrong = sum(not why.startswith(NOT_RUN) for why in failed.values())
    if asked.write:
        write(asked.write, done)
    else:
        old, there = read(asked.against)
        if there != machine():
            print(f"The file was written elsewhere: {there}")
        wrong += print_compared(old, done, PROBLEMS, asked.rtol)
    print(*(f"{name}: {why}" for name, why in failed.items()), sep="\n", end="\n" if failed else "")
    slowest = sorted(seconds, key=lambda name: -seconds[name])[:3]
    print("slowest:", ", ".join(f"{name} {seconds[name]:.1f} s" for name in slowest))
    count = f"{wrong} failed" if asked.write else f"{wrong} failed or differ by more than is allowed"
    print(f"{len(done)} trained in {sum(seconds.values()):.0f} s; {count}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
