"""`MLPRegressorCV`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, final

from sklearn.base import RegressorMixin, _fit_context

from regnet.estimators import MLPRegressor
from regnet.estimators.exposure import log_exposure, with_exposure
from regnet.selection.base import BaseCV

__all__ = ["MLPRegressorCV"]


@final
@dataclass(eq=False, repr=False)
class MLPRegressorCV(RegressorMixin, BaseCV):  # type: ignore[misc]  # scikit-learn has no types
    """A network for numbers whose penalty's strength is chosen by cross-validation, as `cv.glmnet` does it.

    Networks for every strength, fold and restart are trained as stacks; the strength is the best one, or the strongest
    whose held-out score is within one standard error of the best; the network at that strength is refitted on all rows.
    Folds count by the weight of their held-out rows, and splits that repeat rows do not narrow the standard error, as
    `regnet.selection.choice.choose` has it. None of memory_limit, n_jobs, executor and sweep_dir changes a number.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (16,)
        Widths of the hidden layers, as in `MLPRegressor`: a selection needs few neurons. () is a linear model, glmnet's
        case.
    activation : str or Activation, default 'relu'
        As in `MLPRegressor`.
    penalty : {'input_l1', 'neuron_l1', 'weight_l1', 'weight_l2', 'alpha'}, default 'input_l1'
        What the strength lambda multiplies, beside the mean data loss: a group lasso on the inputs (used or not) or on
        hidden neurons, L1 or L2 on weights, or scikit-learn's own.
    input_groups : array-like or dict, optional
        For input_l1: one label per column (behind a preprocessor: per column that it makes), or a dict from column name
        (of the frame itself, for 'table') to label (columns not in it are groups of their own): columns with the same
        label are selected together.
    penalty_factor : array-like or dict, optional
        One number >= 0 per column, or a dict from column name to number (1 for columns not in it), the same within a
        group; it multiplies the strength on that input's weights, in the penalties input_l1, weight_l1 and weight_l2,
        beside adaptive factors, and is not rescaled. 0: never removed; inf: left out.
    lambdas : sequence of float, optional
        Strengths; None: n_lambdas of them in geometric steps up to where nothing is left.
    n_lambdas : int, default 50
        How many strengths, where they are not given.
    lambda_min_ratio : float, optional
        The weakest strength of the range by its strongest; None: 1e-3 (1e-2 where there are no more rows than inputs),
        and a hundredth of that where the weakest strength scores best.
    cv : int, splitter or iterable, default 5
        A number of folds (None: 5), which random_state draws (KFold with shuffle=True), as `cv.glmnet` draws them;
        `GridSearchCV(cv=5)` takes the rows in their order. Or any splitter of scikit-learn, which is taken as it is (a
        warning says if it does not shuffle rows that are sorted by y); `fit` takes groups.
    restarts : int, default 1
        Networks from different first weights; at each strength the one with the smallest penalised training objective
        stands for its fold, as for the refit. Of linear models they are all the same.
    scoring : str or callable, optional
        A name or scorer of scikit-learn, which must take the sample_weight that `fit` is given; or 'd2', the share of
        the loss of the rows' best constant that the network saves, or 'neg_mean_loss', minus the mean loss, in units of
        y. None: 'd2' (for the squared error it is 'r2'; of a loss of one's own without a `constant` too). A search's
        score is the mean over its folds, each by its own rows; a fold of one row has no r2 and no d2, but a mean loss.
    select : {'1se', 'paired', 'min'}, default '1se'
        Which strength is chosen: the strongest whose score is within one standard error of the best one's; the
        strongest whose differences to the best, fold by fold, are within one standard error of none; or the best. The
        first keeps the fewest inputs, the last one predicts best.
    adaptive : bool or 'auto', default 'auto'
        Whether there is a second path whose strengths are divided by the norm that an input's weights had in a pilot
        (the first path at its best strength; each fold has its own), which drops inputs that plain selection keeps.
        'auto': for input_l1 on networks with a hidden layer; with select='min' the first path stays if its best score
        is better.
    relax : bool, default False
        Whether to refit every selection from new weights without the penalty that found it (or with `gamma` times it),
        and choose by those scores; restarts stay those that the penalised objective chose.
    gamma : float or sequence of float, default 0
        With relax: the share of the strength that stays, from 0 to 1, at which nothing is refitted; of several, such as
        (0, .25, .5, .75, 1), the one whose best score over the strengths is best.
    refit : bool, default True
        Whether to have a network on all rows, which predicts.
    keep_predictions : bool, default False
        Whether to keep what the folds' networks predict for the rows that they hold out, in `cv_predictions_`: 8 bytes
        a number, and as much again while they are put in the order of the rows.
    l1_ratio : float, default 1.0
        Below 1 the rest is an L2 on the same weights, as in ElasticNet.
    companion_l2 : float, default 1.0
        L2 on the layers without groups, in units of lambda; with 0, weights escape from the penalised layer into the
        others (ReLU is homogeneous).
    warm_start : bool, default True
        From weak to strong, each network from the solution before; False: all strengths at once, from the first weights
        that `MLPRegressor` would draw with the same random_state, batches too.
    standardize : bool, default True
        Whether to centre and scale the inputs and targets by each fold's training rows. A Huber loss's
        delta is in units of y: for it targets are scaled by all rows' standard deviation, alike in all folds.
    preprocessor : transformer or 'table', optional
        A transformer or Pipeline that is fitted in each fold before that. A `TableEncoder`, or 'table' for one with its
        defaults, takes frames with text, dates and missing values; what it makes of one column is a group.
    solver : str or Optimizer, default 'auto'
        'auto' is 'adam', and for linear models 'newton' (exact, on the host, from strong to weak; 'fista' on a GPU and
        for more than 1,000 weights under an L2 alone, 'adam' for losses without second derivatives); or 'sgd' or an
        optimizer object.
    learning_rate_init : float, optional
        The learning rate; None is 3e-3 (cold: 1e-3).
    batch_size : int or 'auto', default 'auto'
        Rows of a step; 'auto' is all rows up to 2048, else 256 or a 200th part of them (cold: 200).
    max_iter : int, optional
        Epochs at each strength; None: 200 steps (cold: 200 epochs).
    tol : float, optional
        Of 'newton' and 'fista'; None: 1e-8 (float32: 1e-5).
    shuffle : bool, default True
        Whether every epoch's batches are drawn anew.
    dropout : float, default 0
        The share of the hidden outputs that is dropped in training.
    initializer : str or Initializer, optional
        As in `MLPRegressor`.
    memory_limit : int, optional
        Bytes for the networks that are trained together; None: half of what is free.
    n_jobs : int, optional
        Processes that train, as scikit-learn counts them (without numba they use the processors better than one process
        does).
    executor : Executor, optional
        In their place an executor of `concurrent.futures`, such as Dask's `Client.get_executor()`, whose workers train.
    sweep_dir : str or path, optional
        A folder in which every trained network is noted, so that a sweep that was killed goes on where it stopped.
    random_state : int, RandomState or None, default None
        Draws first weights, batches, and folds unless cv is a splitter. An integer gives the same ones at every `fit`;
        None and a RandomState give new ones, so that searches differ in their folds too.
    verbose : bool, default False
        Whether to show the progress.
    loss : str or Loss, default 'squared_error'
        As in `MLPRegressor`.

    Attributes
    ----------
    lambdas_ : array of float
        The strengths, ascending, (n_lambdas,).
    cv_scores_ : array of float
        By strength, fold and restart, (n_lambdas, n_folds, n_restarts); higher is better, NaN where a network diverged.
    scoring_ : str or callable
        What they are: `scoring`, or in its place 'r2' or 'd2'.
    chosen_restarts_ : array of int
        Whose scores count, (n_lambdas, n_folds).
    test_folds_ : array of int
        The fold that holds each row out, (n_rows,), -1 for none; where a row is held out several times (n_rows, most),
        each row's folds and then -1.
    cv_predictions_ : array of float
        With keep_predictions: for each strength and row what the network predicts that did not see it, in
        units of y, (n_lambdas, n_rows, n_outputs). Of rows that are held out several times the mean; NaN for rows that
        never are, and where a network diverged.
    fold_weights_, n_repeats_ : array of float and int
        What each fold counts, (n_folds,), with a sum of 1; how often a row is held out.
    score_mean_, score_se_ : array of float
        Mean and standard error over the folds, (n_lambdas,).
    lambda_min_, lambda_1se_, lambda_paired_, lambda_ : float
        The best strength, the strongest within one standard error of its score, of the difference to it, and the
        chosen one.
    best_index_, best_score_ : int and float
        The chosen strength's number and mean score.
    rival_, margin_ : float
        The strength that is nearest to being chosen instead, and how many standard errors away it is.
    near_tie_, kernels_ : bool and str
        Whether rounding reaches that far, so that other kernels may choose otherwise; what computed.
    n_selected_, zeros_, input_norms_ : array of int and of float
        At each strength the number of inputs used, the share of weights that are 0, and the norms of the inputs'
        weights, (n_lambdas, n_features).
    input_names_ : array of str
        What those inputs are called, (n_features,): the table's columns, or those that the preprocessor makes of them.
    n_splits_, n_diverged_ : int
        Number of splits, and of networks that diverged.
    pilot_scores_, adaptive_factors_ : array of float
        After adaptive paths: the pilot's scores, (n_lambdas, n_folds), and the factors of the inputs.
    adaptive_ : bool
        After adaptive paths: whether all else is of the second one.
    gamma_, gammas_, gamma_scores_ : float, array of float and array of float
        With relax: the chosen share, those that were tried, and their scores, (n_gammas, n_lambdas, n_folds).
    best_estimator_ : MLPRegressor
        With refit: the chosen network, in the units of X.
    model_ : Model
        With refit: its network, for `regnet.save`; behind a preprocessor it takes the columns that that one makes.
    selected_features_ : array of bool
        With refit: the inputs that it uses, of `input_names_`. `get_support()` is of the table's columns, in which that
        and `get_feature_names_out()` differ from it behind a preprocessor alone.
    feature_importances_ : array of float
        Of the table's columns, (n_features_in_,), from 0 to 1, for SelectFromModel and RFE: the strongest strength at
        which a column is still used, divided by the largest of them.
    groups_, n_selected_groups_, selected_groups_ : tuple, array of int and array of bool
        With input_groups, or where columns of the table become several behind 'table': their labels, at each strength
        the number of groups used, and with refit which ones best_estimator_ uses.
    path_ : PathResult
        With refit and warm_start: the path on all rows, which gives (strength, estimator) one by one (behind a
        preprocessor Pipelines, as best_estimator_ is).

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(300, n_features=20, random_state=0)
    >>> found = MLPRegressorCV(n_lambdas=20, random_state=0).fit(X, y)
    >>> found.lambda_1se_ >= found.lambda_min_, found.selected_features_.nonzero()[0].tolist()
    (True, [0, 1, 2, 3, 4])

    Other strengths than the chosen one, of the path or between two of its strengths:

    >>> found.at(n_inputs=3).selected_features_.nonzero()[0].tolist()
    [0, 1, 3]
    >>> bool(found.score_at(n_inputs=3).mean < found.best_score_)
    True
    >>> halfway = (found.lambdas_[4] * found.lambdas_[5]) ** 0.5
    >>> bool(found.path_.losses[4] < found.at(strength=halfway).loss_ < found.path_.losses[5])
    True
    >>> [int(estimator.selected_features_.sum()) for strength, estimator in found.path_[-1:]]
    [0]

    R2 of all rows' held-out predictions at once, where `score_mean_` is the mean of the folds' own:

    >>> from sklearn.metrics import r2_score
    >>> kept = MLPRegressorCV((), n_lambdas=10, keep_predictions=True, random_state=0).fit(X, y)
    >>> pooled = max(r2_score(y, predicted) for predicted in kept.cv_predictions_[:, :, 0])
    >>> round(float(kept.score_mean_.max()), 3), round(pooled, 3)
    (0.73, 0.736)

    As scikit-learn's selectors take it:

    >>> found.get_feature_names_out().tolist(), float(found.feature_importances_.max())
    (['x0', 'x1', 'x2', 'x3', 'x4'], 1.0)
    >>> from sklearn.ensemble import GradientBoostingRegressor
    >>> from sklearn.feature_selection import SelectFromModel
    >>> from sklearn.pipeline import make_pipeline
    >>> search = MLPRegressorCV(n_lambdas=20, random_state=0)
    >>> chosen = SelectFromModel(search, importance_getter="selected_features_", threshold=0.5)
    >>> both = make_pipeline(chosen, GradientBoostingRegressor(random_state=0)).fit(X, y)
    >>> both[0].get_support(indices=True).tolist()
    [0, 1, 2, 3, 4]

    A preprocessor's columns, and those of the table that they are made of:

    >>> from sklearn.preprocessing import SplineTransformer
    >>> curved = MLPRegressorCV((), preprocessor=SplineTransformer(3), adaptive=True, random_state=0).fit(X, y)
    >>> len(curved.selected_features_), curved.input_names_[:2].tolist(), curved.model_.network.in_features
    (100, ['x0_sp_0', 'x0_sp_1'], 100)
    >>> set(curved.get_support(indices=True).tolist()) >= {0, 1, 2, 3, 4}
    True
    """

    _classifier = False
    _template_class = MLPRegressor
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseCV._parameter_constraints,
        "loss": MLPRegressor._parameter_constraints["loss"],
    }
    hidden_layer_sizes: Any = (16,)
    activation: Any = "relu"
    loss: Any = field(default="squared_error", kw_only=True)

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        **params: Any,
    ) -> Self:
        """Train the sweep, choose the strength, and refit on all rows.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).
        y : array-like
            Their targets, (n,), or (n, outputs).
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more, for training and for the scores, which weigh held-out rows and folds
            by them.
        groups : array-like, optional
            Of the rows, (n,), for the splitter.
        offset, exposure : array-like, optional
            As in `MLPRegressor.fit`. Scores, predictions that are kept, and what a scorer of one's own is given are of
            rates, y / exposure, with the weights that make of their deviances those of y.
        **params : dict
            With scikit-learn's metadata routing (`enable_metadata_routing=True`): what else the splitter requests, or a
            scorer that is given as `scoring`, by the names that they request it under.

        Returns
        -------
        estimator
            Itself, fitted.

        Raises
        ------
        ValueError
            For bad data in scikit-learn's words, for folds that cannot be trained on, for a score that cannot take a
            sample_weight, and for a sweep_dir that holds another problem.

        Warns
        -----
        DivergenceWarning
            Naming strength, fold and step.
        """
        return self._search(X, y, sample_weight, groups, params, offset=offset, exposure=exposure)

    def predict(self, X: Any, *, offset: Any = None, exposure: Any = None) -> Any:
        """Predict by the refitted network.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).
        offset, exposure : array-like, optional
            As in `fit`, of these rows; without them predictions are rates per unit of exposure.

        Returns
        -------
        array
            Values, as `best_estimator_` gives them.
        """
        values = super().predict(X)
        return with_exposure(values, log_exposure(offset, exposure, values.shape[0], self.loss))

    def score(
        self, X: Any, y: Any, sample_weight: Any = None, *, offset: Any = None, exposure: Any = None
    ) -> float:  # fmt: skip
        """Measure the refitted network: R2 (of Quantiles D2), whatever `scoring` is.

        Parameters
        ----------
        X : array-like
            The rows, (n, features).
        y : array-like
            Their targets.
        sample_weight : array-like, optional
            Weights of the rows, (n,), 0 or more.
        offset, exposure : array-like, optional
            As in `MLPRegressor.score`.

        Returns
        -------
        float
            As the network's own `score` gives it.
        """
        best, X = self._fitted(), self._seen(X)
        if self.preprocessor is not None:
            X, best = best[:-1].transform(X), best[-1]
        return float(best.score(X, self._seen(y), self._seen(sample_weight), offset=offset, exposure=exposure))
