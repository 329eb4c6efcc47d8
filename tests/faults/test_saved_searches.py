"""Files of searches that someone who knows the hash has changed: a clean error, or a model that predicts.

`python tests/faults/test_saved_searches.py 10000` tries so many, in place of 60.
"""

import copy
import json
import random
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save as save_bytes
from sklearn.datasets import load_iris

from regnet import MLPClassifierCV, ModelFileError, load, save
from regnet.networks.container import _digest

X, Y = load_iris(return_X_y=True)
VALUES = (
    None, True, 0, 1, -1, 2**40, 1.5, "", "x", [], {}, [1], {"object": 0}, {"object": 5}, {"object": 10**6},
    {"tuple": []}, {"float": "nan"}, {"bytes": "00"}, {"dict": [[1, 2]]}, "Quantiles", "Adam", "MLPRegressor",
)  # fmt: skip


def places(value, place=()):
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*place, key))


def at(value, place):
    for key in place:
        value = value[key]
    return value


def changed(description, tensors, rng):
    """One place of the description set, copied from elsewhere or taken away; sometimes a number of a tensor too."""
    found, arrays = copy.deepcopy(description), dict(tensors)
    everywhere = [place for place in places(found) if place]
    *front, last = rng.choice(everywhere)
    kind, whole = rng.random(), at(found, front)
    if kind < 0.6:
        whole[last] = rng.choice(VALUES)
    elif kind < 0.8:
        whole[last] = copy.deepcopy(at(description, rng.choice(everywhere)))
    else:
        whole.pop(last)
    if rng.random() < 0.2:
        name = rng.choice(sorted(arrays))
        arrays[name] = own = arrays[name].copy()
        own.reshape(-1)[rng.randrange(own.size)] = rng.choice([np.nan, np.inf, -1.0] if own.dtype.kind == "f" else [7])
    return found, arrays


def outcomes(folder, count, seed):
    """How often a file was refused, and how often it gave a model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = MLPClassifierCV(hidden_layer_sizes=(3,), max_iter=3, cv=3, n_lambdas=3, random_state=0).fit(X, Y)
    save(folder / "m.st", search)
    with safe_open(folder / "m.st", framework="np") as file:
        description = json.loads(file.metadata()["regnet"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    rng, found = random.Random(seed), Counter()
    for _ in range(count):
        given, arrays = changed(description, tensors, rng)
        text = json.dumps(given)
        content = save_bytes(arrays, metadata={"regnet": text, "sha256": _digest(text, arrays)})
        (folder / "x.st").write_bytes(content)
        try:
            model, _ = load(folder / "x.st")
        except ModelFileError as error:
            found["refused" if len(str(error)) < 1000 else "refused at length"] += 1
            continue
        found["models"] += 1
        if isinstance(model, MLPClassifierCV) and hasattr(model, "best_estimator_"):
            assert len(model.predict(X)) == len(X)
    return found


@pytest.mark.filterwarnings("ignore")
def test_searches_that_were_changed(tmp_path):
    found = outcomes(tmp_path, 60, seed=0)
    assert found["refused"] > 30
    assert found["refused"] + found["models"] == 60


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(dict(outcomes(Path(folder), int(sys.argv[1]), seed=None)))
