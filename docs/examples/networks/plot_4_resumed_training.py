"""A training that was stopped goes on
======================================

With a ``checkpoint`` a training is kept in a file while it runs. The same call goes on from it, with the weights,
records and random draws of one that never stopped: bit for bit, dropout and shuffled batches included.
"""

import matplotlib.pyplot as plt

from regnet import Adam, Network, datasets, fit

x, y = datasets.spiral(samples=200)
network = Network.mlp([2, 64, 3], loss="categorical_crossentropy", dropout=0.1)
settings = {"optimizer": Adam(0.01), "batch_size": 50, "progress": False}

stopped = fit(network, x, y, epochs=25, checkpoint="run.ckpt", **settings)  # as if a machine had gone down here
resumed = fit(network, x, y, epochs=60, checkpoint="run.ckpt", **settings)
whole = fit(network, x, y, epochs=60, **settings)
print("the same weights:", (resumed.model.params[0].weight == whole.model.params[0].weight).all())

# %%
# The thin line lies in the middle of the thick one: after the stop, too, nothing differs.

figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
epochs, first, second = whole.history.column("epoch"), whole.history.column("loss"), resumed.history.column("loss")
axis.plot(epochs, first, color="#8ec1e0", linewidth=6, label="never stopped")
axis.plot(epochs, second, color="#0072b2", linewidth=1.5, label="resumed")
axis.axvline(25, color="k", linestyle="--", linewidth=0.8, label="stopped here")
axis.set(xlabel="epoch", ylabel="loss")
axis.legend()
