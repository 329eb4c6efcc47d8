"""L1/L2-regularised dense networks, written once against the Array API standard.

>>> from regnet import Dense, Network, Penalty, fit, datasets
>>> X, y = datasets.spiral(samples=200, seed=0)
>>> network = Network.mlp([2, 16, 3], loss="categorical_crossentropy")
>>> result = fit(network, X, y, penalties=Penalty(weight_l1=1e-3), epochs=20, progress=False)
>>> len(result.history), result.model.predict(X).shape
(21, (600, 3))
"""

from regnet.display import begun as _begun  # noqa: F401 (first of all: for signals while the others are imported)

# isort: split
import lazy_loader as _lazy

__version__ = "0.1.0"

# A name is imported when it is used first; the names and their places stand in __init__.pyi.
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
