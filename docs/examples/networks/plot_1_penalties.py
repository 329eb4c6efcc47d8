"""What L1 and L2 do to a network
=================================

The same network on the spiral, from the same first weights, three times: without a penalty, with L2, with L1. The
three are trained at once, as a stack.
"""

import matplotlib.pyplot as plt
import numpy as np

from regnet import Adam, Network, Penalty, datasets, fit

x, y = datasets.spiral(samples=300, seed=0)
names = ("no penalty", "L2", "L1")
penalty = Penalty(weight_l2=[0.0, 2e-4, 0.0], weight_l1=[0.0, 0.0, 3e-4])
network = Network.mlp([2, 64, 3], loss="categorical_crossentropy")
stack = fit(
    network, x[:450], y[:450], seed=[0, 0, 0], optimizer=Adam(0.02), penalties=penalty, epochs=1500, progress=False,
    validation_data=(x[450:], y[450:]),
)  # fmt: skip
last = stack.history[-1]
for k, name in enumerate(names):
    print(f"{name:>10}: {last.metric[k]:.2f} of the training rows, {last.validation_metric[k]:.2f} of the others, "
          f"norm {last.weight_norm['0'][k]:5.1f}, zeros {last.zeros['0'][k]:.0%}")  # fmt: skip

# %%
# Above: the regions that each network decides for. Below: the weights of its first layer, a point a neuron. L2 draws
# all of them nearer to 0; L1 puts many neurons exactly there (the one point in the middle), and leaves the others
# large.

ticks = np.linspace(-1.1, 1.1, 150)
grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2).astype(x.dtype)
regions = stack.model.predict(grid).argmax(axis=-1)
weights = stack.model.params[0].weight
figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for k, name in enumerate(names):
    above, below = axes[:, k]
    above.pcolormesh(ticks, ticks, regions[k].reshape(150, 150), cmap="Pastel1", shading="auto")
    above.scatter(*x[:450].T, c=y[:450], cmap="Set1", s=4)
    above.set(title=name, xticks=[], yticks=[], aspect="equal")
    below.scatter(*weights[k], s=8, color="#0072b2")
    below.set(xlim=(-9, 9), ylim=(-9, 9))
    below.axhline(0, color="#b0b0b0", linewidth=0.6)
    below.axvline(0, color="#b0b0b0", linewidth=0.6)
axes[1, 0].set_ylabel("weights of the first layer")
