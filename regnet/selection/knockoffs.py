"""`knockoff_selection`: the inputs that a network uses more than copies of them which know nothing of the target."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from regnet.backend.given import numbers_of
from regnet.backend.placement import Placement, to_host
from regnet.display.warning import warn
from regnet.estimators.grouping import Grouping
from regnet.selection.collector import Collector
from regnet.selection.columns import columns_of
from regnet.selection.false_discoveries import draw_evidence, select_by_evidence, used_more
from regnet.selection.folds import Checked, check_table, make_folds
from regnet.selection.gaussian_knockoffs import GaussianKnockoffs
from regnet.selection.input_names import names_of_inputs
from regnet.selection.knockoff_result import KnockoffResult
from regnet.selection.lambdas import check_lambdas, find_lambdas
from regnet.selection.path import check_estimator_for_sweep
from regnet.selection.reporting import report_absent, report_divergence
from regnet.selection.settings import Estimator, SweepSettings, check_drops_inputs, restart_seeds
from regnet.selection.sweep_spec import make_spec
from regnet.selection.table_encoding import check_numbers, encodes_tables, with_encoded_columns
from regnet.sweep.fold import Fold
from regnet.sweep.inputs import Inputs

__all__ = ["knockoff_selection"]


def knockoff_selection(
    estimator: Estimator,
    X: Any,
    y: Any,
    *,
    fdr: float = 0.1,
    draws: int = 10,
    knockoffs: Any = None,
    penalty: str = "input_l1",
    lambdas: Any = None,
    n_lambdas: int = 15,
    weakest: float = 0.01,
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
) -> KnockoffResult:
    """Select inputs so that on average at most the share `fdr` of the selected ones is false.

    Beside every input X_j a network sees its knockoff X~_j, a column that is drawn to go with the other inputs as X_j
    does, and knows nothing of y. A path of strengths is trained on both, and

        Z_j = integral of ||weights of X_j|| over lambda,    W_j = max(Z_j, Z~_j) sign(Z_j - Z~_j)

    says which of the two is used more. For an input of no effect, given the others, that is a fair coin. Which of them
    comes first in the table is drawn anew for every pair and draw. Evidence from `draws` drawings is averaged
    (`false_discoveries.draw_evidence`), so that the selection hardly depends on chance, and no selection has fewer than
    1 / fdr inputs: at 0.1 at least ten. All networks are trained as one stack.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Without strengths of its own. Its `max_iter` is the number of epochs at each strength.
    X : array-like
        The rows, (n, features): independent draws from one distribution, whose means and covariances are estimated; or
        a frame of pandas or polars, for preprocessor='table'.
    y : array-like
        Their targets.
    fdr : float, default 0.1
        The false discovery rate, in (0, 1): how large the share of false inputs may be, on average over tables.
    draws : int, default 10
        How many times knockoffs are drawn. With 1 the selection is that of knockoff+.
    knockoffs : array-like, optional
        Knockoffs of your own, (n, features) or (draws, n, features), for inputs that are far from normal; `draws` is
        then their number, and behind a preprocessor they are of the columns that it makes. None:
        `gaussian_knockoffs.GaussianKnockoffs`.
    penalty : {'input_l1', 'weight_l1'}, default 'input_l1'
        What selects. With the estimator's input_groups whole groups are selected, in the place of inputs.
    lambdas : sequence of float, optional
        The strengths; None: `n_lambdas` from `weakest` times up to the one at which not even the target would be left
        as an input. That is asked of the targets alone (and, without `standardize`, of the inputs' largest unit): X
        must have no say that its knockoffs do not have.
    n_lambdas : int, default 15
        How many strengths, where they are not given.
    weakest : float, default 0.01
        The weakest strength, as a share of the strongest.
    l1_ratio, companion_l2 : float, default 1.0
        See `path`.
    standardize : bool, default True
        See `path`.
    preprocessor : TableEncoder or 'table', optional
        Makes numbers of a frame's numbers and dates; 'table' is a `TableEncoder` with its defaults. Text, and missing
        values, become columns of 0 and 1, which no normal knockoffs go with: they are refused, but for `knockoffs` of
        your own (a column that is 0 and 1 already is one of numbers, as in an array). Under 'input_l1' what is made of
        one column is a group, which is exchanged whole.
    sample_weight : array-like, optional
        Weights of the rows in training, (n,), 0 or more; knockoffs are drawn without them.
    offset, exposure : array-like, optional
        As in `MLPRegressor.fit`.
    memory_limit, n_jobs, executor, sweep_dir : int, int, Executor and path, optional
        See `MLPClassifierCV`.
    progress : bool, default False
        Whether to show a bar, if the output is a terminal.

    Returns
    -------
    KnockoffResult
        Which inputs are selected, and by what evidence.

    Raises
    ------
    TypeError, ValueError
        As `path`, and for a number that means nothing, naming the argument.

    Warns
    -----
    UserWarning
        If there are fewer rows than inputs, so that the covariances are mostly shrinkage.

    References
    ----------
    Candes, Fan, Janson & Lv, Panning for gold, JRSS B 80 (2018); Barber & Candes, Controlling the false discovery rate
    via knockoffs, Annals of Statistics 43 (2015); Ren & Barber, Derandomised knockoffs, JRSS B 86 (2024).

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(300, n_features=20, noise=1.0, random_state=2)
    >>> from regnet import MLPRegressor, knockoff_selection
    >>> mlp = MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, max_iter=50, random_state=0)
    >>> knockoff_selection(mlp, X, y, fdr=0.3, n_lambdas=10)
    KnockoffResult(fdr=0.3, draws=10; 5 of 20 inputs selected: x0, x1, x2, x3, x4)
    """
    _check(fdr, draws, weakest, penalty, preprocessor)
    check_estimator_for_sweep(estimator)
    settings = SweepSettings.of_arguments(
        estimator, penalty=penalty, lambdas=lambdas, n_lambdas=n_lambdas, l1_ratio=l1_ratio, companion_l2=companion_l2,
        warm_start=True, standardize=standardize, preprocessor=preprocessor, restarts=1, memory_limit=memory_limit,
    )  # fmt: skip
    settings, template = with_encoded_columns(settings, X), clone(estimator)
    if knockoffs is None:
        check_numbers(settings.preprocessor)
    checked = check_table(template, X, y, sample_weight, settings.preprocessor, offset=offset, exposure=exposure)
    (seed,) = restart_seeds(template.random_state, 1)
    (whole,) = make_folds(settings, template, checked, [_all_rows(checked)])
    names = names_of_inputs(template, whole)
    report_absent(whole, names)
    groups = columns_of(settings, template, [whole]).grouping
    _check_count(fdr, int((~whole.absent if groups is None else groups.any_of(~whole.absent)).sum()), groups)
    if whole.transformer is not None:
        checked = checked._replace(table=whole.transformer.transform(checked.x))
    alone = replace(settings, input_groups=None, preprocessor=None)
    strengths = check_lambdas(lambdas) if lambdas is not None else ()
    if lambdas is None:
        strengths = _strengths(alone, template, whole, checked.placement, seed, weakest, n_lambdas)
    folds, swapped = _folds(alone, template, checked, _drawn(checked, knockoffs, draws, seed, groups), seed, groups)
    both = replace(alone, input_groups=_groups_of_both(groups))
    spec = make_spec(both, template, folds, checked.placement, strengths, (seed,), "knockoffs")
    collected = Collector(spec, "", None, frozenset()).run(
        memory_limit=memory_limit, executor=executor, n_jobs=n_jobs, sweep_dir=sweep_dir, progress=progress
    )
    report_divergence(spec, collected)
    sound = (collected.diverged_at[:, :, 0] < 0)[:, :, None]
    norms = np.where(sound, collected.input_norms[:, :, 0], 0.0)
    statistics = used_more(norms, np.asarray(spec.lambdas), swapped, groups)
    share = fdr if len(statistics) == 1 else fdr / 2.0  # of several draws not each one finds all: Ren & Barber's half
    e_values = np.mean([draw_evidence(one, share)[0] for one in statistics], axis=0)
    threshold = select_by_evidence(e_values, fdr)
    return KnockoffResult(statistics, e_values, float(fdr), threshold, names, np.asarray(spec.lambdas), groups)


def _check(fdr: Any, draws: Any, weakest: Any, penalty: str, preprocessor: Any) -> None:
    """Raise ValueError, naming the argument."""
    if not isinstance(fdr, Real) or not 0.0 < float(fdr) < 1.0:
        raise ValueError(f"fdr={fdr!r} must lie in (0, 1): it is the mean share of false inputs, such as 0.1.")
    if not isinstance(draws, Integral) or draws < 1:
        raise ValueError(f"draws={draws!r} must be an integer of 1 or more: it says how often knockoffs are drawn.")
    if not isinstance(weakest, Real) or not 0.0 < float(weakest) < 1.0:
        raise ValueError(f"weakest={weakest!r} must lie in (0, 1): it is a share of the strongest strength.")
    check_drops_inputs(penalty)
    if preprocessor is not None and not encodes_tables(preprocessor):
        raise ValueError(
            f"preprocessor={preprocessor!r}: knockoffs take 'table' or a TableEncoder, which never see y: for another "
            "transformer that does not either give X transformed."
        )


def _check_count(fdr: float, count: int, groups: Grouping | None) -> None:
    """Raise ValueError where no selection could be made."""
    fewest, kind = math.ceil(1.0 / fdr - 1e-9), "inputs" if groups is None else "groups"
    if count < fewest:
        raise ValueError(
            f"fdr={fdr:g}: a selection has {fewest} {kind} or more (1 / fdr), and only {count} of X vary: give a "
            "larger fdr, or use stability_selection, which bounds the number of false inputs instead (pfer)."
        )


def _all_rows(checked: Checked) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = np.arange(len(checked.y))
    return rows, rows[:0]


def _generator(seed: int, draw: int, purpose: int) -> np.random.Generator:
    """Of numbers that no table was made of: default_rng(seed), by whose numbers tests make theirs, gives others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*b"knockoffs", draw, purpose)))


