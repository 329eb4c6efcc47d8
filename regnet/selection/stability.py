"""`stability_selection`: how often each input is selected when half of the rows are missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold

from regnet.display.html import html_table
from regnet.display.plots import stability_figure
from regnet.display.warning import warn
from regnet.selection.collector import Collector
from regnet.selection.false_selections import weakest_within
from regnet.selection.folds import check_table, make_folds
from regnet.selection.lambdas import check_lambdas, find_lambdas
from regnet.selection.path import check_estimator_for_sweep
from regnet.selection.reporting import report_absent, report_divergence
from regnet.selection.settings import Estimator, SweepSettings, check_drops_inputs, restart_seeds
from regnet.selection.sweep_spec import make_spec
from regnet.sweep.spec import SweepSpec

__all__ = ["StabilityResult", "stability_selection"]

SHOWN = 20
"""Inputs that a notebook is shown, beside the stable ones."""


@final
@dataclass(frozen=True)
class StabilityResult:
    """What is selected when half of the rows are missing.

    Parameters
    ----------
    lambdas : array of float
        The strengths, ascending, (n,).
    frequencies : array of float
        The share of the subsamples in which an input is used, (n, features).
    threshold : float
        The frequency that counts as stable.
    feature_names : tuple of str
        Of the inputs.
    start : int
        The number of the weakest strength of the range that counts (n: none does).
    q : float
        How many inputs a subsample uses at any strength of that range, on average.
    bound : float
        Of how many inputs of no effect are stable, on average, see `expected_false_selections`.
    """

    lambdas: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    threshold: float
    feature_names: tuple[str, ...]
    start: int
    q: float
    bound: float

    @property
    def largest(self) -> NDArray[np.float64]:
        """Each input's largest frequency over the strengths of the range, (features,)."""
        return np.asarray(self.frequencies[self.start :].max(axis=0, initial=0.0))

    @property
    def stable(self) -> NDArray[np.bool_]:
        """The inputs whose frequency reaches the threshold at some strength of the range, (features,)."""
        return self.largest >= self.threshold

    def plot(self) -> Any:
        """Draw the stability paths over the range.

        Returns
        -------
        matplotlib.figure.Figure
            It is not shown.
        """
        counts = (np.arange(len(self.lambdas)) >= self.start)[:, None]
        shown = np.where(counts, self.frequencies, np.nan)
        return stability_figure(self.lambdas, shown, self.feature_names, self.threshold)

    def _repr_html_(self) -> str:
        """A table of the inputs that are used most often, the stable ones and up to 20 in all, for notebooks."""
        order = np.argsort(-self.largest, kind="stable")[: max(SHOWN, int(self.stable.sum()))]
        rows = [[self.feature_names[k], f"{self.largest[k]:.0%}", "yes" if self.stable[k] else "no"] for k in order]
        caption = f"{self.stable.sum()} of {len(self.feature_names)} inputs are stable: used by {self.threshold:.0%}"
        caption += f" of the subsamples (at most {self.bound:.3g} of them falsely, on average)"
        return html_table(caption, ["input", "used by", "stable"], rows)


