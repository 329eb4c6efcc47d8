"""scikit-learn's own checks of estimators."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from regnet import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def checks():
    for estimator in (MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)):
        for number, (instance, check) in enumerate(estimator_checks_generator(estimator)):
            name = getattr(check, "func", check).__name__
            yield pytest.param(instance, check, id=f"{type(estimator).__name__}-{number}-{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_checks(estimator, check):
    import array_api_strict

    with array_api_strict.ArrayAPIStrictFlags(boolean_indexing=True, data_dependent_shapes=True):
        check(estimator)
