"""Whether a BLAS runs the kernels that the processor could run."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["older_kernels", "vector_instructions"]

CPUINFO = Path("/proc/cpuinfo")

WITH_AVX512 = ("skylakex", "cooperlake", "sapphirerapids")
WITH_AVX2 = ("haswell", "zen", *WITH_AVX512)
"""OpenBLAS's architectures, by what their kernels are written in."""


@lru_cache(maxsize=1)
def vector_instructions() -> str:
    """'AVX-512', 'AVX2', 'NEON', or '' where the system does not tell."""
    try:
        words = set(CPUINFO.read_text().split())
    except OSError:
        return ""
    kinds = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON"))
    return next((kind for flag, kind in kinds if flag in words), "")


def older_kernels(library: dict[str, Any], /) -> str | None:
    """A sentence with the remedy if an OpenBLAS runs kernels older than the processor; library: threadpoolctl's."""
    architecture = str(library.get("architecture", "")).lower()
    newer = {"AVX-512": WITH_AVX512, "AVX2": WITH_AVX2}.get(vector_instructions())
    if library.get("internal_api") != "openblas" or not architecture or newer is None or architecture in newer:
        return None
    asked = os.environ.get("OPENBLAS_CORETYPE")
    remedy = f"unset OPENBLAS_CORETYPE (it is {asked})" if asked else "try a newer version of it"
    return (
        f"OpenBLAS runs {library['architecture']} kernels, but this processor has {vector_instructions()}: "
        f"{remedy}, and products may take half the time"
    )
