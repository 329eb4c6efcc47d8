"""Users whose BLAS runs kernels older than their processor are told."""

from __future__ import annotations

import pytest

from regnet.backend.registry import get_backend
from regnet_numpy import blas


@pytest.mark.parametrize(
    ("flags", "architecture", "setting", "said"),
    [
        ("avx2 avx512f", "Haswell", "Haswell", "unset OPENBLAS_CORETYPE (it is Haswell)"),
        ("avx2", "Nehalem", None, "try a newer version of it"),
        ("avx2 avx512f", "SkylakeX", None, None),
        ("avx2", "Zen", None, None),
        ("asimd", "neoversen1", None, None),
    ],
)
def test_kernels_older_than_the_processor_are_named(flags, architecture, setting, said, monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags} erms\n")
    monkeypatch.setattr(blas, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    if setting:
        monkeypatch.setenv("OPENBLAS_CORETYPE", setting)
    blas.vector_instructions.cache_clear()
    try:
        note = blas.older_kernels({"internal_api": "openblas", "architecture": architecture})
    finally:
        blas.vector_instructions.cache_clear()
    assert note is None if said is None else said in note
    if said:
        assert architecture in note


def test_backends_say_so(monkeypatch):
    monkeypatch.setattr("regnet_numpy.backend.older_kernels", lambda info: "old kernels: unset it")
    assert "old kernels: unset it" in get_backend("numpy").describe().notes
