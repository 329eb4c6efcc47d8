"""What searches refuse."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from searches import FRIEDMAN, quick
from sklearn.datasets import make_classification
from sklearn.model_selection import KFold, LeaveOneOut

from regnet import Adam, MLPClassifierCV, MLPRegressor, stability_selection
from regnet.selection.settings import SWEEP_CONSTRAINTS, SweepSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cv": 300}, "Cannot have number of splits n_splits=300 greater than the number of samples"),
        ({"lambdas": ()}, "lambdas is empty"),
        ({"lambdas": (0.1, -1.0)}, "lambdas holds -1.0: strengths must be finite numbers of 0 or more"),
        ({"lambdas": np.ma.masked_greater([0.1, 0.2], 0.15)}, "lambdas is a masked array with 1 of 2 cells masked"),
        ({"lambdas": (-1.0, 1.0)}, "finite numbers of 0 or more"),
        ({"penalty": "l1"}, "The 'penalty' parameter"),
        ({"l1_ratio": 0.0}, "The 'l1_ratio' parameter"),
        ({"select": "best"}, "The 'select' parameter"),
        ({"relax": True, "penalty": "weight_l2"}, "needs penalty='input_l1'"),
        ({"adaptive": True, "penalty": "weight_l2"}, "needs penalty='input_l1'"),
        ({"penalty": "neuron_l1", "hidden_layer_sizes": ()}, "no hidden layer"),
        ({"executor": "dask"}, "The 'executor' parameter"),
        ({"preprocessor": 3}, "The 'preprocessor' parameter"),
        ({"solver": Adam([0.1, 0.2])}, "one learning rate"),
        ({"cv": LeaveOneOut()}, "R2 is not defined for a fold with one held-out row"),
        ({"scoring": lambda *_: float("nan")}, "the scorer gave NaN"),
        ({"scoring": "no such score"}, "is not a name of a score"),
        ({"cv": [(np.arange(0), np.arange(5))]}, "Fold 0 has no training rows"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(*FRIEDMAN)


def test_a_fold_without_a_class():
    X, y = make_classification(60, random_state=0)
    y[:20] = 2
    with pytest.raises(ValueError, match=r"Fold 0: no training row is of class .*2.* StratifiedKFold"):
        MLPClassifierCV(cv=list(KFold(3).split(X)), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="cannot be greater than the number of members"):
        MLPClassifierCV(cv=50, random_state=0).fit(X, y)


def test_stability_selections_own_errors():
    for settings, message in (
        ({"subsamples": 3}, "even number"),
        ({"subsamples": 10.0}, "even number"),
        ({"subsamples": "a"}, "even number"),
        ({"threshold": 0.2}, "threshold"),
        ({"penalty": "weight_l2"}, "selects no inputs"),
    ):
        with pytest.raises(ValueError, match=message):
            stability_selection(MLPRegressor(), *FRIEDMAN, **settings)


def test_every_setting_of_a_sweep_is_checked():
    assert {field.name for field in fields(SweepSettings)} == set(SWEEP_CONSTRAINTS)
