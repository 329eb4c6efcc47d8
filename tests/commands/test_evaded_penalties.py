"""`regnet fit` says that a penalty is evaded, and the option that it names ends that."""

from __future__ import annotations

import json
import math
import re
from types import SimpleNamespace

import pytest
from command_line import called

from regnet import History, MLPRegressor, Network, Record
from regnet.commands.fit_report import evaded

FIT = ["fit", "breast_cancer", "--hidden", 8, "--epochs", 120, "--learning-rate", 0.01, "--json", "f.json"]


@pytest.mark.parametrize(("given", "remedy"), [
    (["--weight-l2", "0.02,0"], ["--weight-l2", "0.02"]),
    (["--weight-l1", "0.01,0"], ["--weight-l1", "0.01"]),
])  # fmt: skip
def test_the_line_names_an_option_that_helps(given, remedy, tmp_path):
    done = called(*FIT, *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = re.findall(r"^the penalty is evaded: .*$", done.stdout, re.MULTILINE)
    assert f"{' '.join(remedy)}, one number, is for all layers" in line
    told = json.loads((tmp_path / "f.json").read_text())
    assert told["evasion"]["exits"] == {"penalised": [0], "free": [1]}
    assert told["evasion"]["penalised"][1] == pytest.approx(told["weight_norm"]["0"] ** 2)
    assert f"to {told['evasion']['free'][1]:.4g}, and" in line
    done = called(*FIT, *remedy, cwd=tmp_path)
    assert "evaded" not in done.stdout
    assert json.loads((tmp_path / "f.json").read_text())["evasion"] is None


def test_groups_get_an_l2_on_the_other_layers():
    """By made records: which training evades a group lasso is a matter of chance."""
    estimator = MLPRegressor(hidden_layer_sizes=(4, 3), input_l1=0.02)
    norms = ((1, 1, 1), (9, 1, 1), (4, 4, 4))
    records = [Record(40 * k, 1.0, 1.0, {}, 0.5, 0.1, dict(zip("012", map(math.sqrt, own), strict=True)), {})
               for k, own in enumerate(norms)]  # fmt: skip
    network = Network.mlp([5, 4, 3, 1], loss="squared_error")
    run = SimpleNamespace(estimator=estimator, model=SimpleNamespace(network=network), history=History("r2", records))
    line = evaded(run)
    assert line.startswith("the penalty is evaded: since epoch 40 sum W^2 of layer 0 fell from 9 to 4 while that of "
                           "layers 1 and 2, without a penalty, grew from 2 to 8")  # fmt: skip
    assert line.endswith("--weight-l2 0,0.02,0.02 penalises these too")
