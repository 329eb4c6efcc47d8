"""`path`: one penalty through all its strengths, on all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from regnet.backend.given import named
from regnet.backend.placement import to_host
from regnet.estimators import MLPClassifier, MLPRegressor
from regnet.estimators.parameters import DEFAULT_ALPHA, STRENGTHS
from regnet.selection.as_estimator import behind_transformer
from regnet.selection.between import Between
from regnet.selection.collector import Collector
from regnet.selection.folds import check_table, make_folds
from regnet.selection.input_names import names_of_inputs
from regnet.selection.lambdas import check_lambdas, find_lambdas
from regnet.selection.path_result import PathResult
from regnet.selection.relaxing import relax
from regnet.selection.reporting import report_absent, report_divergence
from regnet.selection.settings import Estimator, SweepSettings, restart_seeds
from regnet.selection.sweep_spec import make_spec
from regnet.selection.table_encoding import with_encoded_columns
from regnet.sweep.spec import Cell, SweepSpec

__all__ = ["check_estimator_for_sweep", "collect_path", "path", "train_path"]


def path(
    estimator: Estimator,
    X: Any,
    y: Any,
    *,
    penalty: str = "input_l1",
    penalty_factor: Any = None,
    lambdas: Any = None,
    n_lambdas: int = 50,
    l1_ratio: float = 1.0,
    companion_l2: float = 1.0,
    warm_start: bool = True,
    standardize: bool = True,
    preprocessor: Any = None,
    restarts: int = 1,
    sample_weight: Any = None,
    offset: Any = None,
    exposure: Any = None,
    validation_data: tuple[Any, Any] | None = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    executor: Any = None,
    sweep_dir: Any = None,
    progress: bool = False,
) -> PathResult:
    """Train `estimator`'s network at every strength of one penalty.

    The estimator's `max_iter` is the number of epochs at each strength; 'auto' batches are all rows, where there are at
    most 2048. `regnet.sweep.path_penalty.Mix` has the formula of the penalty.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Without strengths of its own.
    X : array-like
        The rows, (n, features), or what `preprocessor` takes: a frame of pandas or polars, for 'table'.
    y : array-like
        Their targets.
    penalty : {'input_l1', 'neuron_l1', 'weight_l1', 'weight_l2', 'alpha'}, default 'input_l1'
        What the strength multiplies: a group lasso on inputs or hidden neurons, L1 or L2 on weights, or scikit-learn's
        own. The estimator's input_groups make groups of several inputs.
    penalty_factor : array-like or dict, optional
        One number >= 0 per input, by which its penalty is multiplied, or a dict by column name (of the frame itself,
        for 'table'); 0: not penalised, inf: left out.
    lambdas : sequence of float, optional
        The strengths; None: `n_lambdas` of them in geometric steps up to where nothing is left.
    n_lambdas : int, default 50
        How many strengths, where they are not given.
    l1_ratio : float, default 1.0
        Below 1 the rest is an L2, as in ElasticNet.
    companion_l2 : float, default 1.0
        The L2 on the layers without groups, in units of lambda; with 0 a penalty on one layer is evaded by scaling the
        next one up.
    warm_start : bool, default True
        From weak to strong, each from the solution before it (the other way round an all-zero network is a trap, but
        for solver='newton', which is for linear models and goes that way); False: each from the estimator's first
        weights, all in one stack.
    standardize : bool, default True
        Whether to centre and scale inputs (and a regression's targets); what is returned is in their own units, and so
        is a Huber loss's delta.
    preprocessor : transformer or 'table', optional
        A transformer or Pipeline that is fitted on the rows before that, as in `MLPRegressorCV`: a `TableEncoder`, or
        'table' for one with its defaults, takes frames with text, dates and missing values, and under 'input_l1' what
        it makes of one column is a group. `estimators` are Pipelines then, which take frames too.
    restarts : int, default 1
        Networks from different first weights.
    sample_weight : array-like, optional
        Weights of the rows, (n,), 0 or more.
    offset, exposure : array-like, optional
        As in `MLPRegressor.fit`.
    validation_data : tuple, optional
        The rows (X, y) for `scores`.
    memory_limit, n_jobs, executor, sweep_dir : int, int, Executor and path, optional
        See `MLPClassifierCV`.
    progress : bool, default False
        Whether to show a bar, in a terminal or a notebook.

    Returns
    -------
    PathResult
        What was found at each strength, a fitted estimator included.

    Raises
    ------
    TypeError
        For an estimator of another library.
    ValueError
        For an argument that cannot be, naming it, and for an estimator that has strengths of its own.

    Warns
    -----
    DivergenceWarning
        Naming strength and step.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(300, n_features=10, random_state=0)
    >>> from regnet import MLPRegressor, path
    >>> mlp = MLPRegressor(hidden_layer_sizes=(16,), learning_rate_init=3e-3, random_state=0)
    >>> found = path(mlp, X, y, n_lambdas=30)
    >>> int(found.n_selected[-1]), bool((found.losses[0] < found.losses[-1]))
    (0, True)
    >>> bool(found.at(n_inputs=5).selected_features_.sum() <= 5), found.at(strength=0.02).input_l1
    (True, 0.02)
    """
    check_estimator_for_sweep(estimator)
    settings = SweepSettings.of_arguments(
        estimator, penalty=penalty, penalty_factor=penalty_factor, lambdas=lambdas, n_lambdas=n_lambdas,
        l1_ratio=l1_ratio, companion_l2=companion_l2, warm_start=warm_start, standardize=standardize,
        preprocessor=preprocessor, restarts=restarts, memory_limit=memory_limit,
    )  # fmt: skip
    _check_validation(validation_data, exposed=not (offset is None and exposure is None))
    settings, template = with_encoded_columns(settings, X), clone(estimator)
    checked = check_table(template, X, y, sample_weight, settings.preprocessor, offset=offset, exposure=exposure)
    rows = np.arange(len(checked.y))
    (fold,) = make_folds(settings, template, checked, [(rows, rows[:0])])
    report_absent(fold, names_of_inputs(template, fold))
    seeds = restart_seeds(template.random_state, restarts)
    spec = make_spec(settings, template, [fold], checked.placement, (1.0,), seeds, "path")
    strengths = find_lambdas(spec, n_lambdas) if lambdas is None else check_lambdas(lambdas)
    spec = make_spec(settings, template, [fold], checked.placement, strengths, seeds, "path")
    collected = Collector(spec, "", None, frozenset([0])).run(
        memory_limit=memory_limit, executor=executor, n_jobs=n_jobs, sweep_dir=sweep_dir, progress=progress
    )
    report_divergence(spec, collected)
    between = Between.of_path(spec, collected, 0, memory_limit=memory_limit)
    found = collect_path(spec, collected, names_of_inputs(template, fold), between)
    if validation_data is not None:
        _score(found, fold.transformer, *validation_data)
    return found


def _check_validation(given: Any, *, exposed: bool) -> None:
    """Raise ValueError for what are no rows to score."""
    if given is None:
        return
    if not (isinstance(given, (tuple, list)) and len(given) == 2):
        raise ValueError("validation_data: give (X, y), the inputs and targets of rows to score.")
    if exposed:
        raise ValueError("validation_data has no exposures: leave it out, and ask the path's estimators for `score`.")


def _score(found: PathResult, transformer: Any, X: Any, y: Any) -> None:
    """Fill in the scores of the estimators on other rows, which are transformed once."""
    with named("validation_data"):
        if transformer is not None:
            X, y = transformer.transform(to_host(X)), to_host(y)
        for number, one in enumerate(found.estimators):
            found.scores[number] = (one if transformer is None else one[-1]).score(X, y)


def check_estimator_for_sweep(estimator: Any) -> None:
    """Raise TypeError or ValueError for an estimator whose settings a sweep would have to ignore."""
    if not isinstance(estimator, (MLPClassifier, MLPRegressor)):
        raise TypeError(f"estimator={estimator!r}: give an MLPClassifier or MLPRegressor of regnet.")
    estimator._validate_params()
    if estimator.penalty_factor is not None:
        raise ValueError("The estimator has a penalty_factor of its own: leave it out, and give it to the path.")
    for name in STRENGTHS:
        if getattr(estimator, name) is not None:
            raise ValueError(f"The estimator has {name} of its own, which a path would change: leave it out.")
    if estimator.solver == "lbfgs":
        raise ValueError(
            "solver='lbfgs' is not for paths: use 'adam', or for all rows 'fista' ('newton' for linear models)."
        )
    if estimator.alpha is not DEFAULT_ALPHA:
        raise ValueError("The estimator has an alpha of its own, beside the path's penalty: leave it out.")
    for name, value in (("l1_step", "proximal"), ("learning_rate", "constant")):
        if getattr(estimator, name) != value:
            raise ValueError(f"{name}={getattr(estimator, name)!r} is not for paths: leave it {value!r}.")
    if estimator.early_stopping:
        raise ValueError("early_stopping would end every network of a sweep elsewhere: leave it out, and set max_iter.")


def collect_path(
    spec: SweepSpec, collected: Collector, names: tuple[str, ...], between: Between, fold: int = 0
) -> PathResult:
    """The path on one fold that kept its points, of the chosen restart at each strength; names: of the inputs."""
    restarts = collected.chosen[:, fold]
    where = (np.arange(len(restarts)), fold, restarts)
    cells = [Cell(strength, fold, int(restart)) for strength, restart in enumerate(restarts)]
    return PathResult(
        lambdas=np.asarray(spec.lambdas),
        losses=collected.losses[where],
        scores=np.full(len(restarts), np.nan),
        zeros=collected.zeros[where],
        norms=collected.norms[where],
        input_norms=collected.input_norms[where],
        feature_names=names,
        estimators=tuple(behind_transformer(spec.folds[fold], collected.estimator_at(cell)) for cell in cells),
        diverged=~np.isfinite(collected.objectives[where]),
        between=between,
        grouping=spec.groups,
    )


def train_path(between: Between, names: tuple[str, ...]) -> PathResult:
    """The path of cold starts on the rows of `between`: all strengths of its grid; names: of the inputs."""
    spec, keep = between.spec, frozenset([0])
    collected = Collector(spec, "", None, keep).run(memory_limit=between.memory_limit)
    if between.gamma != 1:
        spec = relax(spec, collected.selected, between.gamma)
        collected = Collector(spec, "", None, keep, collected.chosen).run(memory_limit=between.memory_limit)
    report_divergence(spec, collected)
    return collect_path(spec, collected, names, between)
