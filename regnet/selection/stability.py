"""`stability_selection`: how often each input is selected when half of the rows are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import KFold, StratifiedKFold

from regnet.display.warning import warn
from regnet.selection.collector import Collector
from regnet.selection.false_selections import weakest_within
from regnet.selection.folds import check_table, make_folds
from regnet.selection.input_names import kind_of_choices, names_of_inputs
from regnet.selection.lambdas import check_lambdas, find_lambdas
from regnet.selection.path import check_estimator_for_sweep
from regnet.selection.reporting import report_absent, report_divergence
from regnet.selection.settings import Estimator, SweepSettings, check_drops_inputs, restart_seeds
from regnet.selection.stability_result import StabilityResult
from regnet.selection.sweep_spec import make_spec
from regnet.selection.table_encoding import with_encoded_columns
from regnet.sweep.spec import SweepSpec

__all__ = ["stability_selection"]


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
    preprocessor: Any = None,
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
        The rows, (n, features), or what `preprocessor` takes: a frame of pandas or polars, for 'table'.
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
        The per-family error rate: how many inputs (or groups) of no effect may be stable, on average over tables. The
        range of strengths that counts follows from it, as the longest whose `bound` is no more.
    l1_ratio, companion_l2 : float, default 1.0
        See `path`.
    standardize : bool, default True
        See `path`.
    preprocessor : transformer or 'table', optional
        A transformer or Pipeline that is fitted on every half before that, and must make the same columns of each. A
        `TableEncoder`, or 'table' for one with its defaults, takes frames: every half has the columns of the whole
        table, and its own medians where values are missing. Under 'input_l1' the columns of the table are selected,
        whole, and `pfer` counts them.
    sample_weight : array-like, optional
        Weights of the rows, (n,), 0 or more.
    offset, exposure : array-like, optional
        As in `MLPRegressor.fit`.
    memory_limit, n_jobs, executor, sweep_dir : int, int, Executor and path, optional
        See `MLPClassifierCV`.
    progress : bool, default False
        Whether to show a bar, in a terminal or a notebook.

    Returns
    -------
    StabilityResult
        Frequencies, and which inputs, or groups of them, are stable.

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
        l1_ratio=l1_ratio, companion_l2=companion_l2, warm_start=True, standardize=standardize,
        preprocessor=preprocessor, restarts=1, memory_limit=memory_limit,
    )  # fmt: skip
    settings, template = with_encoded_columns(settings, X), clone(estimator)
    checked = check_table(template, X, y, sample_weight, settings.preprocessor, offset=offset, exposure=exposure)
    rows = np.arange(len(checked.y))
    (seed,) = restart_seeds(template.random_state, 1)
    halves = _halves(template, checked.y, subsamples // 2, seed)
    *folds, everything = make_folds(settings, template, checked, [*halves, (rows, rows[:0])])
    names = names_of_inputs(template, everything)
    _check_same_columns([names_of_inputs(template, half) for half in folds], names)
    report_absent(everything, names)
    if lambdas is None:
        whole = make_spec(settings, template, [everything], checked.placement, (1.0,), (seed,), "range")
        (largest,) = find_lambdas(whole, 1)
        strongest = math.sqrt(2.0) * largest
        strengths = tuple(np.geomspace(strongest, weakest * largest, n_lambdas)[::-1].tolist())
    else:
        strengths = check_lambdas(lambdas)
    spec = make_spec(settings, template, folds, checked.placement, strengths, (seed,), "stability")
    collected = Collector(spec, "", None, frozenset()).run(
        memory_limit=memory_limit, executor=executor, n_jobs=n_jobs, sweep_dir=sweep_dir, progress=progress
    )
    report_divergence(spec, collected)
    selected = spec.whole(collected.selected[:, :, 0])
    counted, candidates = _counted(spec, selected, everything.x)
    start, q, bound = weakest_within(counted, pfer, max(candidates, 1), threshold, subsamples // 2)
    if start == len(spec.lambdas):
        warn(
            f"Even at the strongest strength, {spec.lambdas[-1]:.3g}, subsamples use so many "
            f"{kind_of_choices(spec.groups)} that more than pfer={pfer:g} could be stable by chance: give stronger "
            "lambdas."
        )
    return StabilityResult(
        np.asarray(spec.lambdas), selected.mean(axis=1), float(threshold), names, start, q, bound, spec.groups
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


def _check_same_columns(made: Sequence[tuple[str, ...]], names: tuple[str, ...]) -> None:
    """Raise ValueError where the columns of a half, by their names, are not those of all rows, and would be mixed."""
    for number, own in enumerate(made):
        if own != names:
            other = next(one for one, two in zip(own, names, strict=True) if one != two)
            raise ValueError(
                f"preprocessor makes other columns of subsample {number} than of all rows ({other!r}, for one): use "
                "one that makes the same columns of any rows (OneHotEncoder(categories=...), or 'table')."
            )


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
