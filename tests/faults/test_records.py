"""Records of sweeps that were damaged, or made to harm: none is ever taken for what it is not, and little memory.

`python tests/faults/test_records.py 100000` tries so many, in place of two thousand.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from mutations import mutated
from safetensors.numpy import save as save_bytes
from sweeps import FRIEDMAN, same, small

from regnet.sweep.records import ROOM, RecordError, pack, read_file, unpack
from regnet.sweep.spec import Cell, Outcome

PROBLEM = hashlib.sha256(b"a problem").hexdigest()
CELL = Cell(3, 1, 0)


def an_outcome(seed=0, cell=CELL, diverged_at=-1):
    return Outcome(cell, np.random.default_rng(seed).normal(size=57), 0.25 + seed, diverged_at)


def equal(one, other):
    return (
        one.cell == other.cell
        and np.array_equal(one.point, other.point, equal_nan=True)
        and one.point.dtype == other.point.dtype
        and (one.loss == other.loss or (np.isnan(one.loss) and np.isnan(other.loss)))
        and one[3:] == other[3:]
    )


def read(path, problem=PROBLEM, cell=CELL, size=57, dtype="float64"):
    return unpack(problem, cell, size, dtype, read_file(path, size * 8 + ROOM))


def outcome_of(path, content, expected):
    """'error' or 'same'; anything else is raised."""
    path.write_bytes(content)
    try:
        found = read(path)
    except RecordError:
        return "error"
    assert equal(found, expected)
    return "same"


def figures(count, folder, seed):
    """How many mutated records were refused, and how many were what they had been."""
    rng, expected = np.random.default_rng(seed), an_outcome()
    content, other = pack(PROBLEM, expected), pack(PROBLEM, an_outcome(1, cell=Cell(3, 0, 0)))
    found = {"error": 0, "same": 0}
    for _ in range(count):
        found[outcome_of(folder / "x.safetensors", mutated(content, rng, other), expected)] += 1
    for length in range(len(content)):
        assert outcome_of(folder / "x.safetensors", content[:length], expected) == "error"
    return found


def test_records_that_were_changed_or_cut_off(tmp_path):
    found = figures(2000, tmp_path, 0)
    assert found["error"] > 1900


@pytest.mark.parametrize("diverged_at", [-1, 0, 17])
@pytest.mark.parametrize("loss", [0.5, np.inf, np.nan])
def test_a_whole_one_is_read(diverged_at, loss, tmp_path):
    outcome = an_outcome(diverged_at=diverged_at)._replace(loss=loss, converged=False)
    if diverged_at >= 0:
        outcome.point[3] = np.nan
    (tmp_path / "x").write_bytes(pack(PROBLEM, outcome))
    found = read(tmp_path / "x")
    assert equal(found, outcome)
    assert found.point.flags.writeable


def with_text(change):
    """A record whose text was changed by someone who knows the hash."""
    outcome = an_outcome()
    text = re.search(rb'"record":"((?:[^"\\]|\\.)*)"', pack(PROBLEM, outcome)).group(1).decode().replace('\\"', '"')
    changed = change(text)
    digest = hashlib.sha256(f"{changed} float64 ".encode() + outcome.point.tobytes()).hexdigest()
    return save_bytes({"point": outcome.point}, metadata={"record": changed, "sha256": digest})


def archive(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


OTHER = pack(hashlib.sha256(b"another").hexdigest(), an_outcome())
HUGE = b'{"point": {"dtype": "F64", "shape": [100000000000], "data_offsets": [0, 800000000000]}}'

CRAFTED = {
    "nothing": (b"", "damaged"),
    "an archive": (archive(point=np.zeros(57)), "damaged"),
    "an archive of a gigabyte": (archive(point=np.zeros(2**27)), "should have"),
    "a header of a gigabyte": ((2**30).to_bytes(8, "little") + b"{}", "damaged"),
    "a tensor of a terabyte": (len(HUGE).to_bytes(8, "little") + HUGE, "damaged"),
    "another type": (save_bytes({"point": np.zeros(57, dtype=np.float32)}), "damaged"),
    "no text": (save_bytes({"point": np.zeros(57)}), "damaged"),
    "another problem": (OTHER, "of another sweep"),
    "another cell": (pack(PROBLEM, an_outcome(cell=Cell(3, 0, 0))), "of another sweep"),
    "another size": (pack(PROBLEM, an_outcome()._replace(point=np.zeros(56))), "damaged"),
    "another shape": (pack(PROBLEM, an_outcome()._replace(point=np.zeros((57, 1)))), "damaged"),
    "weights that are none": (pack(PROBLEM, an_outcome()._replace(point=np.full(57, np.nan))), "not finite"),
    "a step that is none": (pack(PROBLEM, an_outcome(diverged_at=-5)), "step is none"),
    "a huge step": (pack(PROBLEM, an_outcome(diverged_at=2**70)), "step is none"),
    "a step of text": (with_text(lambda text: text.replace("-1", '"-1"')), "of another sweep"),
    "a list as a step": (with_text(lambda text: text.replace("-1", "[1]")), "damaged"),
    "an endless step": (with_text(lambda text: text.replace("-1", "Infinity")), "damaged"),
    "a step of many digits": (with_text(lambda text: text.replace("-1", "9" * 2000)), "step is none|another"),
    "a loss that is none": (with_text(lambda text: text.replace("0x1", "0y1")), "damaged"),
    "a loss beyond numbers": (with_text(lambda text: text.replace("p-2", "p+5000")), "damaged"),
    "a key twice": (with_text(lambda text: text[:-1] + ', "converged": true}'), "of another sweep"),
    "a further key": (with_text(lambda text: text[:-1] + ', "more": 1}'), "of another sweep"),
    "deep lists": (with_text(lambda text: "[" * 1500 + "]" * 1500), "damaged"),
    "no object": (with_text(lambda text: "[1]"), "damaged"),
}


@pytest.mark.parametrize("case", CRAFTED)
def test_records_that_were_made_to_harm(case, tmp_path):
    content, message = CRAFTED[case]
    (tmp_path / "x").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(RecordError, match=message):
        read(tmp_path / "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * len(content) + 1e6


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "huge file", "link to nothing", "no rights"])
def test_what_is_no_record_is_trained_again(kind, tmp_path):
    """A pipe would be waited for for ever, and a device has no end; what a link points to stays as it is."""
    settings = {"max_iter": 3, "adaptive": False, "lambdas": (0.01, 0.1)}
    whole = small(sweep_dir=tmp_path, **settings).fit(*FRIEDMAN)
    place = next(tmp_path.glob("path/*.safetensors"))
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "huge file":
        with place.open("wb") as file:
            file.truncate(2**40)
    elif kind == "no rights":  # which root has, and finds it empty
        place.write_bytes(b"")
        place.chmod(0)
    elif kind == "device" and os.geteuid() == 0:
        try:
            os.mknod(place, 0o600 | 0o020000, os.makedev(1, 5))
        except OSError:
            pytest.skip("no devices may be made here")
    else:
        place.symlink_to("/dev/zero" if "device" in kind else "nowhere")
    if kind == "link to nothing":  # there is no record yet
        same(whole, small(sweep_dir=tmp_path, **settings).fit(*FRIEDMAN))
    else:
        with pytest.warns(UserWarning, match="1 of its records cannot be used"):
            same(whole, small(sweep_dir=tmp_path, **settings).fit(*FRIEDMAN))
    assert place.is_file()
    assert not place.is_symlink()
    place.unlink()
    place.mkdir()
    with pytest.raises(ValueError, match="is a folder where a record belongs: delete it"):
        small(sweep_dir=tmp_path, **settings).fit(*FRIEDMAN)


@pytest.mark.parametrize("kind", ["pipe", "huge file", "a folder", "link to nothing"])
def test_what_is_no_description(kind, tmp_path):
    (tmp_path / "path").mkdir()
    place = tmp_path / "path" / "sweep.json"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "huge file":
        with place.open("wb") as file:
            file.truncate(2**40)
    elif kind == "a folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    with pytest.raises(ValueError, match=r"is not a sweep's description .*: give another folder, or delete it"):
        small(sweep_dir=tmp_path, max_iter=3).fit(*FRIEDMAN)


def test_records_of_another_problem_are_not_taken(tmp_path):
    """Not even where someone copies a folder's records under another's sheet."""
    settings = {"max_iter": 3, "adaptive": False, "lambdas": (0.01, 0.1)}
    whole = small(sweep_dir=tmp_path / "a", **settings).fit(*FRIEDMAN)
    small(sweep_dir=tmp_path / "b", activation="tanh", **settings).fit(*FRIEDMAN)
    for record in tmp_path.glob("b/path/*.safetensors"):
        shutil.copy(record, tmp_path / "a" / "path")
    with pytest.warns(UserWarning, match="8 of its records .* it is of another sweep"):
        same(whole, small(sweep_dir=tmp_path / "a", **settings).fit(*FRIEDMAN))


if __name__ == "__main__":
    import tempfile

    tracemalloc.start()
    with tempfile.TemporaryDirectory() as place:
        counts = figures(int(sys.argv[1]), Path(place), 1)
    highest = tracemalloc.get_traced_memory()[1]
    print(f"mutated records: {sys.argv[1]}; {counts}; memory at most {highest / 2**20:.1f} MiB")
    sys.exit(highest > 5e7)
