"""Whatever is there: a GPU, or not
===================================

The same lines run on CuPy, PyTorch, JAX or NumPy. This page was built where the sentence below says;
``REGNET_BACKEND`` and ``REGNET_DEVICE`` choose without a change of the program, and ``regnet backends`` says what
there is.
"""

import matplotlib.pyplot as plt

from regnet import Adam, BackendError, Network, Penalty, config_context, datasets, fit, get_backend


def best_backend():
    """CuPy needs a GPU, PyTorch and JAX may have one; NumPy is always there. What is missing says how to get it."""
    for name in ("cupy", "jax", "torch", "numpy"):
        try:
            return get_backend(name)
        except BackendError as error:
            print(f"{name}: {error}")
    raise AssertionError("NumPy is always there")


backend = best_backend()
info = backend.describe()
print(f"trained by {backend.name} {info.version} on {backend.default_device()}")

x, y = datasets.spiral(samples=300)
network = Network.mlp([2, 128, 3], loss="categorical_crossentropy")
with config_context(backend=backend.name):
    found = fit(
        network, x[:450], y[:450], optimizer=Adam(0.02), penalties=Penalty(weight_l2=1e-5), epochs=1000, progress=False,
        validation_data=(x[450:], y[450:]),
    )  # fmt: skip
library = type(found.model.params[0].weight).__module__
print(f"{found.seconds:.2f} s for {found.epochs} epochs; the weights are an array of {library}")

# %%
# Accuracy on the training rows and on rows that were held out. What comes back lies where it was trained;
# ``model.numpy_params()`` brings the weights to the host.

figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
for column, label, colour in (
    ("metric", "training rows", "#0072b2"),
    ("validation_metric", "held out", "#d55e00"),
):
    axis.plot(found.history.column("epoch"), found.history.column(column), color=colour, label=label)
axis.set(xlabel="epoch", ylabel="accuracy", title=f"{backend.name}, {backend.default_device()}")
axis.legend()
