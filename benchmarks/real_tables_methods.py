"""What predicts in `real_tables.py`: regnet's searches, and what people use in their place, each tuned as it asks for.

A method is a function of a `Problem` that returns `Predicted`. All have the columns that `regnet.TableEncoder` makes of
the training rows; those that need it have them standardised. Those that select choose columns of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifierCV, MLPRegressorCV, TableEncoder

__all__ = ["METHODS", "Predicted", "Problem"]


class Problem(NamedTuple):
    """A table's rows to train on and new ones: as frames, and as standardised matrices, whose columns belong to parts.

    y: text for classes, float64 for values. parts: the table's column of each matrix column.
    """

    task: str
    frame: pd.DataFrame
    new: pd.DataFrame
    X: np.ndarray
    X_new: np.ndarray
    y: np.ndarray
    parts: tuple[str, ...]
    seed: int

    @property
    def classes(self) -> bool:
        """Whether the target is a class."""
        return self.task == "classification"

    @property
    def folds(self) -> KFold | StratifiedKFold:
        """Five, shuffled, the same for every method that takes them."""
        return (StratifiedKFold if self.classes else KFold)(5, shuffle=True, random_state=self.seed)

    @property
    def scoring(self) -> str:
        """What grids maximise, scikit-learn's name."""
        return "neg_log_loss" if self.classes else "r2"

    def columns_of(self, used: np.ndarray) -> int:
        """How many of the table's columns have a matrix column that is used."""
        return len({part for part, one in zip(self.parts, used, strict=True) if one})


class Predicted(NamedTuple):
    """values: probabilities (n, classes in their order) or values (n,); kept: how many of the table's columns."""

    values: np.ndarray
    kept: int


def search(select: str, neurons: int) -> Callable[[Problem], Predicted]:
    """Regnet's search with its defaults but for the rule and the hidden neurons."""

    def method(problem: Problem) -> Predicted:
        kind = MLPClassifierCV if problem.classes else MLPRegressorCV
        model = kind(
            (neurons,), select=select, preprocessor=TableEncoder(missing="impute"), cv=problem.folds,
            random_state=problem.seed,
        ).fit(problem.frame, problem.y)  # fmt: skip
        values = model.predict_proba(problem.new) if problem.classes else model.predict(problem.new)
        return Predicted(values, int(model.get_support().sum()))

    return method


def l1_linear(problem: Problem) -> Predicted:
    """scikit-learn's LassoCV, or LogisticRegressionCV with L1 (liblinear for two classes, SAGA for more)."""
    if not problem.classes:
        lasso = LassoCV(cv=problem.folds, max_iter=20_000).fit(problem.X, problem.y)
        return Predicted(lasso.predict(problem.X_new), problem.columns_of(lasso.coef_ != 0))
    two = len(np.unique(problem.y)) == 2
    solver = {"solver": "liblinear"} if two else {"solver": "saga", "max_iter": 300, "tol": 1e-3}
    logistic = LogisticRegressionCV(
        Cs=np.logspace(-3, 2, 20), l1_ratios=(1.0,), cv=problem.folds, scoring="neg_log_loss",
        use_legacy_attributes=False, random_state=problem.seed, **solver,
    ).fit(problem.X, problem.y)  # fmt: skip
    return Predicted(logistic.predict_proba(problem.X_new), problem.columns_of((logistic.coef_ != 0).any(axis=0)))


def mlp_grid(problem: Problem) -> Predicted:
    """scikit-learn's MLP under GridSearchCV: four strengths of its L2, 16 or 64 neurons."""
    grid = {"alpha": np.logspace(-4, 0.5, 4), "hidden_layer_sizes": [(16,), (64,)]}
    settings: dict[str, Any] = {"max_iter": 400, "learning_rate_init": 0.003, "random_state": problem.seed}
    model: Any = MLPClassifier(**settings)
    if not problem.classes:  # its rates are for targets of unit size
        model = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
        grid = {f"regressor__{name}": values for name, values in grid.items()}
    return everything(problem, GridSearchCV(model, grid, cv=problem.folds, scoring=problem.scoring))


