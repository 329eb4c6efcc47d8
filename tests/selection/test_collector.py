"""What is kept of the networks of a sweep."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris

from regnet import MLPClassifierCV, MLPRegressorCV
from regnet.selection import collector

KEPT = ("cv_scores_", "input_norms_", "zeros_", "chosen_restarts_", "pilot_scores_")
LINEAR = {"hidden_layer_sizes": (), "n_lambdas": 5}
NETWORKS = {"hidden_layer_sizes": (3,), "lambdas": [0.003, 0.03, 0.3], "max_iter": 3}


@pytest.mark.parametrize(("classes", "settings"), [
    (False, {**LINEAR, "penalty": "weight_l1"}),
    (False, {**LINEAR, "penalty": "input_l1", "l1_ratio": 0.5, "scoring": "neg_mean_absolute_error"}),
    (True, {**LINEAR, "penalty": "weight_l1"}),
    (True, {**LINEAR, "penalty": "input_l1", "scoring": "accuracy"}),
    (False, {**NETWORKS, "restarts": 2}),
    (True, {**NETWORKS, "penalty": "alpha", "batch_size": 40}),
])  # fmt: skip
def test_networks_that_are_looked_at_together_have_the_numbers_of_each_alone(classes, settings, rng, monkeypatch):
    """So that it does not matter which of them a block, a worker or a journal brings together."""
    X, y = load_iris(return_X_y=True) if classes else load_diabetes(return_X_y=True)
    y = y if classes else np.stack([y, rng.standard_normal(len(y))], axis=1)
    weight = rng.uniform(0.5, 2.0, len(X))
    search = (MLPClassifierCV if classes else MLPRegressorCV)(cv=3, random_state=0, **settings)
    together = search.fit(X, y, weight)
    found = {name: np.asarray(getattr(together, name)) for name in KEPT if hasattr(together, name)}
    found["norms"], found["losses"] = together.path_.norms, together.path_.losses
    monkeypatch.setattr(collector, "TOGETHER", 1)
    alone = search.fit(X, y, weight)
    other = {name: np.asarray(getattr(alone, name)) for name in KEPT if hasattr(alone, name)}
    other["norms"], other["losses"] = alone.path_.norms, alone.path_.losses
    assert found.keys() == other.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_a_network_without_finite_outputs_for_every_held_out_row_has_no_score():
    """Also where the score, such as accuracy, would have a number for a row that is not one."""
    X, y = load_iris(return_X_y=True)
    X[:, 2] *= 1e-3  # in units of their standard deviation the first one is beyond float64
    X[0, 2] = 1e307
    held_out = np.arange(0, len(X), 3)
    cv = [(np.setdiff1d(np.arange(len(X)), held_out), held_out)]
    search = MLPClassifierCV(scoring="accuracy", cv=cv, refit=False, random_state=0, **NETWORKS)
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="No strength has a score on every fold"):
        search.fit(X, y)
