"""Coverage-guided fuzzing of what reads files: model files, and the records of sweeps, made by one who knows the hash.

`python tests/faults/fuzz.py models 600` and `... records 600` run so many seconds each, and end at the first exception
that is not the reader's own, and at the first model that loads and cannot predict. Needs `pip install atheris`.
"""

from __future__ import annotations

import copy
import hashlib
import json
import sys
import tempfile
import warnings
from pathlib import Path

import atheris
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save as save_bytes

with atheris.instrument_imports(include=["regnet"]):
    from regnet import MLPClassifierCV, ModelFileError, load  # noqa: F401 (a search's parts are read by its module)
    from regnet.models import files  # noqa: F401
    from regnet.networks.container import _digest
    from regnet.sweep.records import RecordError, unpack
    from regnet.sweep.spec import Cell

KEPT = sorted((Path(__file__).parents[1] / "models" / "kept").glob("*.safetensors"))
SIZE = 57
RECORD = {
    "problem": hashlib.sha256(b"").hexdigest(), "cell": [1, 2, 0], "loss": (0.5).hex(), "diverged_at": -1,
    "converged": True,
}  # fmt: skip


def parts_of(path):
    """A model file's description as bytes, and its tensors."""
    with safe_open(path, framework="np") as file:
        return file.metadata()["regnet"].encode(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def other_tensors(tensors, data):
    """The tensors, one of which has another name, shape, type or values, as the data choose."""
    name = data.PickValueInList(sorted(tensors))
    changed, tensor = dict(tensors), tensors[name]
    kind = data.ConsumeIntInRange(0, 5)
    if kind == 0:
        changed[data.ConsumeUnicodeNoSurrogates(12)] = changed.pop(name)
    elif kind == 1:
        changed[name] = tensor.reshape(-1)
    elif kind == 2:
        changed[name] = tensor.astype(data.PickValueInList(["float32", "float64", "int64", "uint8", "bool", "float16"]))
    elif kind == 3 and tensor.size:
        changed[name] = tensor.copy()
        changed[name].reshape(-1)[data.ConsumeIntInRange(0, tensor.size - 1)] = data.PickValueInList([0, 1, 2, 100])
    elif kind == 4:
        changed[name] = tensor[..., :0]
    return changed


VALUES = (
    None, True, False, -1, 0, 1, 2, 3, 5, 10**9, 2**63, 1.5, -0.5, 1e308, "", "x", "0", "float32", "<U4", [], {}, [[]],
    [0], [1, 2], {"float": "inf"}, {"tuple": []}, {"tensor": "0.weight", "dtype": "float64", "shape": [3, 4]},
)  # fmt: skip


def place_in(description, data):
    """A container of the description and a key of it."""
    node = description
    while True:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return node, None
        key = keys[data.ConsumeIntInRange(0, len(keys) - 1)]
        if not isinstance(node[key], (dict, list)) or data.ConsumeIntInRange(0, 3) == 0:
            return node, key
        node = node[key]


def edited(descriptions, number, data):
    """A description in which some parts are deleted, renamed, or replaced by values or parts of others."""
    found = json.loads(descriptions[number])
    for _ in range(data.ConsumeIntInRange(1, 4)):
        node, key = place_in(found, data)
        kind = data.ConsumeIntInRange(0, 4)
        if key is None:
            continue
        if kind == 0:
            del node[key]
        elif kind == 1:
            other, at = place_in(json.loads(data.PickValueInList(descriptions)), data)
            node[key] = node[key] if at is None else other[at]
        elif kind == 2 and isinstance(node, dict):
            node[data.PickValueInList([*sorted(node), "x", "tensor", "array", "class"])] = copy.deepcopy(node[key])
        elif kind == 3 and isinstance(node[key], str):
            node[key] = data.ConsumeUnicodeNoSurrogates(20)
        else:
            node[key] = copy.deepcopy(data.PickValueInList(list(VALUES)))
    return json.dumps(found)


def tried_predictions(model):
    """A model that was read predicts; what it predicts from, it says itself."""
    names = getattr(model, "feature_names_in_", None)
    count = getattr(model, "n_features_in_", None) or getattr(getattr(model, "network", None), "in_features", None)
    if count is None or names is not None or count > 1000 or not hasattr(model, "predict"):
        return
    if getattr(model, "refit", True):  # a search without a network on all rows has none to predict with
        model.predict(np.zeros((2, int(count))))


def fuzz_models(folder):
    """A function that reads what the fuzzer makes: its first bytes choose a kept file and one of its tensors."""
    kept, place = [parts_of(path) for path in KEPT], folder / "x.safetensors"
    descriptions = [text for text, _ in kept]

    def one(content):
        data = atheris.FuzzedDataProvider(content)
        number = data.ConsumeIntInRange(0, len(kept) - 1)
        tensors = kept[number][1]
        if data.ConsumeIntInRange(0, 4) == 0:
            tensors = other_tensors(tensors, data)
        if data.ConsumeIntInRange(0, 4):
            text = edited(descriptions, number, data)
        else:
            text = data.ConsumeBytes(data.remaining_bytes()).decode(errors="replace")
        place.write_bytes(save_bytes(tensors, metadata={"regnet": text, "sha256": _digest(text, tensors)}))
        try:
            found = load(place)
        except ModelFileError:
            return
        tried_predictions(found[0])

    # Numbers are taken from the front: the file's, whether a tensor changes, whether text or a part of it does.
    return one, [bytes([number, 1, way]) + text for number, (text, _) in enumerate(kept) for way in (0, 1)]


def fuzz_records(folder):
    """A function that reads what the fuzzer makes: a record's text with its hash, or a file's bytes."""
    point = np.linspace(-1, 1, SIZE)

    def one(content):
        data = atheris.FuzzedDataProvider(content)
        raw = data.ConsumeBool()
        rest = data.ConsumeBytes(data.remaining_bytes())
        if not raw:
            text = rest.decode(errors="replace")
            digest = hashlib.sha256(f"{text} float64 ".encode() + point.tobytes()).hexdigest()
            rest = save_bytes({"point": point}, metadata={"record": text, "sha256": digest})
        try:
            found = unpack(RECORD["problem"], Cell(1, 2, 0), SIZE, "float64", rest)
        except RecordError:
            return
        assert np.isfinite(found.point).all() or found.diverged_at >= 0

    text = json.dumps(RECORD)
    digest = hashlib.sha256(f"{text} float64 ".encode() + point.tobytes()).hexdigest()
    whole = save_bytes({"point": point}, metadata={"record": text, "sha256": digest})
    return one, [b"\0" + text.encode(), b"\1" + whole]


def main():
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as place:
        one, seeds = {"models": fuzz_models, "records": fuzz_records}[sys.argv[1]](Path(place))
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            one(seed)
            (corpus / str(number)).write_bytes(seed)
        options = [
            f"-max_total_time={sys.argv[2]}",
            "-max_len=60000",
            "-len_control=0",
            "-rss_limit_mb=1500",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
