"""The faces that scikit-learn's users know: `MLPClassifier` and `MLPRegressor`."""

from regnet.estimators.classifier import MLPClassifier
from regnet.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
