"""Model files that were damaged, cut off, or made to harm: a clean error or the very model, and little memory.

`python tests/faults/test_model_files.py 1000000` tries so many, in place of a thousand; a second number draws others.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from mutations import mutated
from safetensors import safe_open
from safetensors.numpy import save as save_bytes

from regnet import ModelFileError, Network, load, save
from regnet.arrays.tree import leaves
from regnet.backend.placement import placement_of
from regnet.commands.saving import load_model
from regnet.networks.container import _digest
from regnet.networks.model import Model
from regnet.tables.encoding import EncodedColumn

KEPT = Path(__file__).parents[1] / "models" / "kept"
"""One file of every kind of model."""

EXTRA = {"classes": ["no", "yes"], "means": np.arange(3.0), "names": np.asarray(["a", "bb"])}


def a_model(seed=0):
    network = Network.mlp([3, 4, 1], loss="binary_crossentropy", dropout=0.1)
    params = network.init(np.random.default_rng(seed))
    return Model(network, params, placement_of(leaves(params)[0]))


def hash_in(path):
    """The hash in a file, which is that of all that it says: see `test_the_hash_is_that_of_the_file`."""
    with safe_open(path, framework="np") as file:
        return file.metadata()["sha256"]


def outcome(path, content, expected):
    """'error', or 'same' for a model with the expected hash; anything else is raised."""
    path.write_bytes(content)
    try:
        load(path)
    except ModelFileError:
        return "error"
    assert hash_in(path) == expected
    return "same"


@pytest.fixture
def saved(tmp_path):
    save(tmp_path / "m.st", a_model(), **EXTRA)
    return tmp_path / "m.st"


def test_a_file_that_is_cut_off_anywhere(saved, tmp_path):
    content, expected = saved.read_bytes(), hash_in(saved)
    assert {outcome(tmp_path / "x.st", content[:length], expected) for length in range(len(content))} == {"error"}


def originals_of(path):
    found = [path, *sorted(KEPT.glob("*.safetensors"))]
    assert len(found) > 8
    return found


def changed(path, count, seed):
    """What becomes of so many files, changed from that of `path` and from one of each kind that is kept."""
    rng, found = np.random.default_rng(seed), {"error": 0, "same": 0}
    originals = [(one.read_bytes(), hash_in(one)) for one in originals_of(path)]
    for k in range(count):
        content, expected = originals[k % len(originals)]
        found[outcome(path.with_name("x.st"), mutated(content, rng), expected)] += 1
    return found


def test_files_that_were_changed(saved):
    """Blanks of the header's end may change; whatever else does is found out."""
    assert changed(saved, 1000, 0)["error"] > 980


