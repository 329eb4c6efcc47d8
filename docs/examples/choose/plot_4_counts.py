"""Counts over unequal times
============================

Claims of policies that run for unequal times: what is learnt are rates, by Poisson's loss with an exposure. Two of
eight inputs matter, one of them by its absolute value, which no linear model sees.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import d2_tweedie_score

from regnet import MLPRegressorCV

rng = np.random.default_rng(0)
X, years = rng.standard_normal((1800, 8)), rng.uniform(0.1, 3.0, 1800)
rates = np.exp(0.7 * X[:, 0] - 0.9 * np.abs(X[:, 1]) - 1.0)
claims = rng.poisson(years * rates)
new = slice(800, None)

search = MLPRegressorCV(loss="poisson", n_lambdas=20, random_state=0).fit(X[:800], claims[:800], exposure=years[:800])
linear = PoissonRegressor(alpha=1e-3).fit(X[:800], claims[:800] / years[:800], sample_weight=years[:800])
print("inputs used:", search.selected_features_.nonzero()[0])
for name, predicted in {
    "network": search.predict(X[new], exposure=years[new]),
    "linear model": linear.predict(X[new]) * years[new],
    "the truth": rates[new] * years[new],
}.items():
    print(f"{name:>12}: {d2_tweedie_score(claims[new], predicted, power=1):.3f} of the deviance of new rows explained")

# %%
# The network has found the kink at 0: rates fall to both sides of the second input. The linear model can only tilt a
# line. The network's curve is flatter than the truth, since a penalty shrinks what it keeps.

grid = np.zeros((200, 8))
grid[:, 1] = np.linspace(-3, 3, 200)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(grid[:, 1], np.exp(-0.9 * np.abs(grid[:, 1]) - 1.0), "k--", label="the truth")
axis.plot(grid[:, 1], search.predict(grid), color="#0072b2", label="network under the penalty")
axis.plot(grid[:, 1], linear.predict(grid), color="#d55e00", label="linear model")
axis.set(xlabel="second input, the others at 0", ylabel="claims a year")
axis.legend()
