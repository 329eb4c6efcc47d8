"""Processes that compile the same loop at once keep each other's code apart on disk."""

import numpy as np
from conftest import need


def test_two_that_have_read_an_empty_index(tmp_path, monkeypatch):
    """A writes the index, B the index and its code, A its code: numba's own names give both one file."""
    numba = need("numba")
    from regnet_numpy.compiled.jit import _compiled

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def twice(values):
        return values[0] + values[0]

    first, second = _compiled()(twice), _compiled()(twice)
    file, other = first._cache._cache_file, second._cache._cache_file
    save_code = file._save_data

    def late(name, data):
        assert second(np.asarray([0.5], np.float32)) == 1
        save_code(name, data)

    for one in (file, other):
        monkeypatch.setattr(one, "_load_index", dict)
    monkeypatch.setattr(file, "_save_data", late)
    assert first(np.asarray([1 << 40])) == 1 << 41
    third = _compiled()(twice)
    assert third(np.asarray([0.5], np.float32)) == 1
    assert third(np.asarray([1 << 40])) == 1 << 41
    assert third.stats.cache_hits.total() == 1  # B's; A's entry was lost, and is compiled again
