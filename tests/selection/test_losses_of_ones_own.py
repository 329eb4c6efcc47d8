"""Losses derived from ours with another formula, in estimators and searches."""

from __future__ import annotations

import numpy as np
import pytest

from regnet import MLPRegressor, MLPRegressorCV
from regnet.arrays.reductions import sum_outputs
from regnet.mathematics.losses import AbsoluteError, Huber, SquaredError, in_units


class Threefold:
    """1.5 sum_k r_k^2."""

    def value_and_grad(self, outputs, targets, /):
        residual = outputs - targets
        return 1.5 * sum_outputs(residual * residual), 3.0 * residual


def derived(ours):
    """A class of ours' name and module."""
    body = {"value_and_grad": Threefold.value_and_grad, "__module__": ours.__module__}
    return type(ours.__name__, (ours,), body)()


def data():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((40, 4))
    return x, x[:, 0] - 2 * x[:, 1] + 0.1 * rng.standard_normal(40)


def search(loss, **given):
    return MLPRegressorCV((), loss=loss, cv=3, random_state=0, max_iter=200, **given).fit(*data())


def test_a_derived_huber_is_searched_by_its_own_formula():
    """Three times the squared error needs three times the penalty, wherever the class comes from."""
    found = [search(derived(ours), solver="fista", n_lambdas=4) for ours in (Huber, SquaredError)]
    for name in ("lambdas_", "cv_scores_", "n_selected_"):
        np.testing.assert_array_equal(*(np.asarray(getattr(one, name)) for one in found))
    plain = search("squared_error", solver="fista", n_lambdas=4)
    assert 3 <= found[0].lambdas_[0] / plain.lambdas_[0] <= 6  # the range is searched by doubling
    assert in_units(derived(Huber), 7.0).delta == 1.0


def test_a_smooth_loss_derived_from_one_with_a_kink_has_every_solver():
    x, y = data()
    found = [
        MLPRegressor(hidden_layer_sizes=(), loss=derived(ours), solver="lbfgs", random_state=0).fit(x, y).coefs_[0]
        for ours in (AbsoluteError, SquaredError)
    ]
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(
        found[0], MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=1e-4 / 3).fit(x, y).coefs_[0], atol=1e-3
    )
    with pytest.raises(ValueError, match="needs second derivatives"):
        MLPRegressor(hidden_layer_sizes=(), loss=derived(SquaredError), solver="newton").fit(x, y)


def test_a_sweep_does_not_go_on_with_another_class_of_the_same_name(tmp_path):
    derived = type("SquaredError", (SquaredError,), {"__module__": __name__})()
    given = {"solver": "fista", "lambdas": [0.1, 0.01], "sweep_dir": tmp_path}
    found = search(SquaredError(), **given)
    with pytest.raises(ValueError, match=r"of another problem: estimator differ"):
        search(derived, **given)
    np.testing.assert_array_equal(search(SquaredError(), **given).cv_scores_, found.cv_scores_)
