"""W4: a sweep, 20 strengths x 5 folds of digits, 64-64-10, batches of 200, 60 epochs, the same networks for all."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, final

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from benchmarks.workload import Contestant, Round, Workload


@final
class Sweep:
    """Rounds of a function that returns the mean held-out score of every strength."""

    def __init__(self, sweep: Callable[[], Any]) -> None:
        warnings.simplefilter("ignore")
        self._sweep = sweep
        self.check = [float(value) for value in sweep()]

    def run(self) -> float:
        """Seconds."""
        started = time.perf_counter()
        self._sweep()
        return time.perf_counter() - started


def _problem(quick: bool) -> tuple[Any, Any, Any, Any, int]:
    """X, y, strengths, folds, epochs."""
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return (X / 16).astype(np.float32), y, np.geomspace(1e-4, 30, 20), folds, 10 if quick else 60


def _scikit_learn(quick: bool) -> Round:
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    X, y, grid, cv, epochs = _problem(quick)
    network = MLPClassifier((64,), batch_size=200, max_iter=epochs, n_iter_no_change=epochs, random_state=0)
    search = GridSearchCV(network, {"alpha": grid}, cv=cv, scoring="neg_log_loss", n_jobs=2, refit=False)
    return Sweep(lambda: search.fit(X, y).cv_results_["mean_test_score"])


def regnet_sweep(fast: bool = False, backend: str = "numpy", **settings: Any) -> Callable[[bool], Round]:
    """The sweep by `MLPClassifierCV`; settings: further ones of its own."""

    def make(quick: bool) -> Round:
        from regnet import MLPClassifierCV, config_context

        X, y, grid, cv, epochs = _problem(quick)
        search = MLPClassifierCV(
            (64,), penalty="alpha", lambdas=grid, cv=cv, warm_start=False, standardize=False, max_iter=epochs,
            random_state=0, refit=False, **settings,
        )  # fmt: skip

        def sweep() -> Any:
            with config_context(backend=backend, fast=fast):
                return search.fit(X, y).score_mean_

        return Sweep(sweep)

    return make


def jax_sweep(quick: bool) -> Round:
    """One jitted epoch (a scan over its batches), vmapped over the strengths; one fold after another."""
    from functools import partial

    import jax
    import jax.numpy as jnp
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import LabelBinarizer

    if jax.default_backend() == "gpu":
        jax.config.update("jax_default_matmul_precision", "highest")  # float32, not TF32
    X, y, grid, cv, epochs = _problem(quick)
    one_hot = np.eye(10, dtype=np.float32)[y]
    b1, b2, epsilon, rate = 0.9, 0.999, 1e-8, 1e-3

    def loss(params: Any, x: Any, y: Any, alpha: Any) -> Any:
        w1, c1, w2, c2 = params
        out = jax.nn.relu(x @ w1 + c1) @ w2 + c2
        data = -jnp.mean(jnp.sum(y * jax.nn.log_softmax(out), axis=1))
        return data + alpha / (2 * x.shape[0]) * (jnp.sum(w1**2) + jnp.sum(w2**2))

    def step(state: Any, rows: Any, x: Any, y: Any, alpha: Any) -> Any:
        params, m, v, t = state
        grads = jax.grad(loss)(params, x[rows], y[rows], alpha)
        t = t + 1
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, grads)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, grads)
        scale = rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)
        return jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + epsilon), params, m, v), m, v, t

    @partial(jax.jit, donate_argnums=0)
    def run(states: Any, full: Any, last: Any, x: Any, y: Any, alphas: Any) -> Any:
        """All epochs of a fold; the last batch of an epoch is smaller."""

        def one(state: Any, alpha: Any) -> Any:
            def epoch(state: Any, rows: Any) -> Any:
                state, _ = jax.lax.scan(lambda s, r: (step(s, r, x, y, alpha), None), state, rows[0])
                return step(state, rows[1], x, y, alpha), None

            return jax.lax.scan(epoch, state, (full, last))[0]

        return jax.vmap(one)(states, alphas)

    def sweep() -> Any:
        scores = []
        for train, test in cv.split(X, y):
            # scikit-learn's first weights and batches, so that all contestants train the same networks
            seen = MLPClassifier((64,), batch_size=200, max_iter=1, random_state=0)
            seen._random_state = np.random.RandomState(0)
            seen._label_binarizer = LabelBinarizer().fit(y)
            seen._initialize(one_hot[train], [64, 64, 10], np.float32)
            order, tables = np.arange(len(train)), []
            for _ in range(epochs):
                shuffled = np.arange(len(train))
                seen._random_state.shuffle(shuffled)
                order = order[shuffled]
                tables.append(order)
            table, steps = np.stack(tables).astype(np.int32), len(train) // 200
            full, last = table[:, : steps * 200].reshape(epochs, steps, 200), table[:, steps * 200 :]
            params = [a for pair in zip(seen.coefs_, seen.intercepts_, strict=True) for a in pair]
            many = [jnp.broadcast_to(jnp.asarray(a), (len(grid), *a.shape)) for a in params]
            zeros = [jnp.zeros_like(a) for a in many]
            states = (many, zeros, [jnp.zeros_like(a) for a in many], jnp.zeros(len(grid)))
            found = run(states, full, last, X[train], one_hot[train], jnp.asarray(grid, jnp.float32))[0]
            w1, c1, w2, c2 = (np.asarray(a) for a in found)
            out = np.maximum(X[test] @ w1 + c1[:, None], 0) @ w2 + c2[:, None]
            out -= out.max(axis=-1, keepdims=True)
            logs = out - np.log(np.exp(out).sum(axis=-1, keepdims=True))
            scores.append(logs[:, np.arange(len(test)), y[test]].mean(axis=1))
        return np.mean(scores, axis=0)

    return Sweep(sweep)


WORKLOAD = Workload(
    "W4", "a sweep: digits, 20 strengths x 5 folds, 64 -> 64 -> 10, 60 epochs", "s",
    (
        Contestant("regnet numpy", "ours", regnet_sweep(False)),
        Contestant("regnet numpy, n_jobs=2", "ours", regnet_sweep(False, n_jobs=2)),
        Contestant("regnet numpy, fast", "ours", regnet_sweep(True), ("numba",)),
        Contestant("regnet jax", "ours", regnet_sweep(False, "jax"), ("jax",), slow=True),
        Contestant("GridSearchCV(n_jobs=2)", "peer", _scikit_learn),
        Contestant("JAX vmap + jit", "peer", jax_sweep, ("jax",), slow=True),
    ),
    tolerance=5e-3, rounds=(3, 1),
)  # fmt: skip
