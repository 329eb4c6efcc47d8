"""A penalty of your own, by factors
====================================

L1 shrinks large coefficients as much as small ones. The minimax concave penalty (MCP; Zhang, *Annals of Statistics*
38, 2010) leaves large ones alone. It is not among regnet's, and need not be: a concave penalty lies below its tangent,
so that the minimiser under that tangent, which is an L1 with a factor for each input, makes the objective smaller (Zou
& Li, *Annals of Statistics* 36, 2008). ``penalty_factor`` has the slopes; a few refits suffice.
"""

import matplotlib.pyplot as plt
import numpy as np

from regnet import MLPRegressor

STRENGTH, GAMMA = 0.4, 3.0


def mcp(size):
    """STRENGTH |w| - w^2 / (2 GAMMA) up to |w| = GAMMA STRENGTH, and constant beyond."""
    inside = STRENGTH * size - size**2 / (2 * GAMMA)
    return np.where(size <= GAMMA * STRENGTH, inside, GAMMA * STRENGTH**2 / 2)


def slope(size):
    """Its derivative, which is 0 for large coefficients."""
    return np.maximum(STRENGTH - size / GAMMA, 0.0)


rng = np.random.default_rng(0)
X = rng.standard_normal((200, 12))
true = np.array([3.0, -2.0, 1.5, 0, 0, 0, 0, 0, 0, 0, 0, 0])
y = X @ true + rng.standard_normal(200)


def lasso(factors):
    """Coefficients under an L1 of STRENGTH, times a factor for each input."""
    linear = MLPRegressor(hidden_layer_sizes=(), solver="newton", weight_l1=STRENGTH, penalty_factor=factors, tol=1e-10)
    return linear.fit(X, y)


factors, objective = np.ones(12), []
for _ in range(6):
    fitted = lasso(factors)
    weight = np.abs(fitted.coefs_[0][:, 0])
    objective.append(((y - fitted.predict(X)) ** 2).mean() / 2 + mcp(weight).sum())
    factors = slope(weight) / STRENGTH
print("objective:", np.round(objective, 4))
first, last = lasso(np.ones(12)).coefs_[0][:, 0], fitted.coefs_[0][:, 0]

# %%
# The objective falls at every refit. At its end the gradient of the data balances the slope of the penalty wherever a
# coefficient is not 0, and stays within it where one is:

gradient = X.T @ (fitted.predict(X) - y) / len(y)
used = last != 0
print("largest imbalance:", np.abs(gradient + slope(np.abs(last)) * np.sign(last))[used].max().round(8))
print("largest slope of the others:", np.abs(gradient[~used]).max().round(3), "of at most", STRENGTH)

# %%
# Both find the three real inputs. Under L1 (orange) each of them is too small by the strength; under the concave
# penalty they are where least squares would put them.

figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
axis.plot(true, "k_", markersize=18, label="the truth")
axis.plot(first, "s", color="#d55e00", label="L1")
axis.plot(last, "o", color="#0072b2", label="MCP, by factors")
axis.axhline(0, color="#b0b0b0", linewidth=0.6)
axis.set(xlabel="input", ylabel="coefficient")
axis.legend()
