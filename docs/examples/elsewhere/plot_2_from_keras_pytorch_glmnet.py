"""From Keras, PyTorch and glmnet
=================================

None of the three needs to be installed: strengths are numbers. That they are the right ones, the objectives themselves
show, as these libraries write them down: the network under the converted strengths lies at their minimum, and every
step away from it makes them larger.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from regnet import MLPRegressor
from regnet.convert import from_glmnet, from_keras, from_torch

X, y = load_diabetes(return_X_y=True)
X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


def keras(weight, bias):
    """``loss='mse'``, ``kernel_regularizer='l2'``: the mean squared error + 0.01 sum W^2."""
    return ((X @ weight + bias - y) ** 2).mean() + 0.01 * (weight**2).sum()


def pytorch(weight, bias):
    """``MSELoss()`` and ``weight_decay=0.1``: half of it times the squares of all parameters."""
    return ((X @ weight + bias - y) ** 2).mean() + 0.1 / 2 * ((weight**2).sum() + bias**2)


def glmnet(weight, bias):
    """``lambda = 0.1``, ``alpha = 0.5``: a half in front of the error, and one in front of the squares."""
    penalty = 0.5 * np.abs(weight).sum() + 0.5 / 2 * (weight**2).sum()
    return ((X @ weight + bias - y) ** 2).mean() / 2 + 0.1 * penalty


strengths = {
    keras: from_keras("l2", loss="mse"),
    pytorch: from_torch(weight_decay=0.1, loss="mse"),
    glmnet: from_glmnet(0.1, alpha=0.5),
}

# %%
# A hundred random steps of each size, from the network's parameters. The smallest increase of the objective is above 0
# at every size: there is no way down.

rng = np.random.default_rng(0)
sizes = np.geomspace(1e-4, 1, 9)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for marker, (objective, converted) in zip("os^", strengths.items(), strict=True):
    ours = MLPRegressor(hidden_layer_sizes=(), solver="newton", tol=1e-12, **converted).fit(X, y)
    weight, bias = ours.coefs_[0][:, 0], ours.intercepts_[0][0]
    least = objective(weight, bias)
    rises = []
    for size in sizes:
        steps = rng.standard_normal((100, 11))
        steps *= size / np.linalg.norm(steps, axis=1, keepdims=True)
        rises.append(min(objective(weight + step[:10], bias + step[10]) - least for step in steps))
    print(f"{objective.__name__:>8}: {converted}, smallest rise {min(rises):.0e}")
    axis.loglog(sizes, rises, marker=marker, label=objective.__name__)
axis.set(xlabel="size of the step", ylabel="smallest rise of the objective")
axis.legend()