def _groups_of_both(groups: Grouping | None) -> list[int] | None:
    """A label for each input and each knockoff: groups of either only."""
    return None if groups is None else [*groups.numbers.tolist(), *(groups.numbers + len(groups.labels)).tolist()]


def _drawn(
    checked: Checked, knockoffs: Any, draws: int, seed: int, groups: Grouping | None
) -> list[NDArray[np.float64]]:
    """The knockoffs of every draw, (n, features) each; a draw does not depend on how many there are."""
    table = np.asarray(checked.table, dtype=np.float64)
    if knockoffs is None:
        rows, inputs = table.shape
        if rows < inputs:
            warn(
                f"X has fewer rows ({rows}) than inputs ({inputs}): the covariances that knockoffs are drawn by are "
                "mostly Ledoit and Wolf's shrinkage towards none, and false inputs may be more than fdr says. Give "
                "knockoffs=, drawn by what is known of the inputs, or more rows."
            )
        drawer = GaussianKnockoffs(table, None if groups is None else groups.numbers)
        return [drawer.draw(_generator(seed, number, 0)) for number in range(draws)]
    given = np.asarray(to_host(numbers_of("knockoffs", knockoffs)), dtype=np.float64)
    given = given[None] if given.ndim == 2 else given
    if given.ndim != 3 or given.shape[1:] != table.shape or not len(given):
        raise ValueError(
            f"knockoffs has the shape {given.shape}, and X {table.shape}: give a column for each of X, in rows in the "
            "same order, (n, features), or several such tables, (draws, n, features)."
        )
    if not np.isfinite(given).all():
        raise ValueError("knockoffs must be finite numbers.")
    return list(given)


