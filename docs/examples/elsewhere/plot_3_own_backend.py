"""An array library of your own
===============================

A backend is a name and four methods; all else has defaults. Here it is for ``array-api-strict``, the reference library
of the Array API standard, which refuses whatever the standard does not have (``pip install array-api-strict``).
"""

from unittest.mock import patch

import array_api_strict
import matplotlib.pyplot as plt
import numpy as np

from regnet import Adam, Backend, BackendInfo, Network, Penalty, config_context, datasets, fit
from regnet.backend.registry import backend_classes


class StrictBackend(Backend):
    """The standard's reference library."""

    name = "strict"

    @staticmethod
    def owns(array, /):
        """By the type's module, without an import."""
        return type(array).__module__.startswith("array_api_strict")

    def asarray(self, host, /, *, dtype, device=None):
        """Host data, or an array of the library."""
        host = host if self.owns(host) else np.asarray(host, dtype=dtype)
        return array_api_strict.asarray(host, dtype=getattr(array_api_strict, dtype))

    def to_numpy(self, array, /):
        """Without a copy."""
        return np.asarray(array)

    def describe(self):
        """What ``regnet backends`` prints."""
        return BackendInfo(array_api_strict.__version__, ("cpu",))


# %%
# A package registers its class under the entry point ``regnet.backends``; for a script, putting it into the table will
# do.

x, y = datasets.spiral(samples=100)
network, penalty = Network.mlp([2, 32, 3], loss="categorical_crossentropy"), Penalty(weight_l1=1e-4)
losses = {}
with patch.dict(backend_classes(), strict=StrictBackend):
    for name in ("numpy", "strict"):
        with config_context(backend=name, dtype="float64"):
            table = x.astype("float64")
            found = fit(network, table, y, optimizer=Adam(0.02), penalties=penalty, epochs=60, progress=False)
        losses[name] = found.history.column("loss")

# %%
# Both train the same network: after 60 steps of Adam the losses differ in the last digits only.

difference = np.abs(losses["numpy"] - losses["strict"])
print(f"largest difference of the losses: {difference.max():.0e}")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(losses["numpy"], color="#8ec1e0", linewidth=6, label="NumPy, its own loops")
left.plot(losses["strict"], color="#0072b2", label="array-api-strict")
left.set(xlabel="epoch", ylabel="loss")
left.legend()
right.semilogy(np.maximum(difference, 1e-17), "o", markersize=3, color="#0072b2")
right.set(xlabel="epoch", ylabel="difference", ylim=(1e-17, 1e-10))
