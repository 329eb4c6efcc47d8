"""Files that earlier versions wrote are read for ever: those of tests/models/kept, each with what it predicted.

`python tests/models/test_kept_files.py FOLDER` writes one of each kind as this version does. A new format adds its
files to the others, which stay as they are.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import need

from regnet import (
    Dense,
    MLPClassifier,
    MLPClassifierCV,
    MLPRegressor,
    MLPRegressorCV,
    Network,
    PathResult,
    TableEncoder,
    fit,
    load,
    path,
    save,
)
from regnet.networks.checkpoint import FORMAT

KEPT = sorted((Path(__file__).parent / "kept").glob("*.safetensors"))
SHORT = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
FEW = {"cv": 3, "n_lambdas": 4, "random_state": 0}


def models():
    """Yields name, one trained model of each kind, and inputs to predict: an array, or columns by name."""
    rng = np.random.default_rng(20261127)
    x = rng.standard_normal((60, 3))
    y = x[:, 0] - 2 * x[:, 1] + 0.1 * rng.standard_normal(60)
    labels = np.where(y > 0, "high", "low")
    columns = {
        "size": x[:, 0].tolist(),
        "tree": rng.choice(["ash", "elm", "oak"], 60).tolist(),
        "width": [None if value > 1.5 else value for value in x[:, 2].tolist()],
    }
    network = Network((Dense(3, 4, "tanh"), Dense(4, 1)), loss="squared_error")
    yield "network", fit(network, x, y[:, None], epochs=5, seed=0, progress=False).model, x
    yield "stack", fit(network, x, y[:, None], epochs=5, seed=[0, 1], progress=False).model, x
    yield "classifier", MLPClassifier(**SHORT).fit(x, labels), x
    yield "regressor", MLPRegressor(**SHORT, loss="huber").fit(x, np.stack([y, -y], axis=1)), x
    table = MLPClassifierCV((4,), **FEW, max_iter=5, preprocessor=TableEncoder(missing="impute"))
    yield "table", table.fit(inputs_of(columns), labels), columns
    yield "linear", MLPRegressorCV((), **FEW).fit(x, y), x
    yield "search", MLPRegressorCV((4,), **FEW, max_iter=5).fit(x, y), x
    yield "path", path(MLPRegressor(**SHORT), x, y, n_lambdas=3), x


def inputs_of(kept):
    """What `predict` takes."""
    return need("pandas").DataFrame(kept) if isinstance(kept, dict) else kept


def predicted(model, inputs):
    """What it predicts; a path by the network of its weakest strength."""
    model = model.at(strength=float(model.lambdas[-1])) if type(model) is PathResult else model
    return np.asarray(model.predict(inputs_of(inputs)))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_a_kept_file_predicts_what_it_did(file):
    """On any processor: numbers to the rounding of another BLAS, classes exactly."""
    model, extra = load(file)
    found = predicted(model, extra["inputs"])
    if extra["predicted"].dtype.kind == "f":
        np.testing.assert_allclose(found, extra["predicted"], rtol=1e-6, atol=1e-9)
    else:
        np.testing.assert_array_equal(found, extra["predicted"])


def test_every_kind_of_this_format_is_kept():
    kinds = {"network", "stack", "classifier", "regressor", "table", "linear", "search", "path"}
    assert {file.stem for file in KEPT} >= {f"format-{FORMAT}-{kind}" for kind in kinds}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for kind, trained, rows in models():
        target = Path(sys.argv[1]) / f"format-{FORMAT}-{kind}.safetensors"
        save(target, trained, inputs=rows, predicted=predicted(trained, rows))
        print(json.dumps({str(target): target.stat().st_size}))
