"""How an estimator becomes scikit-learn's, and is made of one of those."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from regnet.estimators.exchange.columns import copy_columns
from regnet.estimators.exchange.from_sklearn import read_sklearn
from regnet.estimators.exchange.host import HostCopy
from regnet.estimators.exchange.to_sklearn import to_sklearn
from regnet.estimators.fitted import write_fitted
from regnet.estimators.targets import Targets

__all__ = ["Exchange"]


class Exchange(HostCopy):
    """Ways to scikit-learn and back."""

    _targets_class: ClassVar[type[Targets]]

    def to_sklearn(self) -> Any:
        """Make scikit-learn's own estimator with the same predictions, to rounding.

        It takes tables as scikit-learn's estimators do, and can be used, pickled and converted to other formats (ONNX,
        by skl2onnx) where there is no regnet. Networks with hidden layers become its MLPClassifier or MLPRegressor,
        with this estimator's parameters where they mean the same: a solver that takes all rows becomes 'lbfgs', an
        optimizer 'adam' or 'sgd', and of the penalties there is `alpha` alone. A loss without logarithms becomes
        'squared_error', another one 'poisson', which predict alike. Where all that was trained with is there too,
        `partial_fit` goes on under 'adam' and 'sgd' in the same steps. Leaky ReLU becomes ReLU with twice the neurons,
        and the optimizer begins anew.

        Without hidden layers it is a LinearRegression, PoissonRegressor, GammaRegressor, TweedieRegressor or
        LogisticRegression, with scikit-learn's default parameters; for several labels, or several outputs that are
        logarithms, its MLP with hidden_layer_sizes=().

        What was fitted with an exposure predicts rates there. After `compact` it takes the columns that were kept:
        convert the whole estimator for one that takes all.

        Returns
        -------
        estimator
            One of scikit-learn's, fitted, on the host.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError
            For an activation or a loss of a class of one's own, derived from regnet's or not, and for several
            quantiles, whose predictions are sorted.
        """
        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Make an estimator of one of scikit-learn's, with the same predictions, to rounding.

        Parameters that mean the same are taken over, strengths of penalties too, so that a fit has the same optimum;
        of a linear model solver='newton' finds it. What the rows' number decides a fitted model does not tell: for the
        L1 of a LogisticRegression, alpha is 0 here, and `regnet.convert.from_sklearn(model, n_samples=n)` has the
        strengths. Nor are constraints taken over (positive=True, fit_intercept=False).

        Parameters
        ----------
        model : estimator
            An MLPClassifier or MLPRegressor of scikit-learn's, fitted or not; or, fitted, for classes a
            LogisticRegression or LogisticRegressionCV, and for values a LinearRegression, Ridge, Lasso, ElasticNet,
            RidgeCV, LassoCV, ElasticNetCV, PoissonRegressor, GammaRegressor or TweedieRegressor (with the link 'log'
            and a power from 1 to 2, or 'identity' and 0).

        Returns
        -------
        estimator
            Fitted, if the model is; predictions of one output are (n,).

        Raises
        ------
        NotFittedError
            For a linear model that is not fitted.
        ValueError
            For any other estimator, subclasses and classes of the same name included, and for a model of the other
            kind: classes, or values.
        """
        parameters, fitted = read_sklearn(model, cls.__name__, numeric=cls._targets_class.numeric)
        estimator = cls(**parameters)
        if fitted is not None:
            write_fitted(estimator, fitted)
            copy_columns(model, estimator)
        return estimator
