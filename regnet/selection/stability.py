"""`stability_selection`: how often each input is selected when half of the rows are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold

from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.plots import stability_figure
from regnet.selection.building import make_spec, restart_seeds
from regnet.selection.collecting import Collector
from regnet.selection.grid import check_lambdas, find_lambdas
from regnet.selection.path import settings_of
from regnet.selection.preparing import check_table, make_folds
from regnet.selection.reporting import report_divergence
from regnet.sweep.engine import run_sweep

__all__ = ["StabilityResult", "stability_selection"]


@final
@dataclass(frozen=True)
class StabilityResult:
    """lambdas: ascending, (n,); frequencies: share of the subsamples in which an input is used, (n, features);

    threshold: what counts as stable; feature_names: of the inputs.
    """

    lambdas: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    threshold: float
    feature_names: tuple[str, ...]

    @property
    def largest(self) -> NDArray[np.float64]:
        """Each input's largest frequency over the strengths, (features,)."""
        return np.asarray(self.frequencies.max(axis=0))

    @property
    def stable(self) -> NDArray[np.bool_]:
        """The inputs whose frequency reaches the threshold at some strength, (features,)."""
        return self.largest >= self.threshold

    def plot(self) -> Any:
        """The stability paths, as a matplotlib Figure."""
        return stability_figure(self.lambdas, self.frequencies, self.feature_names, self.threshold)


def stability_selection(
    estimator: MLPClassifier | MLPRegressor,
    X: Any,
    y: Any,
    *,
    penalty: str = "input_l1",
    lambdas: Any = None,
    n_lambdas: int = 20,
    weakest: float = 0.2,
    subsamples: int = 50,
    threshold: float = 0.75,
    l1_ratio: float = 1.0,
    companion_l2: float = 1.0,
    standardize: bool = True,
    sample_weight: Any = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    executor: Any = None,
    sweep_dir: Any = None,
    progress: bool = False,
) -> StabilityResult:
    """Train a path on many halves of the rows, and count in how many of them each input is used.

    subsamples: an even number; they come in pairs of halves that complement one another (in each, classes have their
    share). lambdas: the strengths, or None for `n_lambdas` from `weakest` times the strongest, at which nothing is
    left: at weak strengths every input is used, which says nothing. threshold: 0.6 to 0.9. The other arguments are
    those of `path`. All networks are trained as one stack. Raises ValueError naming the argument.

    Sources: Meinshausen & Buehlmann, JRSS B 72 (2010); Shah & Samworth, JRSS B 75 (2013), for the pairs.

    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(300, n_features=10, random_state=0)
    >>> mlp = MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, random_state=0)
    >>> found = stability_selection(mlp, X, y, subsamples=20, n_lambdas=10, weakest=0.3)
    >>> found.stable.nonzero()[0].tolist()
    [0, 1, 3, 4]
    """
    for name, value, low, high in (("threshold", threshold, 0.5, 1.0), ("weakest", weakest, 0.0, 1.0)):
        if not low < value <= high:
            raise ValueError(f"{name}={value!r} must lie in ({low:g}, {high:g}].")
    if int(subsamples) != subsamples or subsamples < 2 or subsamples % 2:
        raise ValueError(f"subsamples={subsamples!r} must be an even number of 2 or more: halves come in pairs.")
    if penalty not in ("input_l1", "weight_l1"):
        raise ValueError(f"penalty={penalty!r} selects no inputs: use 'input_l1', or 'weight_l1'.")
    settings = settings_of(
        estimator, penalty=penalty, lambdas=lambdas, n_lambdas=n_lambdas, l1_ratio=l1_ratio, companion_l2=companion_l2,
        warm_start=True, standardize=standardize, restarts=1, memory_limit=memory_limit,
    )  # fmt: skip
    template = clone(estimator)
    checked = check_table(template, X, y, sample_weight, None)
    rows = np.arange(len(checked.y))
    (seed,) = restart_seeds(template.random_state, 1)
    splitter: Any = StratifiedKFold if is_classifier(template) and checked.y.ndim == 1 else KFold
    halves = [
        (half, rows[:0])
        for number in range(subsamples // 2)
        for half, _ in splitter(2, shuffle=True, random_state=(seed + number) % 2**32).split(rows[:, None], checked.y)
    ]
    everything = make_folds(template, checked, [(rows, rows[:0])], standardize=standardize, preprocessor=None)
    if lambdas is None:
        whole = make_spec(settings, template, everything, checked.placement, (1.0,), (seed,), "range")
        (largest,) = find_lambdas(whole, 1)
        strengths = tuple(np.geomspace(weakest * largest, largest, n_lambdas).tolist()) if n_lambdas > 1 else (largest,)
    else:
        strengths = check_lambdas(lambdas)
    folds = make_folds(template, checked, halves, standardize=standardize, preprocessor=None)
    spec = make_spec(settings, template, folds, checked.placement, strengths, (seed,), "stability")
    collected = Collector(spec, "", None, frozenset())
    run_sweep(
        spec,
        collected,
        memory_limit=memory_limit,
        executor=executor,
        n_jobs=n_jobs,
        sweep_dir=sweep_dir,
        progress=progress,
    )
    report_divergence(spec, collected)
    names = getattr(template, "feature_names_in_", [f"x{number}" for number in range(spec.network.in_features)])
    frequencies = collected.selected[:, :, 0].mean(axis=1)
    return StabilityResult(np.asarray(spec.lambdas), frequencies, float(threshold), tuple(map(str, names)))
