"""scikit-learn's own tests of its MLP, as they are installed with it, run against regnet's estimators."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from unittest import mock

import pytest
import sklearn.neural_network

import regnet

pytestmark = pytest.mark.filterwarnings("ignore")

PRIVATE = {
    "test_gradient": "reads the private _loss_grad_lbfgs; test_gradients.py checks every gradient",
    "test_learning_rate_warmstart": "reads the private _optimizer; test_as_scikit_learn.py compares the weights",
    "test_adaptive_learning_rate": "reads the private _optimizer; test_as_scikit_learn.py compares the printed rates",
}


def _load():
    """The module of tests, made anew with regnet's classes under scikit-learn's names."""
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    if spec is None:
        return None
    spec.name = spec.loader.name = "scikit_learns_test_mlp"
    module = importlib.util.module_from_spec(spec)
    ours = {"MLPClassifier": regnet.MLPClassifier, "MLPRegressor": regnet.MLPRegressor}
    with mock.patch.multiple(sklearn.neural_network, **ours), mock.patch.dict(sys.modules, {spec.name: module}):
        spec.loader.exec_module(module)
    assert module.MLPClassifier is regnet.MLPClassifier
    return module


_module = _load()
if _module is None:
    pytest.skip("this scikit-learn was installed without its tests", allow_module_level=True)
for _name, _test in inspect.getmembers(_module, inspect.isfunction):
    if _name.startswith("test_"):
        reason = PRIVATE.get(_name)
        globals()[_name] = (
            _test if reason is None else pytest.mark.skip(reason=f"scikit-learn's {_name} {reason}")(_test)
        )


@pytest.fixture
def global_random_seed():
    """scikit-learn's own fixture of this name."""
    return 42


def test_there_is_something_to_run():
    assert sum(name.startswith("test_") for name in globals()) > 40