def crafted(path, change, *, tensors=None, digest=True, header=None):
    """A file whose description was changed by someone who knows the hash."""
    save(path, a_model(), **EXTRA)
    with safe_open(path, framework="np") as file:
        description = json.loads(file.metadata()["regnet"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    arrays |= tensors or {}
    changed = change(description)
    text = changed if isinstance(changed, str) else json.dumps(changed)
    content = save_bytes(arrays, metadata={"regnet": text, "sha256": _digest(text, arrays) if digest else "0" * 64})
    path.write_bytes(content if header is None else header(content))


def layer(number, **fields):
    def change(description):
        description["network"]["layers"][number] |= fields
        return description

    return change


def network(**fields):
    def change(description):
        description["network"] |= fields
        return description

    return change


def extra(**fields):
    def change(description):
        description["extra"] |= fields
        return description

    return change


def unchanged(description):
    return description


def nested(description):
    return json.dumps(description)[:-1] + ', "deep": ' + "[" * 100_000 + "]" * 100_000 + "}"


CRAFTED = {
    "a huge width": (layer(0, in_features=2 * 10**7), "0.weight' is float64 of shape .3, 4., where its description"),
    "a larger one": (layer(0, out_features=10**12), "Dense.out_features of its network is 1000000000000"),
    "a width of nothing": (layer(0, in_features=0), "Dense.in_features"),
    "a width that is text": (layer(0, in_features="3"), "Dense.in_features"),
    "a width that is true": (layer(0, in_features=True), "Dense.in_features"),
    "widths that disagree": (layer(2, in_features=5), "its network is none"),
    "an unknown activation": (layer(0, activation="gelu"), "its network is none"),
    "a class of Python's": (layer(0, activation={"class": "os.system"}), "has a part 'os.system', which this regnet"),
    "a class elsewhere": (layer(0, activation={"class": "Network"}), "fields"),
    "a layer as an activation": (layer(0, activation={"class": "Dropout", "rate": 0.1}), "Dense.activation of its"),
    "a share of 2": (layer(1, rate=2.0), "its network is none"),
    "a share that is none": (layer(1, rate="much"), "Dropout.rate of its network is much"),
    "no layers": (network(layers=[]), "its network is none"),
    "a number as a loss": (network(loss=5), "Network.loss of its network is 5"),
    "a further field": (network(colour="red"), "has the fields"),
    "no network": (lambda found: {**found, "network": []}, "its description is of no network"),
    "another format": (lambda found: {**found, "format": 2}, "it has format 2, and this regnet reads 1"),
    "another part": (lambda found: {**found, "code": "x"}, "has other parts than a network and further values"),
    "a list": (lambda found: [found], "its description is no object"),
    "a key twice": (lambda found: json.dumps(found)[:-1] + ', "format": 1}', "has a key twice"),
    "NaN": (lambda found: json.dumps(found).replace('"format": 1', '"format": NaN'), "its description holds NaN"),
    "deep lists": (nested, "too deep"),
    "no JSON": (lambda found: "{", "is no JSON"),
    "cells of a gigabyte": (extra(names={"array": "<U99999", "shape": [1], "values": ["a"]}), "far shorter"),
    "a type of records": (extra(names={"array": "i4,f8", "shape": [0], "values": []}), "has the keys"),
    "fewer cells": (extra(names={"array": "<U1", "shape": [3], "values": ["a"]}), "of shape .3,. has 1 values"),
    "a negative shape": (extra(names={"array": "<U1", "shape": [-1], "values": ["a"]}), "has the shape"),
    "another tensor": (extra(means={"tensor": "gone/4", "dtype": "float64", "shape": [3]}), "lacks the tensor"),
    "one tensor twice": (
        extra(other={"tensor": "means/4", "dtype": "float64", "shape": [3]}), "two values of its description are one"
    ),
    "a weight as a value": (
        extra(other={"tensor": "0.weight", "dtype": "float64", "shape": [3, 4]}), "is a further value too"
    ),
    "no bytes": (extra(names={"bytes": "xyz"}), "a value of its description is none"),
    "no float": (extra(names={"float": "1e400"}), "a value of its description is none"),
    "a list as a key": (extra(names={"dict": [[[1], 2]]}), "a value of its description is none"),
}  # fmt: skip


@pytest.mark.parametrize("case", CRAFTED)
def test_files_that_were_made_to_harm(case, tmp_path):
    change, message = CRAFTED[case]
    path = tmp_path / "x.st"
    crafted(path, change)
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=message):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * path.stat().st_size + 5e7


COLUMN = EncodedColumn("a", "number").to_data()

TABLES = {
    "no columns": ({"columns": 5}, "columns"),
    "a column without a kind": ({"columns": [{"name": "a"}]}, "columns"),
    "a column of another kind": ({"columns": [COLUMN | {"kind": "code"}]}, "columns"),
    "levels that are numbers": ({"columns": [COLUMN | {"kind": "factor", "levels": [1, 2, 3]}]}, "columns"),
    "a fill that is text": ({"columns": [COLUMN | {"fill": "x"}] * 3}, "columns"),
    "a fill that is no level": ({"columns": [COLUMN | {"kind": "factor", "levels": ["x"], "fill": "y"}]}, "columns"),
    "fewer columns than inputs": ({"columns": [COLUMN]}, "1 inputs by name, and its network takes 3"),
    "one class of two": ({"classes": ["no"]}, "1 classes"),
    "classes of a regression": ({"classes": ["a", "b", "c"]}, "3 classes"),
    "scores that are text": ({"about": {"scores": {"r2": "much"}}}, "about"),
    "names that are a number": ({"unheaded": 5}, "columns"),
    "nothing about it": ({"about": [1]}, "about"),
}


@pytest.mark.parametrize("case", TABLES)
def test_what_a_file_says_of_tables(case, tmp_path):
    change, message = TABLES[case]
    known = {"feature_names": ["a", "b", "c"], "target_name": "y", "classes": ["no", "yes"], "about": {}}
    save(tmp_path / "x.st", a_model(), **known)
    assert [one.name for one in load_model(str(tmp_path / "x.st")).columns] == ["a", "b", "c"]
    save(tmp_path / "x.st", a_model(), **known | change)
    with pytest.raises(ModelFileError, match=message):
        load_model(str(tmp_path / "x.st"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value, tmp_path):
    crafted(tmp_path / "x.st", unchanged, tensors={"0.weight": np.full((3, 4), value)})
    with pytest.raises(ModelFileError, match=r"the tensor '0\.weight' holds numbers that are not finite"):
        load(tmp_path / "x.st")
    model = a_model()
    leaves(model.params)[0][0, 0] = value
    with pytest.raises(ValueError, match="The network has weights that are not finite"):
        save(tmp_path / "y.st", model)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0.weight": np.ones((3, 4), dtype=np.int32)}, "is int32 of shape .3, 4., where its description says float"),
        ({"0.bias": np.ones((1, 4), dtype=np.float32)}, "'0.bias' is float32 .* says float64 of shape"),
        ({"more": np.ones(3)}, "holds a tensor that its description does not: 'more'"),
        ({"0.weight": np.ones((4, 3))}, "of shape .4, 3., where its description says"),
    ],
)
def test_tensors_that_are_others(tensors, message, tmp_path):
    crafted(tmp_path / "x.st", unchanged, tensors=tensors)
    with pytest.raises(ModelFileError, match=message):
        load(tmp_path / "x.st")


