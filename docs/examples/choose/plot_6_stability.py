"""Stability: used in nine of ten halves
========================================

Is an input chosen because it matters, or because of the rows that happened to be in the table? Stability selection
asks 50 halves of the rows, and bounds how many false inputs are stable on average (``pfer``).
"""

from sklearn.datasets import make_friedman1

from regnet import MLPRegressor, stability_selection

X, y = make_friedman1(300, n_features=20, noise=1.0, random_state=0)
network = MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=3e-3, max_iter=50, random_state=0)
stable = stability_selection(network, X, y, pfer=1, n_lambdas=15)
print(stable)
print("stable:", stable.stable.nonzero()[0], "with at most", round(stable.bound, 2), "false ones on average")

# %%
# Each line is the share of halves that use an input, from weak penalties to strong ones; what reaches the dashed line
# is stable. None of the grey ones, among them all inputs of noise, comes near it. That a real input may be missed is
# the price: the bound is on false inputs.

figure = stable.plot()
