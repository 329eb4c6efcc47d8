"""Reading a path
=================

A path is one network at many strengths of a penalty, without folds: what leaves first, what stays, and what it costs.
Friedman's function has five real inputs, of which two matter only together; ten more are noise.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1

from regnet import MLPRegressor, path

X, y = make_friedman1(600, n_features=15, noise=1.0, random_state=0)
network = MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, random_state=0)
whole = path(network, X[:300], y[:300], validation_data=(X[300:], y[300:]), n_lambdas=30)
print(whole)

# %%
# The lines that reach furthest to the right are the real inputs: each line is the norm of one input's weights, and ends
# where the penalty has removed the input.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for column in range(15):
    real = column < 5
    label = {0: "real inputs", 5: "noise"}.get(column)
    left.plot(whole.lambdas, whole.input_norms[:, column], color="#0072b2" if real else "#b0b0b0", label=label)
left.set(xscale="log", xlabel="strength of the penalty", ylabel="norm of an input's weights", title="What is used")
left.legend()
right.plot(whole.lambdas, whole.scores, color="#d55e00", label="R2 on new rows")
explained = 1 - whole.losses / whole.losses.max()
right.plot(whole.lambdas, explained, color="#009e73", label="the same on the training rows")
right.set(xscale="log", xlabel="strength of the penalty", title="What it costs")
right.legend()

# %%
# On the training rows a penalty takes away, little at first. On new rows the score first rises, while noise leaves the
# network, and then falls, as the real inputs go: the gap between the two curves is what was learnt of the noise.

best = int(np.argmax(whole.scores))
print(f"best strength {whole.lambdas[best]:.3g}, R2 {whole.scores[best]:.2f}, {whole.n_selected[best]} inputs")
print(whole.at(n_inputs=5).selected_features_.nonzero()[0])
