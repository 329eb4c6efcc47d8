"""Forty networks at once
=========================

Is a difference between two strengths more than the luck of the first weights? Five seeds for each of eight strengths
are one stack: each step is one for all forty, and on NumPy each network has, bit for bit, the weights it would have
alone.
"""

import matplotlib.pyplot as plt
import numpy as np

from regnet import Adam, Network, Penalty, datasets, fit

x, y = datasets.spiral(samples=300, seed=0)
train, held_out = (x[:450], y[:450]), (x[450:], y[450:])
strengths = np.repeat(np.geomspace(1e-5, 1e-2, 8), 5)
network = Network.mlp([2, 32, 3], loss="categorical_crossentropy")
settings = {"optimizer": Adam(0.02), "epochs": 400, "validation_data": held_out, "progress": False}
stack = fit(network, *train, seed=list(range(5)) * 8, penalties=Penalty(weight_l1=strengths), **settings)
alone = fit(network, *train, seed=3, penalties=Penalty(weight_l1=strengths[3]), **settings)
print("as alone:", (stack.model.params[0].weight[3] == alone.model.params[0].weight).all())
print(f"forty in {stack.seconds:.1f} s, one in {alone.seconds:.1f} s")

# %%
# A point a network, the line their mean: the spread of the five points is what the first weights alone decide.

last = stack.history[-1]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for axis, values, label in (
    (axes[0], last.validation_metric, "accuracy on new rows"),
    (axes[1], last.zeros["0"], "share of weights that are 0, first layer"),
):
    axis.scatter(strengths, values, s=14, color="#0072b2", alpha=0.6)
    axis.plot(strengths[::5], np.reshape(values, (8, 5)).mean(axis=1), color="#d55e00")
    axis.set(xscale="log", xlabel="L1 on all weights", ylabel=label)