def test_weights_that_were_changed_and_files_of_another_kind(tmp_path):
    crafted(tmp_path / "x.st", unchanged, tensors={"0.weight": np.ones((3, 4))}, digest=False)
    with pytest.raises(ModelFileError, match="does not have the hash that it was written with"):
        load(tmp_path / "x.st")
    (tmp_path / "x.st").write_bytes(save_bytes({"a": np.ones(3)}))
    with pytest.raises(ModelFileError, match=r"x.st' is not a model that regnet saved: it has no description"):
        load(tmp_path / "x.st")
    with pytest.raises(ModelFileError, match="is no file"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no model file"):
        load(tmp_path / "none.st")


def test_the_hash_is_that_of_the_file(saved):
    """Reckoned from the file alone, by what the format's description says."""
    with safe_open(saved, framework="np") as file:
        metadata = file.metadata()
        found = hashlib.sha256(metadata["regnet"].encode())
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            found.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode() + tensor.tobytes())
    assert metadata["sha256"] == found.hexdigest()


if __name__ == "__main__":
    import resource
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "m.st", a_model(), **EXTRA)
        for original in originals_of(Path(folder) / "m.st"):
            load(original)  # which imports what it needs
        changed(Path(folder) / "m.st", 1000, 0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        counts = changed(Path(folder) / "m.st", int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"changed model files: {sys.argv[1]}; {counts}; {more:.1f} MiB beyond what whole ones took")
    sys.exit(more > 50)