def _folds(
    settings: SweepSettings,
    template: Estimator,
    checked: Checked,
    drawn: list[NDArray[np.float64]],
    seed: int,
    groups: Grouping | None,
) -> tuple[list[Fold], NDArray[np.bool_]]:
    """One fold for every draw, of twice as many inputs, and which pairs are the other way round, (draws, features) or,

    of groups, which are exchanged whole, (draws, groups).
    """
    table = np.asarray(checked.table, dtype=np.float64)
    numbers = np.arange(table.shape[1]) if groups is None else groups.numbers
    folds, swapped = [], np.zeros((len(drawn), int(numbers.max()) + 1), dtype=bool)
    for number, knockoff in enumerate(drawn):
        swapped[number] = _generator(seed, number, 1).random(swapped.shape[1]) < 0.5
        swap = swapped[number, numbers]
        both = np.hstack([np.where(swap, knockoff, table), np.where(swap, table, knockoff)])
        (fold,) = make_folds(settings, template, checked._replace(table=both), [_all_rows(checked)])
        folds.append(fold.kept())
    return folds, swapped


def _strengths(
    settings: SweepSettings,
    template: Estimator,
    whole: Fold,
    placement: Placement,
    seed: int,
    weakest: float,
    count: int,
) -> tuple[float, ...]:
    """Strengths up to the one at which a network of the standardised targets as inputs has none left."""
    share = whole.weight[:, None]
    own = whole.y - (share * whole.y).sum(axis=0)
    scale = np.sqrt((share * own**2).sum(axis=0))
    own = own / np.where(scale > 0, scale, 1.0)
    if not settings.standardize:  # gradients grow with the inputs' units
        own = own * float(np.sqrt((share * np.asarray(whole.x, dtype=np.float64) ** 2).sum(axis=0).max()))
    fold = replace(whole, inputs=Inputs.of(own.astype(whole.inputs.dtype)))
    (strongest,) = find_lambdas(make_spec(settings, template, [fold], placement, (1.0,), (seed,), "range"), 1)
    return tuple(np.geomspace(weakest * strongest, strongest, count).tolist())