def stability_selection(
    estimator: Estimator,
    X: Any,
    y: Any,
    *,
    penalty: str = "input_l1",
    penalty_factor: Any = None,
    lambdas: Any = None,
    n_lambdas: int = 20,
    weakest: float = 0.2,
    subsamples: int = 50,
    threshold: float = 0.9,
    pfer: float = 1.0,
    l1_ratio: float = 1.0,
    companion_l2: float = 1.0,
    standardize: bool = True,
    sample_weight: Any = None,
    offset: Any = None,
    exposure: Any = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    executor: Any = None,
    sweep_dir: Any = None,
    progress: bool = False,
) -> StabilityResult:
    """Train a path on many halves of the rows, and count in how many of them each input is used.

    At weak strengths every input is used, which says nothing: the strengths that count go down only as far as
    `expected_false_selections` allows, which is reported as `bound`. Few inputs of many can be stable at once: with 10
    inputs and these defaults 4 or 5. All networks are trained as one stack.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Without strengths of its own.
    X : array-like
        The rows, (n, features).
    y : array-like
        Their targets.
    penalty : {'input_l1', 'weight_l1'}, default 'input_l1'
        What selects. With the estimator's input_groups whole groups are selected, and counted, in the place of inputs.
    penalty_factor : array-like or dict, optional
        See `path`; inputs that are not penalised are always selected, and do not count in `q`.
    lambdas : sequence of float, optional
        The strengths; None: `n_lambdas` from `weakest` times the one at which nothing is left on all rows up to sqrt(2)
        times that: half of the rows leave chance so much larger gradients.
    n_lambdas : int, default 20
        How many strengths, where they are not given.
    weakest : float, default 0.2
        The weakest strength, as a share of the one at which nothing is left.
    subsamples : int, default 50
        An even number; they come in pairs of halves that complement one another (in each, classes have their share).
    threshold : float, default 0.9
        The frequency that counts as stable, in (0.5, 1]; 0.9 allows the longest range.
    pfer : float, default 1.0
        The per-family error rate: how many inputs of no effect may be stable, on average over tables. The range of
        strengths that counts follows from it, as the longest whose `bound` is no more.
    l1_ratio, companion_l2 : float, default 1.0
        See `path`.
    standardize : bool, default True
        See `path`.
    sample_weight : array-like, optional
        Weights of the rows, (n,), 0 or more.
    offset, exposure : array-like, optional
        As in `MLPRegressor.fit`.
    memory_limit, n_jobs, executor, sweep_dir : int, int, Executor and path, optional
        See `MLPClassifierCV`.
    progress : bool, default False
        Whether to show a bar, if the output is a terminal.

    Returns
    -------
    StabilityResult
        Frequencies, and which inputs are stable.

    Raises
    ------
    TypeError, ValueError
        As `path`, and for a number that means nothing, naming the argument.

    Warns
    -----
    UserWarning
        If even the strongest strength selects too many.

    References
    ----------
    Meinshausen & Buehlmann, Stability selection, JRSS B 72 (2010); Shah & Samworth, Variable selection with error
    control, JRSS B 75 (2013), for the pairs.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(300, n_features=10, random_state=0)
    >>> from regnet import MLPRegressor, stability_selection
    >>> mlp = MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, random_state=0)
    >>> found = stability_selection(mlp, X, y, subsamples=20, n_lambdas=10, weakest=0.3)
    >>> found.stable.nonzero()[0].tolist()
    [0, 1, 3, 4]
    """
    _check(penalty, weakest, subsamples, threshold, pfer)
    check_estimator_for_sweep(estimator)
    settings = SweepSettings.of_arguments(
        estimator, penalty=penalty, penalty_factor=penalty_factor, lambdas=lambdas, n_lambdas=n_lambdas,
        l1_ratio=l1_ratio, companion_l2=companion_l2, warm_start=True, standardize=standardize, restarts=1,
        memory_limit=memory_limit,
    )  # fmt: skip
    template = clone(estimator)
    checked = check_table(template, X, y, sample_weight, offset=offset, exposure=exposure)
    rows = np.arange(len(checked.y))
    (seed,) = restart_seeds(template.random_state, 1)
    everything = make_folds(settings, template, checked, [(rows, rows[:0])])
    report_absent(everything[0], getattr(template, "feature_names_in_", None))
    if lambdas is None:
        whole = make_spec(settings, template, everything, checked.placement, (1.0,), (seed,), "range")
        (largest,) = find_lambdas(whole, 1)
        strongest = math.sqrt(2.0) * largest
        strengths = tuple(np.geomspace(strongest, weakest * largest, n_lambdas)[::-1].tolist())
    else:
        strengths = check_lambdas(lambdas)
    halves = _halves(template, checked.y, subsamples // 2, seed)
    folds = make_folds(settings, template, checked, halves)
    spec = make_spec(settings, template, folds, checked.placement, strengths, (seed,), "stability")
    collected = Collector(spec, "", None, frozenset()).run(
        memory_limit=memory_limit, executor=executor, n_jobs=n_jobs, sweep_dir=sweep_dir, progress=progress
    )
    report_divergence(spec, collected)
    names = getattr(template, "feature_names_in_", [f"x{number}" for number in range(spec.network.in_features)])
    selected = spec.whole(collected.selected[:, :, 0])
    counted, candidates = _counted(spec, selected, everything[0].x)
    start, q, bound = weakest_within(counted, pfer, max(candidates, 1), threshold, subsamples // 2)
    if start == len(spec.lambdas):
        warn(
            f"Even at the strongest strength, {spec.lambdas[-1]:.3g}, subsamples use so many inputs that more than "
            f"pfer={pfer:g} could be stable by chance: give stronger lambdas."
        )
    return StabilityResult(
        np.asarray(spec.lambdas), selected.mean(axis=1), float(threshold), tuple(map(str, names)), start, q, bound
    )


def _counted(spec: SweepSpec, selected: NDArray[np.bool_], x: NDArray[Any]) -> tuple[NDArray[np.bool_], int]:
    """What chance could select, inputs or groups of them: which of them were, (strengths, halves, n), and how many.

    A constant is none of them, nor is an input that is not penalised.
    """
    varying = np.ptp(x, axis=0) > 0
    if spec.factors is not None:
        selected, varying = selected & (spec.factors > 0), varying & (spec.factors > 0)
    if spec.groups is not None:
        selected, varying = spec.groups.any_of(selected), spec.groups.any_of(varying)
    return selected, int(varying.sum())


def _check(penalty: str, weakest: float, subsamples: Any, threshold: float, pfer: float) -> None:
    """Raise ValueError, naming the argument."""
    for name, value, low, high in (("threshold", threshold, 0.5, 1.0), ("weakest", weakest, 0.0, 1.0)):
        if not low < value <= high:
            raise ValueError(f"{name}={value!r} must lie in ({low:g}, {high:g}].")
    if not 0 < pfer < math.inf:
        raise ValueError(f"pfer={pfer!r} must be a finite number of more than 0: no selection is free of false inputs.")
    if not isinstance(subsamples, Integral) or subsamples < 2 or subsamples % 2:
        raise ValueError(f"subsamples={subsamples!r} must be an even number of 2 or more: halves come in pairs.")
    check_drops_inputs(penalty)


def _halves(template: Estimator, y: NDArray[Any], pairs: int, seed: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """`pairs` times both halves of the rows, each as (rows, none held out); in each, classes have their share."""
    splitter: Any = StratifiedKFold if is_classifier(template) and y.ndim == 1 else KFold
    rows = np.arange(len(y))
    return [
        (half, rows[:0])
        for number in range(pairs)
        for half, _ in splitter(2, shuffle=True, random_state=(seed + number) % 2**32).split(rows[:, None], y)
    ]
