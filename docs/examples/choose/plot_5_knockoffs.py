"""Knockoffs: a bound on false inputs
=====================================

Each input gets a knockoff: a column that goes with the other inputs as the real one does, but was drawn without
looking at the target. An input counts if networks use it more than its knockoff. On average over tables at most a
share ``fdr`` of the selected inputs is false.
"""

from sklearn.datasets import make_friedman1

from regnet import MLPRegressor, knockoff_selection

X, y = make_friedman1(300, n_features=20, noise=1.0, random_state=2)
network = MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, max_iter=50, random_state=0)
found = knockoff_selection(network, X, y, fdr=0.3, n_lambdas=10)
print(found)

# %%
# A point for each of ten drawings: how much more an input is used than its knockoff. The five real inputs of Friedman's
# function (x0 to x4) lie to the right in nearly all of them; the others lie around 0, as often left as right.

figure = found.plot()
