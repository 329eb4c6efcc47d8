"""`python -m benchmarks.gpu_machine`: what `make gpu` needs and does not find here, before it starts."""

from __future__ import annotations

import sys
from importlib.util import find_spec

NEEDED = (
    "cupy", "numpy", "sklearn", "scipy", "rich", "typer", "safetensors", "threadpoolctl", "joblib", "array_api_compat",
    "array_api_extra", "array_api_strict", "duckdb", "hypothesis", "pytest", "matplotlib", "pandas", "pyarrow",
    "python_calamine", "openpyxl", "regnet_cupy",
)  # fmt: skip
BETTER = {
    "nvmath": "CUDA graphs of wide networks, and the floor of the products",
    "torch": "the peer PyTorch",
    "jax": "the peer JAX",
}


def main() -> None:
    """One line for everything that is missing; exit status 1 if it cannot go on."""
    for name, what in BETTER.items():
        if find_spec(name) is None:
            print(f"{name} is not installed: without {what}.")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.exit(f"Missing: {', '.join(missing)}. Carry wheels of them, and set PYTHONPATH to where they are unpacked.")


if __name__ == "__main__":
    main()
