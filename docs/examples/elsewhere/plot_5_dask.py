"""A search on Dask
===================

``executor=`` takes any executor of `concurrent.futures`; Dask's reaches many machines, whose workers may be killed and
come back. Here a cluster of two workers lives within this process. (Needs ``distributed``: ``pip install '.[dask]'``.)
"""

import matplotlib.pyplot as plt
import numpy as np
from distributed import Client
from sklearn.datasets import load_diabetes

from regnet import MLPRegressorCV

X, y = load_diabetes(return_X_y=True)
settings = {"hidden_layer_sizes": (8,), "n_lambdas": 15, "random_state": 0, "adaptive": False, "max_iter": 100}

here = MLPRegressorCV(**settings).fit(X, y)
with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
    executor = client.get_executor(retries=5, pure=False)
    there = MLPRegressorCV(executor=executor, **settings).fit(X, y)
    print("workers:", len(client.scheduler_info()["workers"]))
print("the same scores, bit for bit:", np.array_equal(here.cv_scores_, there.cv_scores_))
print(f"chosen: {there.lambda_:.3g}, {there.selected_features_.sum()} inputs")

# %%
# Where a network is trained changes no number: the circles of the cluster lie around the points of this process.

figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
axis.errorbar(here.lambdas_, here.score_mean_, here.score_se_, fmt="o", markersize=4, color="#0072b2", label="here")
axis.plot(there.lambdas_, there.score_mean_, "o", markersize=9, fillstyle="none", color="#d55e00", label="on Dask")
axis.set(xscale="log", xlabel="strength of the penalty", ylabel="held-out R2")
axis.legend()