def forest(problem: Problem) -> Predicted:
    """scikit-learn's forests of 200 trees under GridSearchCV: the share of columns a split sees, the least leaf."""
    grid = {"max_features": ["sqrt", 0.33, 1.0], "min_samples_leaf": [1, 5]}
    kind = RandomForestClassifier if problem.classes else RandomForestRegressor
    model = kind(200, random_state=problem.seed)
    return everything(problem, GridSearchCV(model, grid, cv=problem.folds, scoring=problem.scoring))


def everything(problem: Problem, model: Any) -> Predicted:
    """Fit what uses all columns, and predict."""
    model.fit(problem.X, problem.y)
    values = model.predict_proba(problem.X_new) if problem.classes else model.predict(problem.X_new)
    return Predicted(values, len(set(problem.parts)))


def lightgbm(problem: Problem) -> Predicted:
    """LightGBM at a rate of 0.05; leaves, least rows of a leaf and, by early stopping, trees by cross-validation."""
    import lightgbm as lgb

    labels, y = np.unique(problem.y, return_inverse=True) if problem.classes else (None, problem.y)
    common: dict[str, Any] = {"learning_rate": 0.05, "num_threads": 1, "verbosity": -1, "seed": problem.seed}
    if labels is None:
        common |= {"objective": "l2"}
    elif len(labels) == 2:
        common |= {"objective": "binary"}
    else:
        common |= {"objective": "multiclass", "num_class": len(labels)}
    folds = list(problem.folds.split(problem.X, problem.y))
    tried = []
    for leaves in (4, 15):
        for least in (5, 20):
            settings = {**common, "num_leaves": leaves, "min_data_in_leaf": least}
            data = lgb.Dataset(problem.X, y, params={"verbosity": -1, "min_data_in_leaf": least})
            found = lgb.cv(settings, data, 1000, folds=folds, callbacks=[lgb.early_stopping(50, verbose=False)])
            losses = next(values for name, values in found.items() if name.endswith("-mean"))
            tried.append((losses[-1], len(losses), leaves, least, settings))
    _loss, trees, _leaves, least, settings = min(tried, key=lambda one: one[:4])
    data = lgb.Dataset(problem.X, y, params={"verbosity": -1, "min_data_in_leaf": least})
    model = lgb.train(settings, data, trees)
    values = np.asarray(model.predict(problem.X_new))
    if labels is not None and len(labels) == 2:
        values = np.stack([1 - values, values], axis=1)
    return Predicted(values, problem.columns_of(model.feature_importance() > 0))


def lassonet(problem: Problem) -> Predicted:
    """LassoNet, 16 neurons, the table's columns as groups: of its path the network with the best validation loss.

    It keeps a tenth of the rows for that, as it does by itself.
    """
    from lassonet import LassoNetClassifier, LassoNetRegressor

    groups: dict[str, list[int]] = {}
    for place, part in enumerate(problem.parts):
        groups.setdefault(part, []).append(place)
    kind = LassoNetClassifier if problem.classes else LassoNetRegressor
    model = kind(
        hidden_dims=(16,), groups=list(groups.values()), path_multiplier=1.05, random_state=problem.seed,
        torch_seed=problem.seed, verbose=0,
    )  # fmt: skip
    labels, y = np.unique(problem.y, return_inverse=True) if problem.classes else (None, problem.y)
    scaler = StandardScaler()
    if labels is None:
        y = scaler.fit_transform(y[:, None])[:, 0]
    path = model.path(problem.X.astype(np.float32), y if labels is not None else y.astype(np.float32),
                      return_state_dicts=True)  # fmt: skip
    best = min(path, key=lambda one: one.val_loss)
    model.load(best.state_dict)
    X_new = problem.X_new.astype(np.float32)
    kept = problem.columns_of(best.selected.numpy())
    if labels is not None:
        return Predicted(np.asarray(model.predict_proba(X_new)), kept)
    return Predicted(scaler.inverse_transform(np.asarray(model.predict(X_new)).reshape(-1, 1))[:, 0], kept)


METHODS: dict[str, Callable[[Problem], Predicted]] = {
    "regnet min": search("min", 16),
    "regnet paired": search("paired", 16),
    "regnet 1se": search("1se", 16),
    "regnet min, 64": search("min", 64),
    "L1 linear": l1_linear,
    "MLP with grid": mlp_grid,
    "LassoNet": lassonet,
    "LightGBM": lightgbm,
    "forest": forest,
}
