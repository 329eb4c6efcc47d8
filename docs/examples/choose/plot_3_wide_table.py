"""More inputs than rows
========================

Like gene expression: 80 samples of 1,000 genes, which come in modules that rise and fall together. One gene of each of
eight modules matters. A network that may use all genes learns the noise by heart; a penalty on inputs leaves a handful.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPRegressor as PlainMLP

from regnet import MLPRegressorCV

rng = np.random.default_rng(0)
modules = rng.standard_normal((480, 50))
X = 0.9 * np.repeat(modules, 20, axis=1) + 0.44 * rng.standard_normal((480, 1000))
real = np.arange(0, 160, 20)
y = X[:, real] @ np.linspace(1.0, 2.0, 8) + 2.0 * rng.standard_normal(480)
X, X_new, y, y_new = X[:80], X[80:], y[:80], y[80:]

search = MLPRegressorCV(n_lambdas=15, random_state=0).fit(X, y)
plain = PlainMLP(hidden_layer_sizes=(16,), max_iter=500, random_state=0).fit(X, y)
print(f"all 1,000 genes: R2 {plain.score(X, y):.2f} on the training rows, {plain.score(X_new, y_new):.2f} on new ones")
print(f"{search.selected_features_.sum()} genes: R2 {search.score(X, y):.2f} and {search.score(X_new, y_new):.2f}")

# %%
# Each bar is a gene that is left, by how long it withstands the penalty. Dark ones are real, light ones of a real
# gene's module: of two genes that say nearly the same, 80 rows cannot tell which one it was. Grey ones are of no real
# module.

used = search.selected_features_.nonzero()[0]
order = used[np.argsort(-search.feature_importances_[used], kind="stable")]
colours = ["#0072b2" if gene in real else "#8ec1e0" if gene < 160 else "#b0b0b0" for gene in order]
figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
axis.bar([f"{gene}" for gene in order], search.feature_importances_[order], color=colours)
axis.set(xlabel="gene", ylabel="strongest penalty it withstands,\nas a share of the largest")
