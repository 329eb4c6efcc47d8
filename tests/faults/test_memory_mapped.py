"""A table that lies on the disk is not copied: `fit` and `predict` in batches, with less memory than it takes.

`python tests/faults/test_memory_mapped.py 2000` takes a table of so many MiB, in place of 64.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

COLUMNS, WARM = 256, 3000

SETTINGS = {
    "all rows": {},
    "classes": {},
    "early stopping": {"early_stopping": True},
    "in order": {"shuffle": False},
    "penalised": {"input_l1": 0.01, "weight_l2": 0.01},
    "records": {},
    "weights": {},
    "core": {},
}


def make(path, megabytes):
    rng, rows = np.random.default_rng(0), megabytes * 1024
    table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, COLUMNS))
    for first in range(0, rows, 4096):
        part = table[first : first + 4096]
        part[...] = rng.standard_normal(part.shape, dtype=np.float32)
    table.flush()


def train(kind, x):
    """Fit and predict, one epoch."""
    from regnet import MLPClassifier, MLPRegressor, Network, fit

    y = np.array(x[:, 0])
    if kind == "core":
        network = Network.mlp([COLUMNS, 4, 1], loss="squared_error")
        return fit(network, x, y[:, None], epochs=1, batch_size=1024, progress=False).model.predict(x)
    settings = {"hidden_layer_sizes": (4,), "batch_size": 1024, "max_iter": 1, "random_state": 0} | SETTINGS[kind]
    given = {"records": {"log_every": 1}, "weights": {"sample_weight": np.ones(len(x))}}.get(kind, {})
    if kind == "classes":
        return MLPClassifier(**settings).fit(x, y > 0, **given).predict(x)
    return MLPRegressor(**settings).fit(x, y, **given).predict(x)


def in_little_memory(path, share):
    """What a process of its own does: it may take a share of the table's bytes beyond what small fits took."""
    import resource
    import warnings

    warnings.simplefilter("ignore")
    x = np.load(path, mmap_mode="r")
    for kind in SETTINGS:
        train(kind, x[:WARM])
    held = int(re.search(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (held + int(share * x.nbytes),) * 2)
    for kind in SETTINGS:
        try:
            assert len(train(kind, x)) == len(x)
        except MemoryError as error:
            print(f"{kind}: {error}")


def refused(path, share):
    """The kinds for which the memory did not suffice, with what was said."""
    words = [sys.executable, __file__, str(path), str(share)]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this system does not limit a process's own memory")
def test_a_table_on_the_disk_is_not_copied(tmp_path):
    make(tmp_path / "table.npy", 64)
    assert refused(tmp_path / "table.npy", 0.4) == ""
    assert len(refused(tmp_path / "table.npy", 0.0).splitlines()) == len(SETTINGS)  # the limit is one


if __name__ == "__main__":
    if len(sys.argv) > 2:
        in_little_memory(sys.argv[1], float(sys.argv[2]))
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "table.npy", int(sys.argv[1]))
        found = refused(Path(folder) / "table.npy", 0.25)
    print(f"{len(SETTINGS)} kinds on a table of {sys.argv[1]} MiB, a quarter of it to spare: {found or 'all trained'}")
    sys.exit(bool(found))
