"""From scikit-learn: the same coefficients
===========================================

Every library has its own convention for a penalty: with or without a half, a mean or a sum, per batch.
`regnet.convert` turns a strength into regnet's, exactly. Five linear models of scikit-learn, beside networks without
hidden layers under the converted strengths.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.preprocessing import StandardScaler

from regnet import MLPClassifier, MLPRegressor
from regnet.convert import from_sklearn

X, y = load_diabetes(return_X_y=True)
X, y = StandardScaler().fit_transform(X), y / 50
X_cancer, kind = load_breast_cancer(return_X_y=True)
X_cancer = StandardScaler().fit_transform(X_cancer)
exact = {"hidden_layer_sizes": (), "solver": "newton", "tol": 1e-10}

pairs = {}
for theirs in (
    Ridge(alpha=20.0),
    Lasso(alpha=0.05, tol=1e-12, max_iter=100_000),
    ElasticNet(alpha=0.1, l1_ratio=0.5, tol=1e-12, max_iter=100_000),
    PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=1000),
    LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000),
):
    classes = isinstance(theirs, LogisticRegression)
    data = (X_cancer, kind) if classes else (X, y)
    strengths = from_sklearn(theirs, n_samples=len(data[0]))
    loss = {"loss": "poisson"} if isinstance(theirs, PoissonRegressor) else {}
    ours = MLPClassifier(**exact, **strengths) if classes else MLPRegressor(**exact, **loss, **strengths)
    pair = theirs.fit(*data).coef_.ravel(), ours.fit(*data).coefs_[0].ravel()
    name = type(theirs).__name__
    pairs[name] = pair
    print(f"{name:>18} {strengths}: largest difference {np.abs(pair[0] - pair[1]).max():.0e}")

# %%
# Each point is a coefficient, theirs across and ours up: all lie on the diagonal. What differs in the last digits is
# how far the other solver went.

figure, axis = plt.subplots(figsize=(5.5, 5), layout="constrained")
for marker, (name, (theirs, ours)) in zip("os^Dv", pairs.items(), strict=True):
    axis.plot(theirs, ours, marker, markersize=5, alpha=0.7, label=name)
axis.axline((0, 0), slope=1, color="k", linewidth=0.6)
axis.set(xlabel="scikit-learn's coefficient", ylabel="regnet's coefficient")
axis.legend()
