"""Wide tables: lanes without their dead inputs."""

from __future__ import annotations

import numpy as np
import pytest
from sweeps import same, small

from regnet.sweep import screening


def wide(**more):
    """A search on 300 inputs, of which two matter; as many steps whatever the batches."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 300))
    y = 2 * X[:, 0] - 2 * X[:, 1] + 0.1 * rng.standard_normal(60)
    steps = 3 if more.get("batch_size") == 20 else 1
    return small(max_iter=90 // steps, lambdas=np.geomspace(3e-3, 0.3, 6), **more).fit(X, y)


@pytest.mark.parametrize("batch_size", ["auto", 20])
def test_wide_tables_are_screened_and_do_not_depend_on_it(batch_size, tmp_path, fast):
    """Lanes without their dead inputs: blocks and accidents change nothing, and the dead are dead."""
    whole = wide(batch_size=batch_size, sweep_dir=tmp_path)
    assert {0, 1} <= set(np.flatnonzero(whole.selected_features_))
    assert whole.selected_features_.sum() <= 3
    same(whole, wide(batch_size=batch_size, memory_limit=1))
    for cell in list(tmp_path.glob("*/*.safetensors"))[::2]:
        cell.unlink()
    same(whole, wide(batch_size=batch_size, sweep_dir=tmp_path))


def test_an_input_that_left_too_early_comes_back(monkeypatch):
    """Here input 0 is thrown out at every strength; the gradient asks for it again."""
    kept = screening._kept

    def without_the_first(point, shape, wanted=(), groups=None):
        found = kept(point, shape, wanted, groups)
        return found if len(wanted) else np.setdiff1d(found, [0])

    monkeypatch.setattr(screening, "_kept", without_the_first)
    assert set(np.flatnonzero(wide().selected_features_)) == {0, 1}
